//! The labels of Istio's standard metrics: who called whom, and how it went.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{Peers, Workload};
use crate::stream::{Connection, Direction, StreamInfo, Tls};

/// Who reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reporter {
    /// The sidecar of the client.
    Source,
    /// The sidecar of the server.
    Destination,
    /// A gateway in front of servers.
    Waypoint,
}

impl Reporter {
    /// By the direction of the listener.
    pub fn of(direction: Direction) -> Self {
        if direction == Direction::Inbound { Self::Destination } else { Self::Source }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Waypoint => "waypoint",
        }
    }
}

/// What labels are made from.
#[derive(Debug, Clone)]
pub struct Facts<'f> {
    /// Who reports.
    pub reporter: Reporter,
    /// This workload.
    pub own: &'f Workload,
    /// The peers, as far as they said who they are.
    pub peers: Option<&'f Peers>,
    /// Host that the client asked for; empty to do without it.
    pub host: &'f str,
    /// Name of the cluster that was chosen, empty for none.
    pub cluster: &'f str,
    /// The connection.
    pub connection: &'f Connection,
    /// The record.
    pub info: &'f StreamInfo,
    /// `http`, `grpc` or `tcp`.
    pub protocol: &'static str,
    /// Status code; none for TCP.
    pub code: Option<u16>,
    /// Status of gRPC, empty for none.
    pub grpc_status: &'f str,
}

/// Names and values in the order in which Istio has them.
pub type Labels<'f> = Vec<(&'static str, Cow<'f, str>)>;

fn or<'f>(text: &'f str, fallback: &'static str) -> Cow<'f, str> {
    if text.is_empty() { fallback.into() } else { text.into() }
}

fn first<'t>(tls: Option<&'t Tls>, names: fn(&Tls) -> &Vec<String>) -> &'t str {
    tls.and_then(|tls| names(tls).first()).map_or("", String::as_str)
}

/// The namespace in `spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT`.
fn namespace_of(principal: &str) -> &str {
    principal.split_once("/ns/").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default())
}

/// Host and short name of the service that a request was for.
fn service<'f>(facts: &Facts<'f>) -> (&'f str, &'f str) {
    const NAMED: [&str; 5] = [
        "BlackHoleCluster",
        "PassthroughCluster",
        "InboundPassthroughCluster",
        "InboundPassthroughClusterIpv4",
        "InboundPassthroughClusterIpv6",
    ];
    match facts.info.route_name.as_deref() {
        Some("block_all") => return (facts.host, "BlackHoleCluster"),
        Some("allow_any") => return (facts.host, "PassthroughCluster"),
        _ => {}
    }
    if NAMED.contains(&facts.cluster) {
        return (facts.host, facts.cluster);
    }
    let metadata: Option<&'f BTreeMap<String, Value>> = facts.info.cluster_metadata.as_deref();
    let Some(service) = metadata.and_then(|metadata| metadata.get("istio")?.get("services")?.get(0)) else {
        return (facts.host, facts.host);
    };
    let text = |key| service.get(key).and_then(Value::as_str);
    let host = text("host").unwrap_or(facts.host);
    (host, text("name").unwrap_or_else(|| host.split('.').next().unwrap_or_default()))
}

/// One side of a call.
struct Side<'s> {
    workload: Cow<'s, str>,
    namespace: Cow<'s, str>,
    principal: Cow<'s, str>,
    app: Cow<'s, str>,
    version: Cow<'s, str>,
    canonical_service: Cow<'s, str>,
    canonical_revision: Cow<'s, str>,
    cluster: Cow<'s, str>,
}

impl<'s> Side<'s> {
    fn peer(peer: Option<&'s Workload>, principal: &'s str) -> Self {
        let text = |get: fn(&Workload) -> &String, fallback| or(peer.map_or("", |peer| get(peer)), fallback);
        let namespace = namespace_of(principal);
        let namespace = if namespace.is_empty() { peer.map_or("", |peer| peer.namespace.as_str()) } else { namespace };
        Self {
            workload: text(|peer| &peer.workload, "unknown"),
            namespace: or(namespace, "unknown"),
            principal: or(principal, "unknown"),
            app: text(|peer| &peer.app, "unknown"),
            version: text(|peer| &peer.version, "unknown"),
            canonical_service: text(|peer| &peer.canonical_name, "unknown"),
            canonical_revision: text(|peer| &peer.canonical_revision, "latest"),
            cluster: text(|peer| &peer.cluster, "unknown"),
        }
    }

    fn own(own: &'s Workload, principal: &'s str) -> Self {
        Self {
            workload: own.workload.as_str().into(),
            namespace: own.namespace.as_str().into(),
            principal: or(principal, "unknown"),
            app: own.app.as_str().into(),
            version: own.version.as_str().into(),
            canonical_service: own.canonical_name.as_str().into(),
            canonical_revision: own.canonical_revision.as_str().into(),
            cluster: own.cluster.as_str().into(),
        }
    }
}

/// The workload of the chosen endpoint, as the control plane describes it.
pub fn of_endpoint(info: &StreamInfo) -> Option<Workload> {
    let istio = info.upstream.metadata.as_ref()?.get("istio")?;
    Workload::of_endpoint(istio.get("workload")?.as_str()?)
}

/// The labels. `endpoint` is what [`of_endpoint`] found.
pub fn labels<'f>(facts: &Facts<'f>, endpoint: Option<&'f Workload>) -> Labels<'f> {
    let client = facts.reporter == Reporter::Source;
    let tls = if client { facts.info.upstream.tls.as_deref() } else { facts.connection.tls.as_deref() };
    let (peer_principal, local_principal) = (first(tls, |tls| &tls.peer_uris), first(tls, |tls| &tls.local_uris));
    let upstream = facts.peers.and_then(|peers| peers.upstream.as_deref());
    let downstream = facts.peers.and_then(|peers| peers.downstream.as_deref());
    let (host, name) = service(facts);
    let (source, destination) = match facts.reporter {
        Reporter::Source => {
            let peer = upstream.or(endpoint);
            (Side::own(facts.own, local_principal), Side::peer(peer, peer_principal))
        }
        Reporter::Destination => (Side::peer(downstream, peer_principal), Side::own(facts.own, local_principal)),
        Reporter::Waypoint => {
            let mut destination = Side::peer(upstream.or(endpoint), "");
            destination.cluster = facts.own.cluster.as_str().into();
            (Side::peer(downstream, peer_principal), destination)
        }
    };
    let service_namespace =
        if client { destination.namespace.clone() } else { Cow::from(facts.own.namespace.as_str()) };
    let nameless = if client { Cow::from("unknown") } else { destination.canonical_service.clone() };
    let named = |text: &'f str| if text.is_empty() { nameless.clone() } else { text.into() };
    let (service, service_name) = (named(host), named(name));
    let security = match (client, peer_principal.is_empty() || local_principal.is_empty()) {
        (true, _) => "unknown",
        (false, true) => "none",
        (false, false) => "mutual_tls",
    };
    let mut labels: Labels<'f> = Vec::with_capacity(25);
    labels.extend([
        ("reporter", facts.reporter.word().into()),
        ("source_workload", source.workload),
        ("source_canonical_service", source.canonical_service),
        ("source_canonical_revision", source.canonical_revision),
        ("source_workload_namespace", source.namespace),
        ("source_principal", source.principal),
        ("source_app", source.app),
        ("source_version", source.version),
        ("source_cluster", source.cluster),
        ("destination_workload", destination.workload),
        ("destination_workload_namespace", destination.namespace),
        ("destination_principal", destination.principal),
        ("destination_app", destination.app),
        ("destination_version", destination.version),
        ("destination_service", service),
        ("destination_canonical_service", destination.canonical_service),
        ("destination_canonical_revision", destination.canonical_revision),
        ("destination_service_name", service_name),
        ("destination_service_namespace", service_namespace),
        ("destination_cluster", destination.cluster),
        ("request_protocol", facts.protocol.into()),
    ]);
    if let Some(code) = facts.code {
        labels.push(("response_code", code.to_string().into()));
        labels.push(("grpc_response_status", facts.grpc_status.into()));
    }
    labels.push(("response_flags", facts.info.flags.to_string().into()));
    labels.push(("connection_security_policy", security.into()));
    labels
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    fn connection(verified: bool) -> Connection {
        let mut connection = Connection::plain("10.0.0.2:80".parse().unwrap(), "10.0.0.1:1".parse().unwrap());
        if verified {
            connection.tls = Some(Arc::new(Tls {
                verified: true,
                peer_uris: vec!["spiffe://td/ns/front/sa/web".into()],
                local_uris: vec!["spiffe://td/ns/shop/sa/api".into()],
                ..Tls::default()
            }));
        }
        connection
    }

    fn own() -> Workload {
        Workload {
            workload: "api".into(),
            namespace: "shop".into(),
            canonical_name: "api".into(),
            ..Workload::default()
        }
    }

    fn facts<'f>(own: &'f Workload, connection: &'f Connection, info: &'f StreamInfo, reporter: Reporter) -> Facts<'f> {
        Facts {
            reporter,
            own,
            peers: None,
            host: "api.shop",
            cluster: "",
            connection,
            info,
            protocol: "http",
            code: Some(200),
            grpc_status: "",
        }
    }

    fn get<'l>(labels: &'l Labels<'_>, name: &str) -> &'l str {
        &labels.iter().find(|(own, _)| *own == name).unwrap().1
    }

    #[tokio::test]
    async fn a_server_knows_its_client_by_its_certificate() {
        let (own, connection, info) = (own(), connection(true), StreamInfo::begin());
        let labels = labels(&facts(&own, &connection, &info, Reporter::Destination), None);
        assert_eq!(get(&labels, "source_workload_namespace"), "front");
        assert_eq!(get(&labels, "source_workload"), "unknown");
        assert_eq!(get(&labels, "destination_workload"), "api");
        assert_eq!(get(&labels, "destination_service"), "api.shop");
        assert_eq!(get(&labels, "connection_security_policy"), "mutual_tls");
        assert_eq!(get(&labels, "response_flags"), "-");
    }

    #[tokio::test]
    async fn a_client_knows_its_server_by_the_endpoint_and_the_cluster() {
        let (own, connection, mut info) = (own(), connection(false), StreamInfo::begin());
        let services = json!({ "services": [{ "host": "pay.shop.svc", "name": "pay", "namespace": "shop" }] });
        info.cluster_metadata = Some(Arc::new(BTreeMap::from([("istio".to_string(), services)])));
        let endpoint = Workload::of_endpoint("pay-v1;bank;pay;v1;Kubernetes").unwrap();
        let labels = labels(&facts(&own, &connection, &info, Reporter::Source), Some(&endpoint));
        assert_eq!(get(&labels, "destination_workload"), "pay-v1");
        assert_eq!(get(&labels, "destination_service_namespace"), "bank");
        assert_eq!(
            [get(&labels, "destination_service"), get(&labels, "destination_service_name")],
            ["pay.shop.svc", "pay"]
        );
        assert_eq!(get(&labels, "connection_security_policy"), "unknown");
    }
}
