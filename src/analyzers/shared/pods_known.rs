//! Whether the input shows the pods of a namespace, so that "no pod matches" means something.

use crate::analyzers::context::Context;
use crate::dialects::model::Untyped;

/// True when the input has workloads in the namespace and nothing that might create pods which it does not show.
pub fn pods_known(cx: &Context<'_>, namespace: &str) -> bool {
    cx.workloads.iter().any(|workload| &*workload.meta.namespace == namespace) && !cx.untyped.iter().any(may_make_pods)
}

/// True for documents of API groups that are not Kubernetes' own: their controllers may create pods (rollouts, databases).
fn may_make_pods(document: &Untyped) -> bool {
    let group = document.api_version.as_str().split_once('/').map_or("", |(group, _)| group);
    group.contains('.') && !group.ends_with(".k8s.io") && !group.ends_with("istio.io")
}
