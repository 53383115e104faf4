//! What runs for a workload: its addresses, and what it listens on.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::slot::Slot;
use crate::ir::{Enrolment, Key, Mesh, Protocol, TargetPort, Workload};

/// Port of a proxy for what goes out.
pub const OUTBOUND: u16 = 15001;
/// Port of a proxy's admin interface.
pub const ADMIN: u16 = 15000;

/// A pod on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// The workload.
    pub workload: Arc<Workload>,
    /// Where others reach it: its proxy, or itself when it has none.
    pub address: Ipv4Addr,
    /// Where its application listens.
    pub process: Ipv4Addr,
    /// Ports of the application.
    pub ports: BTreeMap<u16, Speaks>,
}

/// What the application does on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// It answers HTTP requests of both versions.
    Http,
    /// It sends back what it gets; with a greeting first, where servers speak first.
    Bytes {
        /// Whether it speaks first.
        greets: bool,
    },
}

impl Pod {
    /// Every pod of the mesh that runs here. Gateways have no application.
    pub fn all(mesh: &Mesh, slot: &Slot) -> BTreeMap<Key, Self> {
        let pods = mesh
            .workloads
            .values()
            .filter_map(|workload| Some((workload.key.clone(), Self::of(mesh, slot, workload)?)));
        pods.collect()
    }

    fn of(mesh: &Mesh, slot: &Slot, workload: &Arc<Workload>) -> Option<Self> {
        let own = workload.addresses.iter().find_map(|address| match address {
            IpAddr::V4(ip) if slot.is_pod(*ip) => Some(*ip),
            _ => None,
        })?;
        let process = if workload.enrolment == Enrolment::Outside { own } else { slot.process(own) };
        let ports = if workload.enrolment == Enrolment::Gateway { BTreeMap::new() } else { ports(mesh, workload) };
        Some(Self { workload: Arc::clone(workload), address: own, process, ports })
    }

    /// True when what runs for the other pod need not be started anew to be this one.
    pub fn runs_as(&self, other: &Self) -> bool {
        let (own, others) = (&self.workload, &other.workload);
        (self.address, self.process) == (other.address, other.process)
            && (own.enrolment, &own.identity, &own.labels, &own.locality)
                == (others.enrolment, &others.identity, &others.labels, &others.locality)
    }

    /// Whether a proxy runs for it.
    pub fn has_proxy(&self) -> bool {
        self.workload.enrolment != Enrolment::Outside
    }

    /// The outbound listener of its proxy.
    pub fn outbound(&self) -> Option<SocketAddr> {
        let sidecar = self.workload.enrolment == Enrolment::Sidecar;
        sidecar.then(|| SocketAddr::new(self.address.into(), OUTBOUND))
    }

    /// Its version label, may be empty.
    pub fn version(&self) -> &str {
        self.label("version")
    }

    /// What its application is called: the label `app`, or its own name.
    pub fn app(&self) -> &str {
        Some(self.label("app")).filter(|app| !app.is_empty()).unwrap_or(&self.workload.key.name)
    }

    fn label(&self, name: &str) -> &str {
        self.workload.labels.get(name).map_or("", |value| value)
    }
}

/// The ports that the workload declares, and those that services lead to.
fn ports(mesh: &Mesh, workload: &Workload) -> BTreeMap<u16, Speaks> {
    let mut ports: BTreeMap<u16, Speaks> = workload.ports.iter().map(|port| (port.number, Speaks::Http)).collect();
    for service in workload.services.iter().filter_map(|key| mesh.services.get(key)) {
        for port in service.ports.iter().filter(|port| port.protocol != Protocol::Udp) {
            let target = match &port.target {
                TargetPort::Number(number) => Some(*number),
                TargetPort::Named(name) => workload.ports.iter().find(|own| own.name == *name).map(|own| own.number),
            };
            if let Some(target) = target {
                ports.insert(target, speaks(port.protocol));
            }
        }
    }
    ports
}

fn speaks(protocol: Protocol) -> Speaks {
    if protocol.is_http() || protocol.is_detected() {
        return Speaks::Http;
    }
    Speaks::Bytes { greets: protocol == Protocol::ServerFirst }
}
