//! The ports on which a workload takes traffic.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::ir::{
    IngressListener, Key, Name, Origin, Pool, Protocol, ServerLimits, ServerTls, Service, TargetPort, Workload,
};
use crate::xds::{Interception, View};

/// A port of a workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// The number that connections come to.
    pub number: u16,
    /// What is spoken.
    pub protocol: Protocol,
    /// The service that it belongs to, and the port of the service.
    pub service: Option<(Key, u16)>,
    /// Where the process listens.
    pub process: Process,
    /// TLS of its own, where the mesh's is off.
    pub tls: Option<Arc<ServerTls>>,
    /// An address of its own, instead of what is redirected.
    pub bind: Option<Name>,
    /// Limits of connections and requests.
    pub pool: Option<Pool>,
    /// Time for a request.
    pub timeout: Option<std::time::Duration>,
    /// What it comes from.
    pub origins: Vec<Origin>,
}

/// Where a process listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Process {
    /// At the address that the connection came to.
    Original,
    /// There.
    Address(SocketAddr),
    /// At a unix socket.
    Unix(Name),
    /// Nobody can say.
    Unknown,
}

impl Port {
    /// `inbound|8080||`: of cluster and route configuration.
    pub fn name(&self) -> String {
        format!("inbound|{}||", self.number)
    }
}

/// The ports of the proxy's workload, in order. What the workload is told to open counts alone, where there is such a list.
pub fn ports(view: &View<'_>) -> Vec<Port> {
    let told = view.scope.and_then(|scope| scope.ingress.as_ref());
    let mut ports: BTreeMap<u16, Port> = BTreeMap::new();
    match told {
        Some(listeners) => {
            for listener in listeners {
                let port = of_listener(view, listener);
                ports.entry(port.number).or_insert(port);
            }
        }
        None => {
            for port in of_services(view) {
                ports.entry(port.number).or_insert(port);
            }
        }
    }
    let mut ports: Vec<Port> = ports.into_values().collect();
    for port in &mut ports {
        limit(view, port);
    }
    ports
}

fn of_services(view: &View<'_>) -> Vec<Port> {
    let workload = view.workload();
    let services = workload.services.iter().filter_map(|key| view.mesh.services.get(key));
    services.flat_map(|service| of_service(view, service, workload)).collect()
}

/// Of several services with one port the first one counts.
fn of_service(view: &View<'_>, service: &Service, workload: &Workload) -> Vec<Port> {
    let tcp = service.ports.iter().filter(|port| port.protocol != Protocol::Udp);
    let one = |port: &crate::ir::ServicePort| {
        let number = match &port.target {
            TargetPort::Number(number) => *number,
            TargetPort::Named(name) => workload.ports.iter().find(|own| own.name == *name)?.number,
        };
        Some(Port {
            number,
            protocol: port.protocol,
            service: Some((service.key.clone(), port.number)),
            process: usual_process(view, number),
            tls: None,
            bind: None,
            pool: None,
            timeout: None,
            origins: vec![port.origin.clone(), service.origin.clone()],
        })
    };
    tcp.filter_map(one).collect()
}

fn of_listener(view: &View<'_>, listener: &IngressListener) -> Port {
    let number = listener.port.number;
    let process = listener.target.as_ref().map_or_else(|| usual_process(view, number), |target| at(view, target));
    let of_service = of_services(view).into_iter().find(|port| port.number == number).and_then(|port| port.service);
    Port {
        number,
        protocol: listener.port.protocol,
        service: of_service,
        process,
        tls: listener.tls.clone(),
        bind: listener.bind.clone(),
        pool: listener.pool.clone(),
        timeout: None,
        origins: vec![listener.origin.clone()],
    }
}

fn usual_process(view: &View<'_>, number: u16) -> Process {
    match &view.node.interception {
        Interception::Redirect => Process::Original,
        Interception::Explicit { process, .. } => Process::Address(SocketAddr::new(*process, number)),
    }
}

/// `127.0.0.1:8080`, `0.0.0.0:8080` (the pod's own address), `unix:///path`.
fn at(view: &View<'_>, target: &str) -> Process {
    if let Some(path) = target.strip_prefix("unix://") {
        return Process::Unix(path.into());
    }
    let Ok(address) = target.parse::<SocketAddr>() else { return Process::Unknown };
    if let Interception::Explicit { process, .. } = &view.node.interception {
        return Process::Address(SocketAddr::new(*process, address.port()));
    }
    let own = view.node.addresses.iter().find(|own| own.is_ipv4() == address.is_ipv4());
    match (address.ip().is_unspecified(), own) {
        (true, Some(own)) => Process::Address(SocketAddr::new(*own, address.port())),
        (true, None) => Process::Address(SocketAddr::new(loopback(address.ip()), address.port())),
        (false, _) => Process::Address(address),
    }
}

fn loopback(like: IpAddr) -> IpAddr {
    if like.is_ipv4() { std::net::Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() }
}

/// Limits: those of the listener, then those that the workload's scope has, then the narrowest of the mesh.
fn limit(view: &View<'_>, port: &mut Port) {
    let fits = |limits: &&Arc<ServerLimits>| {
        limits.scope.includes(view.workload()) && limits.port.is_none_or(|only| only == port.number)
    };
    let found: Vec<_> = view.mesh.server_limits.iter().filter(fits).collect();
    let narrowest = |has: fn(&ServerLimits) -> bool| {
        let rank = |limits: &ServerLimits| (limits.scope.breadth(), limits.port.is_some());
        found.iter().filter(|limits| has(limits)).fold(None, |best: Option<&&Arc<ServerLimits>>, limits| match best {
            Some(best) if rank(best) >= rank(limits) => Some(best),
            _ => Some(limits),
        })
    };
    let of_scope = view.scope.and_then(|scope| scope.inbound_pool.clone());
    let of_mesh = narrowest(|limits| limits.pool.is_some()).and_then(|limits| limits.pool.clone());
    let timeout = narrowest(|limits| limits.timeout.is_some());
    port.timeout = timeout.and_then(|limits| limits.timeout);
    port.pool = port.pool.take().or(of_scope).or(of_mesh);
    port.origins.extend(found.iter().map(|limits| limits.origin.clone()));
}
