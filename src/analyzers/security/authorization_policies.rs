//! AuthorizationPolicies whose selector or source namespaces fit nothing in the input (IST0127, IST0101).

use std::collections::BTreeSet;

use embedded_proxy::matching::Pattern;

use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::{in_mesh, policy_scope};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::AuthorizationPolicy;
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// A policy that applies to no workload
    ///
    /// ## Why
    ///
    /// The labels of the selector fit no pod of the mesh, so the policy protects nothing. A workload that you believe
    /// guarded is open (or, for an ALLOW policy that should open it, shut).
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: backend
    ///   namespace: shop
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: backend-service # the pods have app: backend
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: backend
    ///   namespace: shop
    /// spec:
    ///   selector:
    ///     matchLabels:
    ///       app: backend
    /// ```
    ///
    /// ## Fix
    ///
    /// Compare the labels with those of the pods (not of the Deployment), and the policy's namespace with theirs. A policy
    /// reaches its own namespace only, except in the root namespace. Pods without a sidecar are not reached.
    pub NO_MATCHING_WORKLOADS = "IST0127", "NoMatchingWorkloadsFound", Warning
}

/// Reports policies without workloads and unknown source namespaces.
pub static ANALYZER: Analyzer = Analyzer {
    name: "auth.AuthorizationPoliciesAnalyzer",
    summary: "AuthorizationPolicies reach workloads of the mesh and name namespaces that exist",
    codes: &[&NO_MATCHING_WORKLOADS, &REFERENCED_RESOURCE_NOT_FOUND],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let decidable = policy_scope::knows_mesh_workloads(cx);
    let namespaces = known_namespaces(cx);
    for policy in &cx.authorization_policies {
        if decidable {
            check_workloads(cx, policy, sink);
        } else {
            sink.undecided("workloads of AuthorizationPolicies", "Pods or workloads of the mesh");
        }
        if cx.namespaces.is_empty() {
            if !source_namespaces(policy).is_empty() {
                sink.undecided("source namespaces of AuthorizationPolicies", "Namespaces");
            }
        } else {
            check_namespaces(policy, &namespaces, sink);
        }
    }
}

fn check_workloads(cx: &Context<'_>, policy: &Object<AuthorizationPolicy>, sink: &mut Sink) {
    let spec = &policy.spec;
    if policy_scope::has_targets(spec.target_ref.as_ref(), &spec.target_refs) {
        return;
    }
    let selector = spec.selector.as_ref();
    let mut reached = policy_scope::workloads(cx, &policy.meta, selector);
    // A workload of an unknown namespace may well be in the mesh.
    if reached.any(|workload| in_mesh::in_mesh(cx, workload) != Some(false)) {
        return;
    }
    let labels = policy_scope::labels(selector);
    if policy_scope::is_made_elsewhere(labels) {
        sink.undecided("workloads of AuthorizationPolicies", "the gateways of the installation");
        return;
    }
    let place = labels.place.map_or_else(|| policy.meta.name_span(), crate::manifests::source::Place::span);
    let within = policy_scope::namespace(cx, &policy.meta);
    let where_ = within.map_or_else(|| "in any namespace".to_owned(), |ns| format!("in namespace {ns}"));
    let message = if labels.is_empty() {
        format!("No workload {where_} belongs to the mesh: the policy applies to nothing.")
    } else {
        format!("No workload {where_} that belongs to the mesh has the labels {}.", policy_scope::text(labels))
    };
    sink.report(&NO_MATCHING_WORKLOADS, &policy.meta, place, message)
        .label("fits no workload")
        .help("compare the labels with those of the pods, and the policy's namespace with theirs");
}

/// The namespaces that the input shows to exist: those with an object of their own, and those that objects are in.
fn known_namespaces<'m>(cx: &'m Context<'_>) -> BTreeSet<&'m str> {
    let own = cx.namespaces.iter().map(|namespace| namespace.meta.name());
    let used = cx.workloads.iter().map(|workload| &*workload.meta.namespace);
    let always = ["default", "kube-system", "kube-public", "kube-node-lease", cx.mesh.root_namespace()];
    own.chain(used).chain(always).collect()
}

fn source_namespaces(policy: &Object<AuthorizationPolicy>) -> Vec<&Text> {
    let sources = policy.spec.rules.iter().flat_map(|rule| &rule.from).filter_map(|from| from.source.as_ref());
    sources.flat_map(|source| source.namespaces.iter().chain(&source.not_namespaces)).collect()
}

fn check_namespaces(policy: &Object<AuthorizationPolicy>, known: &BTreeSet<&str>, sink: &mut Sink) {
    for namespace in source_namespaces(policy) {
        let text = namespace.as_str();
        if known.contains(text) || (text.contains('*') && known.iter().any(|name| Pattern::new(text).matches(name))) {
            continue;
        }
        sink.report(
            &REFERENCED_RESOURCE_NOT_FOUND,
            &policy.meta,
            namespace.span(),
            format!("Referenced namespace not found: {:?}.", namespace.as_str()),
        )
        .label("no such namespace")
        .help("correct the name; a wildcard stands at the beginning or at the end");
    }
}
