//! What runs, for people.

use super::message::{ServiceStatus, Status, WorkloadStatus};
use super::pod::{ADMIN, Speaks};
use super::run::{Local, Seen};
use crate::ir::{Enrolment, Service, ServiceAddress};

/// What runs.
pub fn of(local: &Local) -> Status {
    let mesh = local.world.mesh();
    let pods = local.pods();
    let trust_domain = &mesh.settings.trust_domain;
    Status {
        pid: std::process::id(),
        directory: local.paths.iter().map(|path| path.display().to_string()).collect(),
        control_plane: local.control_plane.to_string(),
        services: mesh
            .services
            .values()
            .map(|service| {
                let endpoints = mesh.endpoints.get(&service.key).into_iter().flat_map(|endpoints| endpoints.iter());
                let names = endpoints.filter_map(|endpoint| Some(endpoint.workload.as_ref()?.name.to_string()));
                ServiceStatus { workloads: names.collect(), ..service_status(service) }
            })
            .collect(),
        workloads: pods.values().map(|seen| workload_status(seen, trust_domain)).collect(),
        problems: local.engine.broken().iter().map(ToString::to_string).collect(),
    }
}

fn service_status(service: &Service) -> ServiceStatus {
    let address = match service.addresses.first() {
        Some(ServiceAddress::Ip(ip)) => ip.to_string(),
        Some(ServiceAddress::Network(network)) => network.to_string(),
        None => String::new(),
    };
    let ports = service.ports.iter().map(|port| format!("{}/{}", port.number, port.protocol.name()));
    ServiceStatus { host: service.key.name.to_string(), address, ports: ports.collect(), workloads: Vec::new() }
}

fn workload_status(seen: &Seen, trust_domain: &str) -> WorkloadStatus {
    let pod = &seen.pod;
    let workload = &pod.workload;
    let app = pod.ports.iter().map(|(port, speaks)| match speaks {
        Speaks::Http => format!("{port}/HTTP"),
        Speaks::Bytes { .. } => format!("{port}/TCP"),
    });
    let doors = seen.doors.iter().map(|(address, port)| format!("{address} -> {port}"));
    WorkloadStatus {
        namespace: workload.key.namespace.to_string(),
        name: workload.key.name.to_string(),
        proxy: match workload.enrolment {
            Enrolment::Sidecar => "sidecar",
            Enrolment::Gateway => "gateway",
            Enrolment::Outside => "none",
        }
        .to_owned(),
        ready: seen.ready,
        identity: workload.identity.spiffe(trust_domain),
        address: pod.address.to_string(),
        ports: app.chain(doors).collect(),
        admin: if pod.has_proxy() { format!("http://{}:{ADMIN}", pod.address) } else { String::new() },
    }
}
