//! Addresses for services and workloads that are only declared: a mesh in files has none.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::{Key, Mesh, Resolution, ServiceAddress};

/// The networks that addresses are taken from. The same key gets the same address, unless another one was there first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressPlan {
    /// For services.
    pub services: Ipv4Net,
    /// For workloads, one address each.
    pub workloads: Ipv4Net,
}

impl Default for AddressPlan {
    /// The networks that Kubernetes installations often use.
    fn default() -> Self {
        let net = |octets: [u8; 4], length| Ipv4Net::new(octets.into(), length).unwrap_or_default();
        Self { services: net([10, 96, 0, 0], 12), workloads: net([10, 244, 0, 0], 16) }
    }
}

impl AddressPlan {
    pub(super) fn assign(&self, mesh: &mut Mesh) {
        let mut used: BTreeSet<IpAddr> = BTreeSet::new();
        for service in mesh.services.values() {
            used.extend(service.addresses.iter().filter_map(|address| match address {
                ServiceAddress::Ip(ip) => Some(*ip),
                ServiceAddress::Network(_) => None,
            }));
        }
        used.extend(mesh.workloads.values().flat_map(|workload| &workload.addresses));
        for (key, service) in &mut mesh.services {
            let wants = service.addresses.is_empty() && service.resolution == Resolution::Endpoints;
            if let Some(address) = wants.then(|| free(self.services, key, &mut used)).flatten() {
                Arc::make_mut(service).addresses.push(ServiceAddress::Ip(address));
            }
        }
        for (key, workload) in &mut mesh.workloads {
            let wants = workload.addresses.is_empty();
            if let Some(address) = wants.then(|| free(self.workloads, key, &mut used)).flatten() {
                Arc::make_mut(workload).addresses.insert(address);
            }
        }
    }
}

/// A free address of a network: where the key's hash points to, or the next one that is free.
fn free(net: Ipv4Net, key: &Key, used: &mut BTreeSet<IpAddr>) -> Option<IpAddr> {
    let first = u32::from(net.network());
    let size = (u32::from(net.broadcast()) - first).saturating_sub(1);
    let hash = twox_hash::XxHash64::oneshot(0, key.to_string().as_bytes());
    let start = u32::try_from(hash % u64::from(size.max(1))).unwrap_or_default();
    let mut all = (0..size).map(|step| IpAddr::from(Ipv4Addr::from(first + 1 + (start + step) % size)));
    all.find(|address| used.insert(*address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stay_when_others_come() {
        let net: Ipv4Net = "10.0.0.0/29".parse().unwrap();
        let mut used = BTreeSet::new();
        let first = free(net, &Key::new("a", "b"), &mut used).unwrap();
        assert_eq!(free(net, &Key::new("a", "b"), &mut BTreeSet::new()), Some(first));
        let all: BTreeSet<_> = (0..5).filter_map(|n| free(net, &Key::new("x", n.to_string()), &mut used)).collect();
        assert_eq!(all.len(), 5, "each its own");
        assert_eq!(free(net, &Key::new("a", "z"), &mut used), None, "full");
    }
}
