//! IST0139: two injection webhooks take the same pod, or the Service of one does not exist.
//!
//! As istioctl does, the webhooks are tried with every combination of the injection labels of namespaces and pods, and of
//! every revision that a webhook speaks of.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::in_mesh::{INJECT, INJECTION, REVISION};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::{LabelSelector, Webhook, WebhookConfiguration};
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// An injection webhook overlaps with another one, or has no Service
    ///
    /// ## Why
    ///
    /// When two webhooks take the same pod, it gets two sidecars or the one of the wrong revision. When the Service of the
    /// webhook does not exist, the API server cannot call it and new pods are refused or start without a sidecar.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: admissionregistration.k8s.io/v1
    /// kind: MutatingWebhookConfiguration
    /// metadata: {name: istio-sidecar-injector}
    /// webhooks:
    /// - name: sidecar-injector.istio.io
    ///   clientConfig: {service: {name: istiod, namespace: istio-system}}
    ///   namespaceSelector: {matchLabels: {istio-injection: enabled}}
    /// ---
    /// apiVersion: admissionregistration.k8s.io/v1
    /// kind: MutatingWebhookConfiguration
    /// metadata: {name: istio-sidecar-injector-canary}
    /// webhooks:
    /// - name: sidecar-injector.istio.io
    ///   clientConfig: {service: {name: istiod-canary, namespace: istio-system}}
    ///   namespaceSelector: {matchLabels: {istio-injection: enabled}}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: admissionregistration.k8s.io/v1
    /// kind: MutatingWebhookConfiguration
    /// metadata: {name: istio-sidecar-injector-canary}
    /// webhooks:
    /// - name: sidecar-injector.istio.io
    ///   clientConfig: {service: {name: istiod-canary, namespace: istio-system}}
    ///   namespaceSelector:
    ///     matchExpressions:
    ///     - {key: istio.io/rev, operator: In, values: [canary]}
    ///     - {key: istio-injection, operator: DoesNotExist}
    /// ```
    ///
    /// ## Fix
    ///
    /// Delete the configuration that an old installation left behind, or let each revision select its own `istio.io/rev`.
    pub INVALID_WEBHOOK = "IST0139", "InvalidWebhook", Error
}

/// Checks the mutating webhooks of Istio against each other and against Services.
pub static ANALYZER: Analyzer = Analyzer {
    name: "webhook.Analyzer",
    summary: "Injection webhooks that overlap, or whose Service does not exist",
    codes: &[&INVALID_WEBHOOK],
    run,
    default: true,
};

/// Labels of a namespace or pod.
type Labels = Vec<(&'static str, String)>;

struct Injector<'m> {
    configuration: &'m Object<WebhookConfiguration>,
    webhook: &'m Webhook,
}

impl Injector<'_> {
    fn name(&self) -> String {
        let webhook = self.webhook.name.as_ref().map_or("", Text::as_str);
        format!("{}/{webhook}", self.configuration.meta.name())
    }

    fn span(&self) -> crate::manifests::source::Span {
        self.webhook.name.as_ref().map_or(self.webhook.place.span(), Text::span)
    }
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut revisions = BTreeSet::new();
    let mut injectors = Vec::new();
    for configuration in &cx.model().mutating_webhooks {
        let own = configuration_revisions(configuration);
        let istio = |webhook: &Webhook| webhook.name.as_ref().is_some_and(|name| name.as_str().ends_with("istio.io"));
        if own.is_empty() && !configuration.spec.webhooks.iter().any(istio) {
            continue;
        }
        revisions.extend(own);
        injectors.extend(configuration.spec.webhooks.iter().map(|webhook| Injector { configuration, webhook }));
    }
    report_overlaps(&injectors, &revisions, sink);
    for injector in &injectors {
        report_service(cx, injector, sink);
    }
}

fn configuration_revisions(configuration: &Object<WebhookConfiguration>) -> BTreeSet<&str> {
    let mut revisions: BTreeSet<&str> = configuration.meta.labels.text(REVISION).into_iter().collect();
    for webhook in &configuration.spec.webhooks {
        for selector in webhook.namespace_selector.iter().chain(&webhook.object_selector) {
            revisions.extend(selector.match_labels.text(REVISION));
            let about =
                selector.match_expressions.iter().filter(|e| e.key.as_ref().map(Text::as_str) == Some(REVISION));
            revisions.extend(about.flat_map(|requirement| requirement.values.iter().map(Text::as_str)));
        }
    }
    revisions
}

/// Every combination of a label with its two values or none, and of each revision or none.
fn combinations(label: &'static str, values: [&str; 2], revisions: &BTreeSet<&str>) -> Vec<Labels> {
    let mut all = Vec::new();
    for revision in std::iter::once(None).chain(revisions.iter().map(Some)) {
        for value in [None, Some(values[0]), Some(values[1])] {
            let mut labels = Labels::new();
            labels.extend(value.map(|value| (label, value.to_owned())));
            labels.extend(revision.map(|revision| (REVISION, (*revision).to_owned())));
            all.push(labels);
        }
    }
    all
}

fn report_overlaps(injectors: &[Injector<'_>], revisions: &BTreeSet<&str>, sink: &mut Sink) {
    let namespaces = combinations(INJECTION, ["enabled", "disabled"], revisions);
    let pods = combinations(INJECT, ["true", "false"], revisions);
    let mut overlaps: BTreeMap<usize, (BTreeSet<usize>, String)> = BTreeMap::new();
    for namespace in &namespaces {
        let for_namespace: Vec<usize> = (0..injectors.len())
            .filter(|at| matches(injectors[*at].webhook.namespace_selector.as_ref(), namespace))
            .collect();
        if for_namespace.len() < 2 {
            continue;
        }
        for pod in &pods {
            let taken: Vec<usize> = for_namespace
                .iter()
                .copied()
                .filter(|at| matches(injectors[*at].webhook.object_selector.as_ref(), pod))
                .collect();
            if taken.len() < 2 {
                continue;
            }
            for at in &taken {
                let entry = overlaps.entry(*at).or_insert_with(|| (BTreeSet::new(), example(namespace, pod)));
                entry.0.extend(taken.iter().filter(|other| *other != at));
            }
        }
    }
    for (at, (others, example)) in overlaps {
        let injector = &injectors[at];
        let names: Vec<String> = others.iter().map(|other| injectors[*other].name()).collect();
        let finding = sink.report(
            &INVALID_WEBHOOK,
            &injector.configuration.meta,
            injector.span(),
            format!(
                "The webhook {} overlaps with {}: {example} would be injected twice.",
                injector.name(),
                names.join(", ")
            ),
        );
        finding.help("delete the configuration that is left over, or let each revision select its own `istio.io/rev`");
        for other in others {
            let other = &injectors[other];
            finding.related(other.configuration.meta.file, other.span(), "takes the same pods");
        }
    }
}

fn example(namespace: &Labels, pod: &Labels) -> String {
    let text = |labels: &Labels| {
        let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if pairs.is_empty() { "without labels".to_owned() } else { format!("with {}", pairs.join(" and ")) }
    };
    format!("a pod {} in a namespace {}", text(pod), text(namespace))
}

/// True when a selector takes something with these labels; none takes everything.
fn matches(selector: Option<&LabelSelector>, labels: &Labels) -> bool {
    let Some(selector) = selector else { return true };
    let value = |key: &str| labels.iter().find(|(label, _)| *label == key).map(|(_, value)| value.as_str());
    let exact = selector.match_labels.pairs().all(|(key, wanted)| value(key) == Some(wanted));
    exact
        && selector.match_expressions.iter().all(|requirement| {
            let found = value(requirement.key.as_ref().map_or("", Text::as_str));
            match requirement.operator.as_ref().map_or("", Text::as_str) {
                "In" => found.is_some_and(|found| requirement.values.has(found)),
                "NotIn" => found.is_none_or(|found| !requirement.values.has(found)),
                "Exists" => found.is_some(),
                "DoesNotExist" => found.is_none(),
                _ => false,
            }
        })
}

fn report_service(cx: &Context<'_>, injector: &Injector<'_>, sink: &mut Sink) {
    let client = injector.webhook.client_config.as_ref();
    let Some(service) = client.and_then(|client| client.service.as_ref()) else { return };
    let (Some(name), Some(namespace)) = (&service.name, &service.namespace) else { return };
    if cx.service(namespace.as_str(), name.as_str()).is_some() {
        return;
    }
    if cx.services_in(namespace.as_str()).is_empty() {
        sink.undecided("Services of webhooks", "Services of the control plane");
        return;
    }
    sink.report(
        &INVALID_WEBHOOK,
        &injector.configuration.meta,
        name.span(),
        format!(
            "The webhook {} is served by {}/{}, and there is no such Service.",
            injector.name(),
            namespace.as_str(),
            name.as_str()
        ),
    )
    .label("no such Service")
    .help("delete the configuration if its control plane is gone, or name the Service of istiod");
}
