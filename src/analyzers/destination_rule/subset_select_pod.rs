//! IST0173 and IST0174: hosts of DestinationRules exist, and every subset has pods.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::hosts::{Backend, Lookup};
use crate::analyzers::shared::pods_known::PodsKnown;
use crate::analyzers::shared::suggestions::Suggestions;
use crate::analyzers::shared::visibility::Visibility;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{DestinationRule, ServiceEntry, Subset};
use crate::dialects::kubernetes::types::Service;
use crate::dialects::object::{Meta, Object};
use crate::schema::{Map, Text};

declare_code! {
    /// A subset without pods
    ///
    /// ## Why
    ///
    /// No pod of the host's Service carries the labels of the subset. Requests that are routed to it get 503 (UH).
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   subsets:
    ///   - name: v2
    ///     labels:
    ///       version: v2 # the pods carry version: "2"
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    /// spec:
    ///   host: web
    ///   subsets:
    ///   - name: v2
    ///     labels:
    ///       version: "2"
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the labels of the subset, or put them on the pod template of the workload.
    pub SUBSET_WITHOUT_PODS = "IST0173", "DestinationRuleSubsetNotSelectPods", Error
}

declare_code! {
    /// A DestinationRule for an unknown host
    ///
    /// ## Why
    ///
    /// No Service and no ServiceEntry has the host, so the rule applies to nothing. Mostly it is a spelling mistake, or a
    /// short name in the wrong namespace.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    ///   namespace: istio-system
    /// spec:
    ///   host: web # means web.istio-system.svc.cluster.local
    ///   trafficPolicy:
    ///     loadBalancer:
    ///       simple: LEAST_REQUEST
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: web
    ///   namespace: istio-system
    /// spec:
    ///   host: web.shop.svc.cluster.local
    ///   trafficPolicy:
    ///     loadBalancer:
    ///       simple: LEAST_REQUEST
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the host, or add the Service or ServiceEntry.
    pub UNKNOWN_HOST = "IST0174", "UnknownDestinationRuleHost", Warning
}

/// Checks hosts and subsets of every DestinationRule.
pub static ANALYZER: Analyzer = Analyzer {
    name: "destinationrule.SubsetSelectPodAnalyzer",
    summary: "Hosts of DestinationRules exist and subsets have pods",
    codes: &[&SUBSET_WITHOUT_PODS, &UNKNOWN_HOST],
    run,
    default: true,
};

/// Labels that a proxy learns from the node or the cluster, not from the pod.
const FROM_OUTSIDE: [&str; 4] =
    ["topology.kubernetes.io/", "topology.istio.io/", "kubernetes.io/hostname", "failure-domain.beta.kubernetes.io/"];

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let pods = PodsKnown::new(cx);
    let mut suggestions = Suggestions::default();
    for object in &cx.destination_rules {
        let Some(host) = object.spec.host.as_ref().filter(|host| !host.as_str().is_empty()) else { continue };
        check(cx, &pods, &mut suggestions, (object, host), sink);
    }
}

fn check(
    cx: &Context<'_>,
    pods: &PodsKnown<'_, '_>,
    suggestions: &mut Suggestions,
    (object, host): (&Object<DestinationRule>, &Text),
    sink: &mut Sink,
) {
    let meta = &object.meta;
    let users = Visibility::of(&object.spec.export_to, &meta.namespace).users(&meta.namespace);
    let hosts = cx.hosts();
    let name = hosts.full_name(host.as_str(), &meta.namespace);
    match hosts.lookup(&name, &users) {
        Lookup::Undecided => sink.undecided("hosts of DestinationRules", "Services"),
        Lookup::Hidden(_) => {}
        Lookup::Unknown => {
            let own = cx.services_in(&meta.namespace);
            let near =
                suggestions.find(|| crate::near::nearest(host.as_str(), own.iter().map(|service| service.meta.name())));
            let help = near.map_or_else(
                || "correct the host, or add the Service or ServiceEntry".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            sink.report(
                &UNKNOWN_HOST,
                meta,
                host.span(),
                format!(
                    "No Service or ServiceEntry has the host {:?} (read as {name}), so the rule applies to nothing.",
                    host.as_str()
                ),
            )
            .label("unknown host")
            .help(help);
        }
        Lookup::Found(_) if name.starts_with('*') => {}
        Lookup::Found(known) => {
            for subset in &object.spec.subsets {
                match known.backend {
                    Backend::Service(service) => of_service(cx, pods, (meta, subset, service), sink),
                    Backend::Entry(entry) => of_entry(cx, pods, (meta, subset, entry), sink),
                }
            }
        }
    }
}

/// The labels of a subset that pods must carry themselves.
fn own_labels(subset: &Subset) -> Map<Text> {
    let mut labels = subset.labels.clone();
    labels.entries.retain(|(key, _)| !FROM_OUTSIDE.iter().any(|prefix| key.as_str().starts_with(prefix)));
    labels
}

fn of_service(
    cx: &Context<'_>,
    known: &PodsKnown<'_, '_>,
    (meta, subset, service): (&Meta, &Subset, &Object<Service>),
    sink: &mut Sink,
) {
    let selector = service.spec.spec.as_ref().map(|spec| &spec.selector);
    let Some(selector) = selector.filter(|selector| !selector.is_empty()) else { return };
    let namespace = &*service.meta.namespace;
    if !known.in_namespace(namespace) {
        sink.undecided("pods of subsets", "Pods or workloads");
        return;
    }
    let labels = own_labels(subset);
    let mut pods = cx.select(Some(namespace), selector).peekable();
    // A Service without any pod is a finding of its own.
    if pods.peek().is_some() && !pods.any(|pod| labels.selects(pod.labels)) {
        without_pods(meta, subset, &service.meta, sink);
    }
}

fn of_entry(
    cx: &Context<'_>,
    known: &PodsKnown<'_, '_>,
    (meta, subset, entry): (&Meta, &Subset, &Object<ServiceEntry>),
    sink: &mut Sink,
) {
    let labels = own_labels(subset);
    if !entry.spec.endpoints.is_empty() {
        if !entry.spec.endpoints.iter().any(|endpoint| labels.selects(&endpoint.labels)) {
            without_pods(meta, subset, &entry.meta, sink);
        }
        return;
    }
    let Some(selector) = &entry.spec.workload_selector else { return };
    let namespace = &*entry.meta.namespace;
    let fits = |all: &Map<Text>| selector.labels.selects(all) && labels.selects(all);
    let entries = cx.workload_entries.iter().filter(|workload| &*workload.meta.namespace == namespace);
    let by_entry = entries.map(|workload| &workload.spec.labels).any(fits);
    let by_pod = cx.select(Some(namespace), &selector.labels).any(|pod| fits(pod.labels));
    if by_entry || by_pod {
        return;
    }
    if known.in_namespace(namespace) && cx.workload_groups.is_empty() {
        without_pods(meta, subset, &entry.meta, sink);
    } else {
        sink.undecided("pods of subsets", "Pods or workloads");
    }
}

fn without_pods(meta: &Meta, subset: &Subset, service: &Meta, sink: &mut Sink) {
    let labels: Vec<String> = subset.labels.pairs().map(|(key, value)| format!("{key}={value}")).collect();
    let name = subset.name.as_ref();
    let span = subset.labels.place.map_or(subset.place.span(), crate::manifests::source::Place::span);
    let span = name.map_or(span, Text::span);
    sink.report(
        &SUBSET_WITHOUT_PODS,
        meta,
        span,
        format!(
            "The subset {} selects no pods: none of the pods of {} carries {}.",
            name.map_or("", Text::as_str),
            service.full_name(),
            labels.join(", ")
        ),
    )
    .label("requests to this subset get 503")
    .help("correct the labels of the subset, or put them on the pod template")
    .related(service.file, service.name_span(), "the service of the host");
}
