//! The client's side: which service is meant, which listener takes the connection, what it decides.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use embedded_proxy::decide::{Decision, Outcome, Question as Asked};
use embedded_proxy::http::{Headers, RequestHead, Version};
use embedded_proxy::listener::ListenerConfig;
use embedded_proxy::stream::Connection;

use super::branch::{branches, head_for};
use super::destination::{Leg, follow};
use super::find::{self, Unknown};
use super::proxy::Proxy;
use super::question::{From, Question};
use super::report::{Answer, At, Destination, Step, Trace, percent};
use super::route::{Told, tell};
use super::{Simulator, verdict};
use crate::ir::{Enrolment, Service, ServiceAddress, Workload};

/// Stands for the address that DNS gives a host which the mesh has no address for (a network for documentation).
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Follows a request from its client on.
pub fn ask(simulator: &Simulator<'_>, question: &Question) -> Result<Trace, Unknown> {
    let mut trace = Trace {
        from: question.from.to_string(),
        method: question.method.to_string(),
        url: question.to.to_string(),
        delivered: false,
        result: String::new(),
        status: None,
        steps: Vec::new(),
        destinations: Vec::new(),
        answers: Vec::new(),
    };
    match &question.from {
        From::Workload(key) => {
            let workload = simulator.mesh().workload(key).ok_or_else(|| Unknown::workload(simulator.mesh(), key))?;
            from_workload(simulator, question, workload, &mut trace)?;
        }
        From::Outside => super::edge::from_outside(simulator, question, &mut trace)?,
    }
    verdict::conclude(&mut trace);
    Ok(trace)
}

fn from_workload(
    simulator: &Simulator<'_>,
    question: &Question,
    workload: &Arc<Workload>,
    trace: &mut Trace,
) -> Result<(), Unknown> {
    let mesh = simulator.mesh();
    let identity = workload.identity.spiffe(&mesh.settings.trust_domain);
    let enrolled = workload.enrolment != Enrolment::Outside;
    let who = if enrolled { identity } else { "without a proxy, plain".to_owned() };
    trace
        .steps
        .push(Step::new("client", format!("{} {} ({who})", workload.kind, workload.key)).at(At::of(&workload.origin)));
    let namespace = &*workload.key.namespace;
    let found = find::service(mesh, &question.to.host, namespace);
    match &found {
        Some((service, why)) => trace.steps.push(service_step(service, why, question.to.port)),
        None => {
            let host = &question.to.host;
            let (is_short, is_name) = (!host.contains('.'), host.parse::<IpAddr>().is_err());
            if let Some(near) = find::near_host(mesh, host, namespace).filter(|_| is_name) {
                return Err(Unknown::host(host, &near));
            }
            if is_short && is_name {
                return Err(Unknown::short_host(mesh, host));
            }
            trace.steps.push(Step::new("service", format!("the mesh has none of the name {host}")));
        }
    }
    let Some(proxy) = simulator.proxy(&workload.key) else { return Ok(()) };
    let service = found.as_ref().map(|(service, _)| &***service);
    if !enrolled {
        direct(simulator, question, &proxy, service, trace);
        return Ok(());
    }
    let to = SocketAddr::new(address(simulator, service, question), question.to.port);
    let Some(listener) = proxy.offline.listener_at(to).or_else(|| proxy.offline.listener("virtualOutbound")) else {
        trace.steps.push(Step::new("listener", format!("none takes {to}")));
        return Ok(());
    };
    trace.steps.push(listener_step(listener, to));
    let from = workload.addresses.first().copied().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let asked = Asked { connection: plain(question, to, from), head: head(question), random: 0 };
    through(simulator, question, &proxy, listener, &asked, trace);
    Ok(())
}

fn service_step(service: &Service, why: &str, port: u16) -> Step {
    let found = service.port(port);
    let speaks = found.map_or_else(
        || {
            let ports: Vec<String> = service.ports.iter().map(|port| port.number.to_string()).collect();
            format!("it has no port {port}, only {}", ports.join(", "))
        },
        |found| format!("port {port} speaks {}", found.protocol.name()),
    );
    let at = found.map_or(&service.origin, |found| &found.origin);
    Step::new("service", format!("{}, {why}; {speaks}", service.key.name)).at(At::of(at))
}

/// Where the client's connection goes: the service's address, or an endpoint's for those that have none.
fn address(simulator: &Simulator<'_>, service: Option<&Service>, question: &Question) -> IpAddr {
    if let Ok(address) = question.to.host.parse() {
        return address;
    }
    let Some(service) = service else { return ELSEWHERE };
    let own = service.addresses.iter().map(|address| match address {
        ServiceAddress::Ip(ip) => *ip,
        ServiceAddress::Network(network) => network.addr(),
    });
    let endpoints = simulator.mesh().endpoints.get(&service.key);
    let behind = endpoints.into_iter().flat_map(|all| all.iter()).filter_map(|endpoint| match endpoint.address {
        crate::ir::EndpointAddress::Ip(ip) => Some(ip),
        _ => None,
    });
    own.chain(behind).next().unwrap_or(ELSEWHERE)
}

fn listener_step(listener: &ListenerConfig, to: SocketAddr) -> Step {
    let why = match &*listener.name {
        "virtualOutbound" => format!("virtualOutbound: no listener stands for {to}"),
        name if name.starts_with("0.0.0.0_") => format!("{name}: requests are told apart by their host"),
        name => format!("{name}: it stands for {to}"),
    };
    Step::new("listener", why)
}

/// The connection of a client that knows nothing of the mesh, as the inspectors of its proxy see it.
pub fn plain(question: &Question, to: SocketAddr, from: IpAddr) -> Connection {
    let mut connection = Connection::plain(to, SocketAddr::new(from, 40_000));
    connection.local_restored = true;
    match question.to.scheme.as_str() {
        "http" => connection.application_protocols = vec!["http/1.1".to_owned()],
        "https" => {
            connection.transport_protocol = "tls";
            connection.sni = Some(question.to.host.clone()).filter(|host| host.parse::<IpAddr>().is_err());
            connection.application_protocols = vec!["h2".to_owned(), "http/1.1".to_owned()];
        }
        _ => {}
    }
    connection
}

/// The request's head; none where proxies see bytes.
pub fn head(question: &Question) -> Option<RequestHead> {
    question.to.is_readable().then(|| readable(question))
}

/// The request's head, for whoever can read it.
pub fn readable(question: &Question) -> RequestHead {
    let mut headers = Headers::new();
    for (name, value) in question.headers.iter().filter(|(name, _)| *name != http::header::HOST) {
        headers.add(name.clone(), value.clone());
    }
    RequestHead {
        method: question.method.clone(),
        scheme: if question.to.scheme == "https" { "https" } else { "http" },
        authority: question.authority().to_owned(),
        path: question.to.path.clone(),
        upgrade: None,
        version: Version::Http11,
        headers,
    }
}

/// Puts the request to a listener and follows it to wherever it may go.
pub fn through(
    simulator: &Simulator<'_>,
    question: &Question,
    proxy: &Rc<Proxy>,
    listener: &ListenerConfig,
    asked: &Asked,
    trace: &mut Trace,
) {
    let all = branches(listener, proxy.offline.clusters(), asked);
    let several = all.len() > 1;
    let mut random = 0.0;
    for (share, decision) in &all {
        let told = tell(simulator.mesh(), decision);
        let mut steps = told.steps.clone();
        if several {
            let text = format!("{} of the requests", percent(*share));
            trace.steps.push(Step::new("chance", text));
        }
        trace.steps.append(&mut steps);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a million")]
        let start = (random * 1_000_000.0) as u64;
        random += share;
        let asked = Asked { random: start, ..asked.clone() };
        branch(
            simulator,
            &Branch { question, proxy, listener, asked: &asked, share: *share, told: &told },
            decision,
            trace,
        );
    }
}

/// One decision, and what it is about.
struct Branch<'b> {
    question: &'b Question,
    proxy: &'b Rc<Proxy>,
    listener: &'b ListenerConfig,
    asked: &'b Asked,
    share: f64,
    told: &'b Told,
}

fn branch(simulator: &Simulator<'_>, branch: &Branch<'_>, decision: &Decision, trace: &mut Trace) {
    let mut left = branch.share;
    if let Some((part, status)) = branch.told.faults.abort.filter(|(part, _)| *part > 0.0) {
        let why = "the fault that the route injects".to_owned();
        trace.answers.push(Answer { share: left * part, status, why, at: branch.told.route.clone() });
        left *= 1.0 - part;
    }
    if left <= 0.0 {
        return;
    }
    let (shares, request) = match &decision.outcome {
        Outcome::Forward { shares, .. } => (shares, true),
        Outcome::Opaque(shares) => (shares, false),
        Outcome::Reply(reply) => {
            let location = reply.headers.text(&http::header::LOCATION).map(|to| format!("redirect to {to}"));
            let why = location.or_else(|| branch.told.refused.clone()).unwrap_or_else(|| reason(&reply.details));
            let at = branch.told.access.clone().or_else(|| branch.told.route.clone());
            trace.answers.push(Answer { share: left, status: reply.status.as_u16(), why, at });
            return;
        }
        Outcome::Closed(why) => {
            trace.answers.push(Answer { share: left, status: 0, why: why.clone(), at: branch.told.access.clone() });
            return;
        }
    };
    let clusters = branch.proxy.offline.clusters();
    for share in shares.iter().filter(|share| share.share > 0.0) {
        let head =
            request.then(|| head_for(branch.listener, clusters, branch.asked, decision, &share.cluster)).flatten();
        let leg = Leg {
            question: branch.question,
            proxy: branch.proxy,
            share: left * share.share,
            cluster: &share.cluster,
            head: head.as_ref(),
        };
        let mut destination = follow(simulator, &leg);
        rewrites(branch.asked.head.as_ref(), head.as_ref(), &mut destination);
        trace.destinations.push(destination);
    }
}

/// Envoy's words for answers of its own, for people.
fn reason(details: &str) -> String {
    match details {
        "route_not_found" => "no route takes the request".to_owned(),
        "direct_response" => "the route answers by itself".to_owned(),
        "cluster_not_found" => "the route's cluster does not exist".to_owned(),
        other => other.to_owned(),
    }
}

/// What the route changes in the request.
fn rewrites(before: Option<&RequestHead>, after: Option<&RequestHead>, destination: &mut Destination) {
    let (Some(before), Some(after)) = (before, after) else { return };
    let mut steps = Vec::new();
    if before.path != after.path {
        steps.push(Step::new("rewrite", format!("path {} becomes {}", before.path, after.path)));
    }
    if before.authority != after.authority {
        steps.push(Step::new("rewrite", format!("host {} becomes {}", before.authority, after.authority)));
    }
    for (name, value) in after.headers.iter().filter(|(name, _)| !is_own(name)) {
        if before.headers.get(name) != Some(value) {
            let text = format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()));
            steps.push(Step::new("header", text));
        }
    }
    for (name, _) in before.headers.iter().filter(|(name, _)| !after.headers.has(name)) {
        steps.push(Step::new("header", format!("{name} is removed")));
    }
    destination.steps.splice(1..1, steps);
}

/// Fields that proxies set by themselves.
fn is_own(name: &http::HeaderName) -> bool {
    ["x-forwarded-proto", "x-request-id", "x-envoy-", "x-b3-", "traceparent", "tracestate", "x-forwarded-for"]
        .iter()
        .any(|own| name.as_str().starts_with(own))
}

/// A client without a proxy: its connection goes to any endpoint as it is.
fn direct(
    simulator: &Simulator<'_>,
    question: &Question,
    proxy: &Rc<Proxy>,
    service: Option<&Service>,
    trace: &mut Trace,
) {
    trace.steps.push(Step::new("transport", "plain: the client has no proxy"));
    let Some(service) = service else { return };
    let head = head(question);
    let cluster = format!("outbound|{}||{}", question.to.port, service.key.name);
    let leg = Leg { question, proxy, share: 1.0, cluster: &cluster, head: head.as_ref() };
    trace.destinations.push(super::destination::direct(simulator, &leg, service));
}
