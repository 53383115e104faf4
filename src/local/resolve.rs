//! From a host as applications write it to the address that they connect to: what DNS is in a cluster.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::ir::{EndpointAddress, Mesh, Protocol, Service, ServiceAddress};

/// Where a connection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Destination {
    /// The address.
    pub address: SocketAddr,
    /// HTTP/2 from the first byte.
    pub http2: bool,
}

/// The address of a host and port for a client in a namespace. `nameless` stands for hosts that have no address: proxies
/// tell them apart by name.
pub fn resolve(mesh: &Mesh, namespace: &str, host: &str, port: u16, nameless: IpAddr) -> Destination {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Destination { address: SocketAddr::new(ip, port), http2: false };
    }
    let Some(service) = service(mesh, namespace, host) else {
        return Destination { address: SocketAddr::new(nameless, port), http2: false };
    };
    let http2 = service.port(port).is_some_and(|port| matches!(port.protocol, Protocol::Http2 | Protocol::Grpc));
    Destination { address: address(mesh, service, port).unwrap_or(SocketAddr::new(nameless, port)), http2 }
}

/// The service that a client means: `reviews`, `reviews.shop`, `reviews.shop.svc` and the full name are the same.
pub fn service<'m>(mesh: &'m Mesh, namespace: &str, host: &str) -> Option<&'m Arc<Service>> {
    let domain = &mesh.settings.domain;
    let names = [
        host.to_owned(),
        format!("{host}.{namespace}.svc.{domain}"),
        format!("{host}.svc.{domain}"),
        format!("{host}.{domain}"),
    ];
    let exact = names
        .iter()
        .find_map(|name| mesh.service(name, namespace).filter(|service| service.key.name.eq_ignore_ascii_case(name)));
    exact.or_else(|| mesh.service(host, namespace))
}

fn address(mesh: &Mesh, service: &Service, port: u16) -> Option<SocketAddr> {
    let own = service.addresses.first().map(|address| match address {
        ServiceAddress::Ip(ip) => *ip,
        ServiceAddress::Network(network) => network.addr(),
    });
    if let Some(ip) = own {
        return Some(SocketAddr::new(ip, port));
    }
    // A service without an address of its own has those of its endpoints.
    let endpoints = mesh.endpoints.get(&service.key)?;
    endpoints.iter().find_map(|endpoint| match endpoint.address {
        EndpointAddress::Ip(ip) => Some(SocketAddr::new(ip, endpoint.port(port)?)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::{lower::lower, model};
    use crate::ir::AddressPlan;

    #[test]
    fn short_and_long_names_mean_one_service() {
        let mut model = model::Model::new(model::Options::default());
        model.add_yaml("a.yaml", include_str!("../../tests/mesh/bookinfo/services.yaml").to_owned(), None);
        let mesh = lower(&model, Some(&AddressPlan::default()));
        let nameless: IpAddr = "127.0.0.9".parse().unwrap();
        let at = |host: &str| resolve(&mesh, "default", host, 9080, nameless).address;
        let reviews = at("reviews");
        assert_ne!(reviews.ip(), nameless);
        for same in ["reviews.default", "reviews.default.svc", "reviews.default.svc.cluster.local"] {
            assert_eq!(at(same), reviews);
        }
        assert_ne!(at("details"), reviews);
        assert_eq!(at("example.com").ip(), nameless);
        assert_eq!(at("10.1.2.3"), "10.1.2.3:9080".parse().unwrap());
        assert_eq!(resolve(&mesh, "other", "reviews", 9080, nameless).address.ip(), nameless);
    }
}
