//! A cluster that may get the request: the service behind it, how its endpoints are called, what they do.

use std::collections::{BTreeMap, BTreeSet};

use embedded_proxy::http::RequestHead;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::{TransportSocket, transport_socket::ConfigType};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, UpstreamTlsContext, common_tls_context::ValidationContextType,
};
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use prost::Message as _;

use super::proxy::{Host, Proxy};
use super::report::{At, Destination, Endpoint, Server, Step};
use super::server::{self, Arrival, Sent};
use super::{Question, Simulator};
use crate::ir::Service;

/// How an endpoint is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Server name.
    pub sni: String,
    /// Application protocols.
    pub alpn: Vec<String>,
    /// Identities of which the server must have one.
    pub identities: Vec<String>,
    /// True when it is mutual TLS of the mesh.
    pub mesh: bool,
}

/// What goes to a cluster.
pub struct Leg<'l> {
    /// The question.
    pub question: &'l Question,
    /// The proxy that sends it.
    pub proxy: &'l Proxy,
    /// Its part of all requests.
    pub share: f64,
    /// Name of the cluster.
    pub cluster: &'l str,
    /// The request as it is sent; none for bytes.
    pub head: Option<&'l RequestHead>,
}

/// Follows a part of the requests to a cluster and behind it.
pub fn follow(simulator: &Simulator<'_>, leg: &Leg<'_>) -> Destination {
    let parts = parse(leg.cluster);
    let mesh = simulator.mesh();
    let service = parts.as_ref().and_then(|(_, _, host)| mesh.service(host, namespace(leg.proxy)));
    let mut destination = empty(leg, parts.as_ref());
    destination.steps.push(Step::new("cluster", leg.cluster).at(service.and_then(|service| At::of(&service.origin))));
    let Some(cluster) = leg.proxy.cluster(leg.cluster) else {
        return missing(simulator, leg, destination, service.map(|service| &**service));
    };
    if let (Some(service), Some(subset)) = (service, &destination.subset) {
        let policy = mesh.destination(service, &leg.proxy.node.workload);
        let found = policy.and_then(|policy| policy.subsets.iter().find(|one| *one.name == **subset));
        destination.steps.push(Step::new("subset", subset.clone()).at(found.and_then(|found| At::of(&found.origin))));
    }
    match leg.cluster {
        "BlackHoleCluster" => {
            destination.lost = Some("nothing goes out to unknown addresses here".to_owned());
            return destination;
        }
        "PassthroughCluster" => {
            let text = "goes on to the address as it is, outside of what the mesh knows";
            destination.steps.push(Step::new("endpoint", text));
            return destination;
        }
        _ => {}
    }
    let hosts = leg.proxy.hosts(cluster);
    let calls: Vec<(Host, Option<Tls>)> =
        hosts.into_iter().map(|host| (host.clone(), transport(cluster, &host))).collect();
    tell_transport(&calls, &mut destination);
    destination.endpoints = calls.iter().map(|(host, tls)| endpoint(host, tls.as_ref())).collect();
    if calls.is_empty() && !resolves_later(cluster) {
        destination.lost = Some(format!("{} has no endpoints", leg.cluster));
    } else {
        destination.servers = servers(simulator, leg, &calls);
    }
    destination
}

/// A client without a proxy: any endpoint of the service gets what it sends, as it is.
pub fn direct(simulator: &Simulator<'_>, leg: &Leg<'_>, service: &Service) -> Destination {
    let parts = parse(leg.cluster);
    let mut destination = empty(leg, parts.as_ref());
    let endpoints = simulator.mesh().endpoints.get(&service.key);
    let endpoints = endpoints.into_iter().flat_map(|all| all.iter());
    let calls: Vec<(Host, Option<Tls>)> = endpoints
        .filter_map(|endpoint| {
            let crate::ir::EndpointAddress::Ip(ip) = endpoint.address else { return None };
            let address = std::net::SocketAddr::new(ip, endpoint.port(leg.question.to.port)?);
            let workload = endpoint.workload.clone();
            let healthy = endpoint.health == crate::ir::Health::Healthy;
            let text = address.to_string();
            Some((Host { address: Some(address), text, workload, healthy, ..Host::default() }, None))
        })
        .collect();
    destination.endpoints = calls.iter().map(|(host, tls)| endpoint(host, tls.as_ref())).collect();
    if calls.is_empty() {
        destination.lost = Some(format!("{} has no endpoints for port {}", service.key.name, leg.question.to.port));
    }
    destination.servers = servers(simulator, leg, &calls);
    destination
}

fn namespace(proxy: &Proxy) -> &str {
    &proxy.node.workload.key.namespace
}

fn empty(leg: &Leg<'_>, parts: Option<&(u16, Option<String>, String)>) -> Destination {
    let head = leg.head;
    let fields = head.into_iter().flat_map(|head| head.headers.iter());
    let headers: BTreeMap<String, String> = fields
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Destination {
        share: leg.share,
        cluster: leg.cluster.to_owned(),
        host: parts.map(|(_, _, host)| host.clone()).unwrap_or_default(),
        subset: parts.and_then(|(_, subset, _)| subset.clone()),
        port: parts.map(|(port, _, _)| *port).unwrap_or_default(),
        path: head.map(|head| head.path.clone()).unwrap_or_default(),
        authority: head.map(|head| head.authority.clone()).unwrap_or_default(),
        headers,
        mtls: false,
        steps: Vec::new(),
        endpoints: Vec::new(),
        servers: Vec::new(),
        lost: None,
    }
}

fn missing(simulator: &Simulator<'_>, leg: &Leg<'_>, mut to: Destination, service: Option<&Service>) -> Destination {
    to.lost = Some(match (service, &to.subset) {
        (None, _) => {
            let near = super::find::near_host(simulator.mesh(), &to.host, namespace(leg.proxy));
            let near = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
            format!("there is no service {}{near}", to.host)
        }
        (Some(service), Some(subset)) => format!("{} has no subset `{subset}`", service.key.name),
        (Some(service), None) => format!("{} has no port {}", service.key.name, to.port),
    });
    to
}

/// Port, subset and host of `outbound|9080|v1|reviews.default.svc.cluster.local`.
pub fn parse(cluster: &str) -> Option<(u16, Option<String>, String)> {
    let mut parts = cluster.strip_prefix("outbound|")?.splitn(3, '|');
    let port = parts.next()?.parse().ok()?;
    let subset = parts.next().filter(|subset| !subset.is_empty()).map(str::to_owned);
    Some((port, subset, parts.next()?.to_owned()))
}

/// Addresses that only DNS or the connection itself tells.
fn resolves_later(cluster: &Cluster) -> bool {
    cluster.eds_cluster_config.is_none() && cluster.load_assignment.is_none()
}

/// How a host is called; none: plain.
fn transport(cluster: &Cluster, host: &Host) -> Option<Tls> {
    let matching = cluster.transport_socket_matches.iter().find(|one| {
        let wanted = one.r#match.as_ref();
        wanted
            .is_none_or(|wanted| wanted.fields.iter().all(|(key, value)| host.transport.fields.get(key) == Some(value)))
    });
    let socket = matching.map_or(cluster.transport_socket.as_ref(), |one| one.transport_socket.as_ref());
    tls(socket?)
}

fn tls(socket: &TransportSocket) -> Option<Tls> {
    let Some(ConfigType::TypedConfig(any)) = &socket.config_type else { return None };
    if !any.type_url.ends_with(".UpstreamTlsContext") {
        return None;
    }
    let context = UpstreamTlsContext::decode(&*any.value).ok()?;
    let common = context.common_tls_context.unwrap_or_default();
    let own = common.tls_certificate_sds_secret_configs.iter().any(|secret| secret.name == "default");
    let validation = match common.validation_context_type {
        Some(ValidationContextType::CombinedValidationContext(both)) => both.default_validation_context,
        Some(ValidationContextType::ValidationContext(one)) => Some(one),
        _ => None,
    };
    Some(Tls {
        sni: context.sni,
        alpn: common.alpn_protocols,
        identities: validation.as_ref().map(identities).unwrap_or_default(),
        mesh: own,
    })
}

fn identities(context: &CertificateValidationContext) -> Vec<String> {
    let names = context.match_typed_subject_alt_names.iter().filter_map(|name| name.matcher.as_ref());
    let text = names.filter_map(|matcher| match &matcher.match_pattern {
        Some(MatchPattern::Exact(text)) => Some(text.clone()),
        Some(MatchPattern::Prefix(text)) => Some(format!("{text}*")),
        Some(MatchPattern::Suffix(text)) => Some(format!("*{text}")),
        _ => None,
    });
    text.collect()
}

fn tell_transport(calls: &[(Host, Option<Tls>)], destination: &mut Destination) {
    let mesh = |tls: &Option<Tls>| tls.as_ref().is_some_and(|tls| tls.mesh);
    destination.mtls = !calls.is_empty() && calls.iter().all(|(_, tls)| mesh(tls));
    let mut told: Vec<&Option<Tls>> = Vec::new();
    for (_, tls) in calls {
        if told.contains(&tls) {
            continue;
        }
        told.push(tls);
        let text = match tls {
            None => "plain".to_owned(),
            Some(tls) => {
                let word = if tls.mesh { "mutual TLS of the mesh" } else { "TLS" };
                let must = match tls.identities.as_slice() {
                    [] => String::new(),
                    names => format!(", the server must be {}", names.join(" or ")),
                };
                format!("{word}{must}")
            }
        };
        destination.steps.push(Step::new("transport", text));
    }
}

fn endpoint(host: &Host, tls: Option<&Tls>) -> Endpoint {
    Endpoint {
        address: host.text.clone(),
        workload: host.workload.as_ref().map(ToString::to_string),
        mtls: tls.is_some_and(|tls| tls.mesh),
        healthy: host.healthy,
    }
}

/// What the workloads behind the hosts do; equal answers are told once.
fn servers(simulator: &Simulator<'_>, leg: &Leg<'_>, calls: &[(Host, Option<Tls>)]) -> Vec<Server> {
    let mut found: Vec<Server> = Vec::new();
    let mut asked = BTreeSet::new();
    for (host, tls) in calls {
        let Some(address) = host.address else { continue };
        if !asked.insert((host.workload.clone(), address.port(), tls.as_ref().map(|tls| tls.sni.clone()))) {
            continue;
        }
        let sent = Sent { question: leg.question, client: &leg.proxy.node.workload, head: leg.head };
        let arrival = Arrival { address, workload: host.workload.as_ref(), tls: tls.as_ref() };
        let Some(server) = server::receive(simulator, &sent, &arrival) else { continue };
        let same = |other: &&mut Server| {
            other.allowed == server.allowed && other.result == server.result && other.steps == server.steps
        };
        match found.iter_mut().find(same) {
            Some(other) => other.workloads.extend(server.workloads),
            None => found.push(server),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn names_of_clusters_are_read() {
        assert_eq!(parse("outbound|80|v1|a.b"), Some((80, Some("v1".into()), "a.b".into())));
        assert_eq!(parse("outbound|80||a.b"), Some((80, None, "a.b".into())));
        assert_eq!(parse("PassthroughCluster"), None);
    }
}
