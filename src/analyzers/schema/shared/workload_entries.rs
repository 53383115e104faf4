//! WorkloadEntries, alone or as endpoints of a ServiceEntry (rules 46, 47 and 68).

use super::{Report, labels, names};
use crate::dialects::istio::types::WorkloadEntry;

/// What addresses an entry may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addresses {
    /// IP addresses and Unix sockets.
    Ip,
    /// IP addresses and DNS names, no sockets.
    IpOrName,
    /// All three.
    All,
}

/// Validates one entry. `service_ports` are the port names of its ServiceEntry, when it stands in one.
pub fn check(report: &mut Report<'_>, entry: &WorkloadEntry, service_ports: Option<&[&str]>, addresses: Addresses) {
    address(report, entry, addresses);
    labels::check(report, &entry.labels);
    let Some(service_ports) = service_ports else { return };
    for (name, _) in entry.ports.iter().filter(|(name, _)| !service_ports.contains(&name.as_str())) {
        report
            .error(name.span(), format!("the ServiceEntry has no port {:?}", name.as_str()))
            .help(format!("its ports are: {}", service_ports.join(", ")));
    }
    if let Some(address) = entry.address.as_ref().filter(|a| a.as_str().starts_with("unix://"))
        && service_ports.len() != 1
        && addresses != Addresses::IpOrName
    {
        report.error(address.span(), "a Unix socket as endpoint needs a ServiceEntry with exactly one port");
    }
}

fn address(report: &mut Report<'_>, entry: &WorkloadEntry, addresses: Addresses) {
    let Some(address) = entry.address.as_ref().filter(|a| !a.as_str().is_empty()) else {
        if let Some(network) = &entry.network {
            report
                .warning(
                    network.place.entry(),
                    "without `address` the workload is reached through the gateway of its network",
                )
                .help("leave it so if that is meant; otherwise set `address`");
        } else if let Some(empty) = &entry.address {
            report.error(empty.span(), "the address is empty");
        }
        return;
    };
    let text = address.as_str();
    if text.starts_with("unix://") {
        if addresses == Addresses::IpOrName {
            report.error(
                address.span(),
                "with DNS resolution an endpoint is a DNS name or an IP address, not a Unix socket",
            );
        }
        return;
    }
    let verdict = match addresses {
        Addresses::Ip if names::is_ip(text) => Ok(()),
        Addresses::Ip => Err(format!("{text:?} is no IP address, which the resolution STATIC needs (DNS takes names)")),
        Addresses::IpOrName | Addresses::All => names::fqdn_or_ip(text),
    };
    report.verdict(address.span(), verdict);
}
