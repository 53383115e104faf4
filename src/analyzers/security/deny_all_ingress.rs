//! A policy that allows nothing and cuts the path from a gateway (IST9104).

use std::collections::BTreeMap;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::security::plaintext_port::{on_gateway, split_host};
use crate::analyzers::shared::policy_scope;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{AuthorizationAction, AuthorizationPolicy};
use crate::dialects::object::{Meta, Object};
use crate::schema::Text;

declare_code! {
    /// A policy that shuts out the gateway
    ///
    /// ## Why
    ///
    /// An ALLOW policy without rules lets nothing in, and holds for the whole namespace. A gateway routes to a service there,
    /// and no other policy lets the gateway through: visitors get 403.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: deny-all
    ///   namespace: shop
    /// spec: {}
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   hosts: [shop.example.com]
    ///   gateways: [public]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web # nothing lets the gateway in
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: deny-all
    ///   namespace: shop
    /// spec: {}
    /// ---
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: web-from-gateway
    ///   namespace: shop
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: web
    ///   rules:
    ///   - from:
    ///     - source:
    ///         namespaces: [istio-system]
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: web
    ///   namespace: shop
    /// spec:
    ///   hosts: [shop.example.com]
    ///   gateways: [public]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Add an ALLOW policy for the service that names the gateway's service account or namespace.
    pub DENY_ALL_CUTS_INGRESS = "IST9104", "DenyAllCutsIngress", Warning
}

/// Reports policies that allow nothing in namespaces that a gateway routes to.
pub static ANALYZER: Analyzer = Analyzer {
    name: "security.DenyAllIngress",
    summary: "Gateways may still reach the services behind a deny-all policy",
    codes: &[&DENY_ALL_CUTS_INGRESS],
    run,
    default: true,
};

/// A service that a gateway routes to.
struct Target<'m> {
    name: &'m str,
    namespace: &'m str,
    by: &'m Meta,
    host: &'m Text,
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let policies = &cx.model().authorization_policies;
    if !policies.iter().any(allows_nothing) {
        return;
    }
    let mut by_namespace: BTreeMap<&str, Vec<&Object<AuthorizationPolicy>>> = BTreeMap::new();
    for policy in policies {
        by_namespace.entry(&*policy.meta.namespace).or_default().push(policy);
    }
    let root = cx.mesh.root_namespace();
    let mut cut: BTreeMap<&str, Vec<Target<'_>>> = BTreeMap::new();
    for target in targets(cx) {
        let holding = [target.namespace, root].into_iter().filter_map(|namespace| by_namespace.get(namespace));
        if !holding.flatten().any(|policy| may_admit(cx, policy, &target)) {
            cut.entry(target.namespace).or_default().push(target);
        }
    }
    for policy in policies.iter().filter(|policy| allows_nothing(policy)) {
        let targets: Vec<&Target<'_>> = match policy_scope::namespace(cx, &policy.meta) {
            Some(namespace) => cut.get(namespace).into_iter().flatten().collect(),
            None => cut.values().flatten().collect(),
        };
        if let Some(first) = targets.first() {
            report(policy, first, &targets, sink);
        }
    }
}

/// An ALLOW policy without rules for a whole namespace or the mesh.
fn allows_nothing(policy: &Object<AuthorizationPolicy>) -> bool {
    let spec = &policy.spec;
    spec.action() == AuthorizationAction::Allow
        && spec.rules.is_empty()
        && policy_scope::labels(spec.selector.as_ref()).is_empty()
        && !policy_scope::has_targets(spec.target_ref.as_ref(), &spec.target_refs)
}

fn targets<'m>(cx: &Context<'m>) -> Vec<Target<'m>> {
    let mut targets = Vec::new();
    for object in cx.model().virtual_services.iter().filter(|object| on_gateway(&object.spec)) {
        for route in object.spec.http.iter().flat_map(|route| &route.route) {
            let Some(host) = route.destination.as_ref().and_then(|destination| destination.host.as_ref()) else {
                continue;
            };
            let (name, namespace) = split_host(host.as_str(), &object.meta.namespace);
            targets.push(Target { name, namespace, by: &object.meta, host });
        }
    }
    targets
}

/// True unless it is sure that the policy does not let the gateway through to the target.
fn may_admit(cx: &Context<'_>, policy: &Object<AuthorizationPolicy>, target: &Target<'_>) -> bool {
    let spec = &policy.spec;
    if spec.action() != AuthorizationAction::Allow || spec.rules.is_empty() {
        return false;
    }
    if policy_scope::has_targets(spec.target_ref.as_ref(), &spec.target_refs) {
        return true;
    }
    if policy_scope::namespace(cx, &policy.meta).is_some_and(|namespace| namespace != target.namespace) {
        return false;
    }
    let service = cx.service(target.namespace, target.name).and_then(|service| service.spec.spec.as_ref());
    policy_scope::labels(spec.selector.as_ref()).pairs().all(|(key, value)| {
        match service.filter(|service| !service.selector.is_empty()) {
            Some(service) => service.selector.text(key).is_none_or(|own| own == value),
            None => key != "app" || value == target.name,
        }
    })
}

fn report(policy: &Object<AuthorizationPolicy>, first: &Target<'_>, cut: &[&Target<'_>], sink: &mut Sink) {
    let diagnostic = sink.report(
        &DENY_ALL_CUTS_INGRESS,
        &policy.meta,
        policy.meta.name_span(),
        format!(
            "The policy allows nothing, and no other lets the gateway of VirtualService {} through to {}.{}: requests get 403.",
            first.by.full_name(),
            first.name,
            first.namespace
        ),
    );
    diagnostic
        .label("lets nothing in")
        .help("add an ALLOW policy for the service that names the gateway's service account");
    for target in cut.iter().take(3) {
        diagnostic.related(target.by.file, target.host.span(), "routed to from a gateway");
    }
}
