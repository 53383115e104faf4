//! Requests from outside of the mesh: the gateway that takes them, and its listener.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use embedded_proxy::decide::Question as Asked;

use super::Simulator;
use super::client::{plain, readable, through};
use super::find::Unknown;
use super::question::Question;
use super::report::{At, Step, Trace};
use crate::ir::{Enrolment, Gateway, GatewayListener, Mesh, Workload};

/// Stands for the address of somebody outside (a network for documentation).
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));

/// Follows a request from a gateway on.
pub fn from_outside(simulator: &Simulator<'_>, question: &Question, trace: &mut Trace) -> Result<(), Unknown> {
    let mesh = simulator.mesh();
    let host = question.authority().rsplit_once(':').map_or(question.authority(), |(host, _)| host).to_owned();
    trace.steps.push(Step::new("client", "somebody outside of the mesh"));
    let Some((gateway, listener, workload)) = entry(mesh, &host, question.to.port) else {
        return Err(Unknown::gateway(mesh, &host, question.to.port));
    };
    trace.steps.push(
        Step::new("gateway", format!("{} takes {host}:{}", gateway.key, question.to.port)).at(At::of(&listener.origin)),
    );
    trace.steps.push(Step::new("workload", format!("{} {}", workload.kind, workload.key)).at(At::of(&workload.origin)));
    let Some(proxy) = simulator.proxy(&workload.key) else { return Ok(()) };
    let own = workload.addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let to = SocketAddr::new(own, question.to.port);
    let Some(serving) = proxy.offline.listener_at(to) else {
        trace.steps.push(Step::new("listener", format!("none takes port {}", question.to.port)));
        return Ok(());
    };
    trace.steps.push(Step::new("listener", serving.name.to_string()));
    let reads = question.to.scheme == "http" || (question.to.scheme == "https" && listener.protocol.is_http());
    let mut connection = plain(question, to, CLIENT);
    connection.local_restored = false;
    let asked = Asked { connection, head: reads.then(|| readable(question)), random: 0 };
    through(simulator, question, &proxy, serving, &asked, trace);
    Ok(())
}

/// The listener that takes a host, with its gateway and a workload that serves it: exact hosts before wildcards.
fn entry<'m>(mesh: &'m Mesh, host: &str, port: u16) -> Option<(&'m Gateway, &'m GatewayListener, &'m Workload)> {
    let mut found: Vec<(usize, &Gateway, &GatewayListener, &Workload)> = Vec::new();
    for gateway in mesh.gateways.values() {
        let serves = |workload: &&std::sync::Arc<Workload>| {
            workload.enrolment == Enrolment::Gateway && gateway.proxies.includes(workload)
        };
        let Some(workload) = mesh.workloads.values().find(serves) else { continue };
        for listener in gateway.listeners.iter().filter(|listener| listener.port == port) {
            let hosts = listener.hosts.iter().filter(|own| own.host.covers(host));
            if let Some(length) = hosts.map(|own| own.host.0.len()).max() {
                found.push((length, gateway, listener, workload));
            }
        }
    }
    found
        .into_iter()
        .max_by_key(|(length, ..)| *length)
        .map(|(_, gateway, listener, workload)| (gateway, listener, workload))
}
