//! The labels of one exchange: names as in Istio's documentation, values by its rules.

use std::borrow::Cow;

use serde_json::Value;

use crate::cluster::Metadata;
use crate::istio::{Peers, Workload};
use crate::stream::{Direction, Tls};
use crate::telemetry::format::{FormatContext, any_grpc_status};

/// Which side reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reporter {
    /// The client's proxy.
    Source,
    /// The server's proxy.
    Destination,
    /// A gateway in front of several servers.
    Waypoint,
}

impl Reporter {
    /// The side that a listener's direction means.
    pub fn of(direction: Direction) -> Self {
        if direction == Direction::Inbound { Self::Destination } else { Self::Source }
    }
}

/// Names of the labels, in the order of [`Labels`].
pub const NAMES: [&str; 25] = [
    "reporter",
    "source_workload",
    "source_canonical_service",
    "source_canonical_revision",
    "source_workload_namespace",
    "source_principal",
    "source_app",
    "source_version",
    "source_cluster",
    "destination_workload",
    "destination_workload_namespace",
    "destination_principal",
    "destination_app",
    "destination_version",
    "destination_service",
    "destination_canonical_service",
    "destination_canonical_revision",
    "destination_service_name",
    "destination_service_namespace",
    "destination_cluster",
    // What follows is not known before the end: messages are counted without it.
    "request_protocol",
    "response_code",
    "grpc_response_status",
    "response_flags",
    "connection_security_policy",
];

/// How many labels say who talks to whom.
pub const PEERS: usize = 20;

/// Values of the labels.
pub type Labels<'l> = [Cow<'l, str>; NAMES.len()];

/// What the labels of one exchange are made from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'f> {
    /// Which side reports.
    pub reporter: Reporter,
    /// Record and connection.
    pub context: &'f FormatContext<'f>,
    /// This proxy's workload.
    pub own: &'f Workload,
    /// The workloads on both sides, as they said.
    pub peers: Option<&'f Peers>,
    /// Metadata of the cluster that the request went to.
    pub cluster: Option<&'f Metadata>,
    /// The `Host` field is not taken for the service.
    pub no_host_fallback: bool,
}

const UNKNOWN: Cow<'static, str> = Cow::Borrowed("unknown");

fn or(text: &str, missing: &'static str) -> Cow<'static, str> {
    if text.is_empty() { Cow::Borrowed(missing) } else { Cow::Owned(text.to_string()) }
}

impl<'f> Facts<'f> {
    /// The labels.
    pub fn labels(&self) -> Labels<'f> {
        let info = self.context.info;
        let mut labels: Labels<'f> = std::array::from_fn(|_| Cow::Borrowed(""));
        let tls = match self.reporter {
            Reporter::Source => info.upstream.tls.as_deref(),
            Reporter::Destination | Reporter::Waypoint => self.context.connection.tls.as_deref(),
        };
        let san = |read: fn(&Tls) -> &Vec<String>| -> &'f str {
            tls.and_then(|tls| read(tls).first()).map_or("", String::as_str)
        };
        let (peer_san, own_san) = (san(|tls| &tls.peer_uris), san(|tls| &tls.local_uris));
        let service = self.service();
        match self.reporter {
            Reporter::Source => self.source(&mut labels, peer_san, own_san, service),
            Reporter::Destination | Reporter::Waypoint => self.destination(&mut labels, peer_san, own_san, service),
        }
        let grpc = self.context.request.is_some_and(crate::http::RequestHead::is_grpc);
        labels[20] = match self.context.request {
            Some(_) if grpc => "grpc".into(),
            Some(_) => "http".into(),
            None => "tcp".into(),
        };
        if self.context.request.is_some() {
            labels[21] = info.code.unwrap_or(0).to_string().into();
            if grpc {
                labels[22] = any_grpc_status(self.context).map(|status| status.to_string()).unwrap_or_default().into();
            }
        }
        labels[23] = if info.flags.is_empty() { "-".into() } else { info.flags.to_string().into() };
        labels[24] = match self.reporter {
            Reporter::Source => UNKNOWN,
            _ if !peer_san.is_empty() && !own_san.is_empty() => "mutual_tls".into(),
            _ => "none".into(),
        };
        labels
    }

    /// Labels when the client's proxy reports.
    fn source(
        &self,
        labels: &mut Labels<'f>,
        peer_san: &'f str,
        own_san: &'f str,
        service: (Cow<'f, str>, Cow<'f, str>),
    ) {
        let peer = self.peers.and_then(|peers| peers.upstream.as_deref().cloned()).or_else(|| self.endpoint());
        let peer = peer.unwrap_or_default();
        let namespace = namespace_of(peer_san).filter(|name| !name.is_empty()).unwrap_or(&peer.namespace);
        let namespace = or(namespace, "unknown");
        labels[0] = "source".into();
        own_side(&mut labels[1..9], self.own, own_san);
        labels[9] = or(&peer.workload, "unknown");
        labels[10].clone_from(&namespace);
        labels[11] = or(peer_san, "unknown");
        labels[12] = or(&peer.app, "unknown");
        labels[13] = or(&peer.version, "unknown");
        labels[14] = if service.0.is_empty() { UNKNOWN } else { service.0 };
        labels[15] = or(&peer.canonical_name, "unknown");
        labels[16] = or(&peer.canonical_revision, "latest");
        labels[17] = if service.1.is_empty() { UNKNOWN } else { service.1 };
        labels[18] = namespace;
        labels[19] = or(&peer.cluster, "unknown");
    }

    /// Labels when the server's proxy reports, or a gateway in front of it.
    fn destination(
        &self,
        labels: &mut Labels<'f>,
        peer_san: &'f str,
        own_san: &'f str,
        service: (Cow<'f, str>, Cow<'f, str>),
    ) {
        let unknown = Workload::default();
        let peer = self.peers.and_then(|peers| peers.downstream.as_deref()).unwrap_or(&unknown);
        let namespace = namespace_of(peer_san).filter(|name| !name.is_empty()).unwrap_or(&peer.namespace);
        labels[0] = if self.reporter == Reporter::Waypoint { "waypoint".into() } else { "destination".into() };
        labels[1] = or(&peer.workload, "unknown");
        labels[2] = or(&peer.canonical_name, "unknown");
        labels[3] = or(&peer.canonical_revision, "latest");
        labels[4] = or(namespace, "unknown");
        labels[5] = or(peer_san, "unknown");
        labels[6] = or(&peer.app, "unknown");
        labels[7] = or(&peer.version, "unknown");
        labels[8] = or(&peer.cluster, "unknown");
        let behind = match self.reporter {
            Reporter::Waypoint => {
                self.peers.and_then(|peers| peers.upstream.as_deref().cloned()).or_else(|| self.endpoint())
            }
            _ => Some(self.own.clone()),
        };
        let known = behind.is_some();
        let server = behind.unwrap_or_default();
        let text = |text: &str| if known { Cow::Owned(text.to_string()) } else { UNKNOWN };
        labels[9] = text(&server.workload);
        labels[10] = text(&server.namespace);
        labels[11] = or(if self.reporter == Reporter::Waypoint { "" } else { own_san }, "unknown");
        labels[12] = text(&server.app);
        labels[13] = text(&server.version);
        labels[14] = if service.0.is_empty() { text(&server.canonical_name) } else { service.0 };
        labels[15] = text(&server.canonical_name);
        labels[16] = text(&server.canonical_revision);
        labels[17] = if service.1.is_empty() { text(&server.canonical_name) } else { service.1 };
        labels[18] = self.own.namespace.clone().into();
        labels[19] = self.own.cluster.clone().into();
    }

    /// The workload that the chosen endpoint's metadata names.
    fn endpoint(&self) -> Option<Workload> {
        let metadata = self.context.info.upstream.metadata.as_deref()?;
        Workload::of_endpoint(metadata.get("istio")?.get("workload")?.as_str()?)
    }

    /// Host and name of the service that the request was for.
    fn service(&self) -> (Cow<'f, str>, Cow<'f, str>) {
        const THROUGH: [&str; 5] = [
            "BlackHoleCluster",
            "PassthroughCluster",
            "InboundPassthroughCluster",
            "InboundPassthroughClusterIpv4",
            "InboundPassthroughClusterIpv6",
        ];
        let info = self.context.info;
        let host = self.context.request.filter(|_| !self.no_host_fallback).map_or("", |head| head.authority.as_str());
        match info.route_name.as_deref() {
            Some("block_all") => return (host.into(), "BlackHoleCluster".into()),
            Some("allow_any") => return (host.into(), "PassthroughCluster".into()),
            _ => {}
        }
        let cluster = info.upstream.cluster.as_deref().unwrap_or_default();
        if THROUGH.contains(&cluster) {
            return (host.into(), Cow::Borrowed(cluster));
        }
        let services = self.cluster.and_then(|metadata| metadata.get("istio")?.get("services")?.as_array()?.first());
        let Some(service) = services else { return (host.into(), host.into()) };
        let text = |key: &str| service.get(key).and_then(Value::as_str);
        let host = text("host").unwrap_or(host);
        let name = text("name").unwrap_or_else(|| host.split('.').next().unwrap_or_default());
        (host.into(), name.into())
    }
}

/// The labels of the reporting client: workload, canonical service and revision, namespace, principal, app, version,
/// cluster.
fn own_side<'f>(labels: &mut [Cow<'f, str>], own: &Workload, san: &'f str) {
    let texts = [&own.workload, &own.canonical_name, &own.canonical_revision, &own.namespace];
    for (label, text) in labels.iter_mut().zip(texts) {
        *label = text.clone().into();
    }
    labels[4] = or(san, "unknown");
    for (label, text) in labels[5..].iter_mut().zip([&own.app, &own.version, &own.cluster]) {
        *label = text.clone().into();
    }
}

/// The namespace in a SPIFFE id: `spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
fn namespace_of(san: &str) -> Option<&str> {
    san.split_once("/ns/")?.1.split('/').next()
}
