//! Whether the pods of a workload get a proxy: the injector's rules, on what manifests say.
//!
//! The order is the injector's: host network, a proxy that is there, the pod's label, its old annotation, the namespace's
//! label. A namespace whose object is not given is taken as one that injects: manifests for a mesh seldom bring it along.

use crate::dialects::kubernetes::types::PodSpec;
use crate::dialects::model::Model;
use crate::ir::Enrolment;
use crate::schema::{Map, Text};

/// Labels (the first also an annotation) of pods: inject or not.
const POD: [&str; 2] = ["sidecar.istio.io/inject", "mesh.meshctl.io/inject"];
/// Labels of namespaces: `enabled` or `disabled`.
const NAMESPACE: [&str; 2] = ["istio-injection", "mesh.meshctl.io/inject"];
/// Label of pods and namespaces: the revision that injects.
const REVISION: &str = "istio.io/rev";

/// What a pod of a namespace is.
pub fn of(
    model: &Model,
    namespace: &str,
    labels: &Map<Text>,
    annotations: &Map<Text>,
    pod: Option<&PodSpec>,
) -> Enrolment {
    if pod.is_some_and(|pod| pod.host_network.as_ref().is_some_and(|host| host.value)) {
        return Enrolment::Outside;
    }
    if pod.is_some_and(has_proxy) {
        return Enrolment::Sidecar;
    }
    let said = POD.iter().find_map(|key| labels.text(key)).or_else(|| annotations.text(POD[0]));
    match said {
        Some("true" | "enabled") => return Enrolment::Sidecar,
        Some("false" | "disabled") => return Enrolment::Outside,
        _ => {}
    }
    let Some(object) = model.namespaces.iter().find(|object| object.meta.name() == namespace) else {
        return Enrolment::Sidecar;
    };
    let labels_of = &object.meta.labels;
    let injects = match NAMESPACE.iter().find_map(|key| labels_of.text(key)) {
        Some("enabled" | "true") => true,
        Some(_) => false,
        None => [labels_of, labels].iter().any(|labels| labels.text(REVISION).is_some_and(|rev| !rev.is_empty())),
    };
    if injects { Enrolment::Sidecar } else { Enrolment::Outside }
}

fn has_proxy(pod: &PodSpec) -> bool {
    let containers = pod.containers.iter().chain(&pod.init_containers);
    let mut names = containers.filter_map(|container| container.name.as_ref());
    names.any(|name| matches!(name.as_str(), "istio-proxy" | "meshctl-proxy"))
}
