//! The server's side: whether its proxy takes the connection, and what it does with the request.

use std::net::SocketAddr;
use std::sync::Arc;

use embedded_proxy::decide::{Decision, Outcome, Question as Asked, decide};
use embedded_proxy::http::RequestHead;
use embedded_proxy::net::Address;
use embedded_proxy::stream::{Connection, Tls as Facts};

use super::destination::Tls;
use super::report::{At, Server, Step};
use super::route::{Told, tell};
use super::{Question, Simulator};
use crate::ir::{Enrolment, Key, Mesh, Workload};

/// What a client sends.
pub struct Sent<'s> {
    /// The question.
    pub question: &'s Question,
    /// The client.
    pub client: &'s Workload,
    /// The request; none for bytes.
    pub head: Option<&'s RequestHead>,
}

/// Where and how it arrives.
pub struct Arrival<'a> {
    /// The address.
    pub address: SocketAddr,
    /// The workload there, when the mesh knows it.
    pub workload: Option<&'a Key>,
    /// TLS of the client.
    pub tls: Option<&'a Tls>,
}

/// What a workload does with what arrives; none when the mesh does not know the workload.
pub fn receive(simulator: &Simulator<'_>, sent: &Sent<'_>, arrival: &Arrival<'_>) -> Option<Server> {
    let mesh = simulator.mesh();
    let key = arrival.workload?;
    let workload = mesh.workload(key)?;
    let mut server = Server {
        workloads: vec![key.to_string()],
        allowed: true,
        result: "reaches the process".to_owned(),
        status: None,
        by: None,
        steps: Vec::new(),
    };
    if workload.enrolment != Enrolment::Sidecar {
        server.steps.push(Step::new("proxy", "there is none: whatever arrives reaches the process"));
        return Some(server);
    }
    let proxy = simulator.proxy(key)?;
    let inbound = proxy.offline.listener("virtualInbound");
    let Some(listener) = inbound else {
        server.allowed = false;
        "its proxy has no listener for what comes in".clone_into(&mut server.result);
        return Some(server);
    };
    let port = arrival.address.port();
    server.steps.push(Step::new("listener", format!("virtualInbound, port {port}")));
    server.steps.push(mutual_tls(mesh, workload, port));
    let question = Asked { connection: connection(mesh, sent, arrival), head: sent.head.cloned(), random: 0 };
    let decision = decide(listener, proxy.offline.clusters(), &question);
    let told = tell(mesh, &decision);
    server.steps.extend(told.steps.iter().cloned());
    conclude(&mut server, &decision, &told, arrival);
    Some(server)
}

/// What the server accepts, and which policy says so.
fn mutual_tls(mesh: &Mesh, workload: &Workload, port: u16) -> Step {
    let (mode, policy) = mesh.mutual_tls_of(workload, port);
    let at = policy.and_then(|policy| match policy.ports.get(&port) {
        Some((Some(_), origin)) => At::of(origin),
        _ => At::of(&policy.origin),
    });
    let says = if policy.is_none() { ", no policy says anything" } else { "" };
    Step::new("mutual TLS", format!("{}{says}", mode.name())).at(at)
}

/// The connection as the server's proxy sees it.
fn connection(mesh: &Mesh, sent: &Sent<'_>, arrival: &Arrival<'_>) -> Connection {
    let client = sent.client.addresses.iter().next().copied().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
    let mut connection = Connection::plain(arrival.address, SocketAddr::new(client, 40_000));
    connection.bound = Address::from(SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), 15006));
    connection.local_restored = true;
    match arrival.tls {
        Some(tls) => {
            connection.transport_protocol = "tls";
            connection.application_protocols.clone_from(&tls.alpn);
            connection.sni = Some(tls.sni.clone()).filter(|sni| !sni.is_empty());
            let identity = sent.client.identity.spiffe(&mesh.settings.trust_domain);
            connection.tls = tls.mesh.then(|| {
                Arc::new(Facts {
                    version: "TLSv1.3",
                    sni: connection.sni.clone(),
                    alpn: tls.alpn.first().cloned(),
                    verified: true,
                    peer_uris: vec![identity],
                    // That there is a certificate is all that counts.
                    peer_sha256: "0".repeat(64),
                    ..Facts::default()
                })
            });
        }
        None if sent.head.is_some() => connection.application_protocols = vec!["http/1.1".to_owned()],
        None => {}
    }
    if let Some(claims) = &sent.question.claims {
        let payload = serde_json::Value::Object(claims.clone());
        connection.metadata.insert("envoy.filters.http.jwt_authn".into(), serde_json::json!({ "payload": payload }));
    }
    connection
}

fn conclude(server: &mut Server, decision: &Decision, told: &Told, arrival: &Arrival<'_>) {
    server.by.clone_from(&told.access);
    if matches!(decision.outcome, Outcome::Closed(_)) || told.tls != arrival.tls.is_some() {
        server.allowed = false;
        server.result = match (&decision.outcome, arrival.tls.is_some(), told.tls) {
            (Outcome::Closed(_), _, _) if told.refused.is_some() => {
                format!("the connection is closed by {}", told.refused.as_deref().unwrap_or_default())
            }
            (Outcome::Closed(why), false, _) if decision.steps.is_empty() => {
                format!("the connection is closed: {why} (it is plain)")
            }
            (Outcome::Closed(why), _, _) => format!("the connection is closed: {why}"),
            (_, true, _) => "the handshake fails: the client speaks TLS, the server does not".to_owned(),
            (_, false, _) => "the handshake fails: the server wants TLS, the client speaks plain".to_owned(),
        };
        // TLS bytes on a chain that passes bytes on are the process's own business.
        let passed_on = matches!(decision.outcome, Outcome::Opaque(_)) && arrival.tls.is_some_and(|tls| !tls.mesh);
        if passed_on {
            server.allowed = true;
            "reaches the process, as TLS".clone_into(&mut server.result);
        }
        return;
    }
    match &decision.outcome {
        Outcome::Reply(reply) => {
            server.allowed = false;
            server.status = Some(reply.status.as_u16());
            let why = told.refused.clone().unwrap_or_else(|| reply.details.clone());
            server.result = format!("answers {} ({why})", reply.status.as_u16());
        }
        Outcome::Forward { .. } | Outcome::Opaque(_) | Outcome::Closed(_) => {}
    }
}
