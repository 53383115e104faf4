//! Whether pods belong to the mesh: by a sidecar that is there or will be injected, or by ambient mode.
//!
//! The order is the injector's (and istioctl's `inMesh`): a proxy container, the pod's inject label, the old annotation of
//! the same name, the namespace's labels. Without the Namespace object the input does not say, and the answer is `None`.

use crate::analyzers::context::{Context, Workload};
use crate::dialects::kubernetes::types::{Namespace, PodSpec};
use crate::dialects::object::Object;
use crate::schema::{Map, Text};

/// Label (and deprecated annotation) of pods: inject or not.
pub const INJECT: &str = "sidecar.istio.io/inject";
/// Label of namespaces: `enabled` or `disabled`.
pub const INJECTION: &str = "istio-injection";
/// Label of namespaces and pods: the revision of the control plane that injects.
pub const REVISION: &str = "istio.io/rev";
/// Label of namespaces and pods: `ambient` or `none`.
pub const DATAPLANE_MODE: &str = "istio.io/dataplane-mode";

/// Whether the pods of a workload have or will get a sidecar. `None` when the Namespace object that decides is missing.
pub fn has_sidecar(cx: &Context<'_>, workload: &Workload<'_>) -> Option<bool> {
    if has_proxy(workload.pod) {
        return Some(true);
    }
    if let Some(says) = says_inject(workload.labels).or_else(|| says_inject(workload.annotations)) {
        return Some(says);
    }
    if workload.labels.text(REVISION).is_some_and(|rev| !rev.is_empty()) {
        return cx.namespace(&workload.meta.namespace).map(|ns| ns.meta.labels.text(INJECTION) != Some("disabled"));
    }
    cx.namespace(&workload.meta.namespace).map(|ns| injects(ns).unwrap_or(false))
}

/// Whether ztunnel takes the pods' traffic. `None` when the Namespace object that decides is missing.
pub fn is_ambient(cx: &Context<'_>, workload: &Workload<'_>) -> Option<bool> {
    if workload.annotations.text("ambient.istio.io/redirection") == Some("enabled") {
        return Some(true);
    }
    match workload.labels.text(DATAPLANE_MODE) {
        Some("ambient") => Some(true),
        Some(_) => Some(false),
        None => cx.namespace(&workload.meta.namespace).map(namespace_is_ambient),
    }
}

/// Whether the pods of a workload belong to the mesh in one way or the other.
pub fn in_mesh(cx: &Context<'_>, workload: &Workload<'_>) -> Option<bool> {
    match (has_sidecar(cx, workload), is_ambient(cx, workload)) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

/// True when the pod has the proxy's container, as a sidecar or as a native one.
pub fn has_proxy(pod: Option<&PodSpec>) -> bool {
    let name = |c: &crate::dialects::kubernetes::types::Container| {
        c.name.as_ref().is_some_and(|n| n.as_str() == "istio-proxy")
    };
    pod.is_some_and(|pod| pod.containers.iter().chain(&pod.init_containers).any(name))
}

/// What the inject label or annotation says, when it is there with a value that the injector reads as yes or no.
pub fn says_inject(labels: &Map<Text>) -> Option<bool> {
    match labels.text(INJECT)?.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "on" => Some(true),
        "n" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// What a namespace's labels say about sidecar injection, when they say anything.
pub fn injects(namespace: &Object<Namespace>) -> Option<bool> {
    match namespace.meta.labels.text(INJECTION) {
        Some("enabled") => Some(true),
        Some("disabled") => Some(false),
        _ => namespace.meta.labels.text(REVISION).filter(|rev| !rev.is_empty()).map(|_| true),
    }
}

/// True when the namespace's pods are in ambient mode.
pub fn namespace_is_ambient(namespace: &Object<Namespace>) -> bool {
    namespace.meta.labels.text(DATAPLANE_MODE) == Some("ambient")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::{Model, Options};

    fn decide(namespace: &str, pod: &str) -> Option<bool> {
        let mut model = Model::new(Options::default());
        if !namespace.is_empty() {
            model.add_yaml(
                "ns",
                format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: default, labels: {namespace}}}"),
                None,
            );
        }
        model.add_yaml("pod", format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: a{pod}"), None);
        let cx = Context::new(&model);
        in_mesh(&cx, &cx.workloads[0])
    }

    #[test]
    fn the_pod_decides_before_the_namespace() {
        let enabled = "{istio-injection: enabled}";
        assert_eq!(decide(enabled, "}"), Some(true));
        assert_eq!(decide(enabled, ", labels: {sidecar.istio.io/inject: 'false'}}"), Some(false));
        assert_eq!(decide("{}", ", labels: {sidecar.istio.io/inject: 'true'}}"), Some(true));
        assert_eq!(decide("{}", "}\nspec: {initContainers: [{name: istio-proxy}]}"), Some(true));
        assert_eq!(decide("{istio.io/rev: canary}", "}"), Some(true));
        assert_eq!(decide("{istio.io/dataplane-mode: ambient}", "}"), Some(true));
        assert_eq!(
            decide("{istio.io/dataplane-mode: ambient}", ", labels: {istio.io/dataplane-mode: none}}"),
            Some(false)
        );
        assert_eq!(decide("{}", "}"), Some(false));
    }

    #[test]
    fn without_the_namespace_nothing_is_known() {
        assert_eq!(decide("", "}"), None);
        assert_eq!(decide("", ", labels: {sidecar.istio.io/inject: 'true'}}"), Some(true));
    }
}
