//! IST0145: two Gateways want the same host on the same port of the same pods.
//!
//! Hosts are compared as istiod merges servers: the same text and the same `bind`, with `./` read as the own namespace.
//! Selectors meet when they are equal or when a pod has the labels of both.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::{gateways, policy_scope};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{Gateway, Server};
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::schema::{Map, Text};

declare_code! {
    /// Two Gateways want the same host on the same port
    ///
    /// ## Why
    ///
    /// All Gateways of the same pods are merged. When two have the same host on the same port, the older one wins and the
    /// other one's server is dropped without a word: its VirtualServices never see a request.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: team-a}
    /// spec:
    ///   selector: {istio: ingressgateway}
    ///   servers:
    ///   - port: {number: 80, name: http, protocol: HTTP}
    ///     hosts: [shop.example.com]
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: team-b}
    /// spec:
    ///   selector: {istio: ingressgateway}
    ///   servers:
    ///   - port: {number: 80, name: http, protocol: HTTP}
    ///     hosts: [shop.example.com]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: public}
    /// spec:
    ///   selector: {istio: ingressgateway}
    ///   servers:
    ///   - port: {number: 80, name: http, protocol: HTTP}
    ///     hosts: [shop.example.com]
    /// ```
    ///
    /// ## Fix
    ///
    /// Keep one Gateway for the host and let the VirtualServices of both teams refer to it, or use other hosts, ports or
    /// gateway pods.
    pub CONFLICTING_GATEWAYS = "IST0145", "ConflictingGateways", Error
}

/// Reports Gateways that take each other's hosts.
pub static ANALYZER: Analyzer = Analyzer {
    name: "gateway.ConflictingGatewayAnalyzer",
    summary: "Two Gateways with the same host on the same port of the same pods",
    codes: &[&CONFLICTING_GATEWAYS, &REFERENCED_RESOURCE_NOT_FOUND],
    run,
    default: true,
};

/// Most other Gateways that a message names.
const NAMED: usize = 5;

/// Port, host, and the address listened on.
type Claim<'m> = (i64, String, &'m str);

/// Gateways that claim something, by the number of their selector.
type Claimants<'m> = BTreeMap<usize, Vec<(&'m Object<Gateway>, Span)>>;

/// The different selectors, numbered.
#[derive(Default)]
struct Selectors<'m> {
    numbers: BTreeMap<Vec<(&'m str, &'m str)>, usize>,
    maps: Vec<&'m Map<Text>>,
}

impl<'m> Selectors<'m> {
    fn number(&mut self, selector: &'m Map<Text>) -> usize {
        let mut pairs: Vec<_> = selector.pairs().collect();
        pairs.sort_unstable();
        let next = self.maps.len();
        let number = *self.numbers.entry(pairs).or_insert(next);
        if number == next {
            self.maps.push(selector);
        }
        number
    }

    /// For each selector, those that a pod has in common with it, and itself.
    fn meetings(&self, cx: &Context<'_>) -> Vec<BTreeSet<usize>> {
        let mut by_pod: BTreeMap<(u32, u32), Vec<usize>> = BTreeMap::new();
        for (number, selector) in self.maps.iter().enumerate() {
            for pod in cx.select(None, selector) {
                by_pod.entry((pod.meta.file.0, pod.meta.place.start)).or_default().push(number);
            }
        }
        let mut meetings: Vec<BTreeSet<usize>> = (0..self.maps.len()).map(|number| BTreeSet::from([number])).collect();
        let shared: BTreeSet<Vec<usize>> = by_pod.into_values().filter(|numbers| numbers.len() > 1).collect();
        for numbers in shared {
            for number in &numbers {
                meetings[*number].extend(&numbers);
            }
        }
        meetings
    }
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let model = cx.model();
    let mut selectors = Selectors::default();
    let mut claims: BTreeMap<Claim<'_>, Claimants<'_>> = BTreeMap::new();
    for gateway in &model.gateways {
        if gateway.spec.servers.is_empty() && gateways::pods(cx, gateway).is_empty() {
            gateways::report_no_pods(cx, gateway, sink, "gateways with the same hosts");
        }
        let number = selectors.number(&gateway.spec.selector);
        for (claim, span) in gateway.spec.servers.iter().flat_map(|server| claimed(gateway, server)) {
            claims.entry(claim).or_default().entry(number).or_default().push((gateway, span));
        }
    }
    let meetings = selectors.meetings(cx);
    for gateway in &model.gateways {
        let meets = &meetings[selectors.number(&gateway.spec.selector)];
        for server in &gateway.spec.servers {
            check(gateway, server, meets, &claims, sink);
        }
    }
}

/// What a server claims, with the place of each host.
fn claimed<'m>(gateway: &'m Object<Gateway>, server: &'m Server) -> impl Iterator<Item = (Claim<'m>, Span)> + 'm {
    let port = server.port.as_ref().and_then(|port| port.number).map(|number| number.value);
    let bind = server.bind.as_ref().map_or("", Text::as_str);
    let own = &gateway.meta.namespace;
    server.hosts.iter().filter_map(move |host| {
        let name = match host.as_str().strip_prefix("./") {
            Some(name) => format!("{own}/{name}"),
            None => host.as_str().to_owned(),
        };
        Some(((port?, name, bind), host.span()))
    })
}

fn check(
    gateway: &Object<Gateway>,
    server: &Server,
    meets: &BTreeSet<usize>,
    claims: &BTreeMap<Claim<'_>, Claimants<'_>>,
    sink: &mut Sink,
) {
    let mut names = BTreeSet::new();
    let mut related = Vec::new();
    let mut at = None;
    let mut more = false;
    let mut hosts = Vec::new();
    for (claim, span) in claimed(gateway, server) {
        let Some(claimants) = claims.get(&claim) else { continue };
        let before = related.len();
        for others in meets.iter().filter_map(|number| claimants.get(number)) {
            for (other, place) in others.iter().filter(|(other, _)| !std::ptr::eq(*other, gateway)) {
                if related.len() == NAMED {
                    more = true;
                    break;
                }
                names.insert(other.meta.full_name());
                related.push((other.meta.file, *place));
            }
        }
        if related.len() > before {
            at = at.or(Some(span));
            hosts.push(claim.1);
        }
    }
    let Some(at) = at else { return };
    let port = server.port.as_ref().and_then(|port| port.number).map_or(0, |number| number.value);
    let names: Vec<String> = names.into_iter().collect();
    let finding = sink.report(
        &CONFLICTING_GATEWAYS,
        &gateway.meta,
        at,
        format!(
            "The Gateway {} has the hosts {} on port {port} in common with {}{}; both select the pods `{}`.",
            gateway.meta.full_name(),
            hosts.join(", "),
            names.join(", "),
            if more { " and others" } else { "" },
            policy_scope::text(&gateway.spec.selector),
        ),
    );
    finding
        .label("taken by another Gateway too")
        .help("keep the host in one Gateway and refer to it from all VirtualServices");
    for (file, place) in related {
        finding.related(file, place, "the same host");
    }
}
