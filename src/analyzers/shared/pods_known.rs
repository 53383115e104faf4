//! Whether the input shows the pods of a namespace, so that "no pod matches" means something.

use crate::analyzers::context::Context;
use crate::dialects::model::Untyped;

/// Answers for one run.
pub struct PodsKnown<'c, 'm> {
    cx: &'c Context<'m>,
    /// True when the input has objects that may make pods which it does not show.
    has_makers: bool,
}

impl<'c, 'm> PodsKnown<'c, 'm> {
    /// Looks at what the input holds.
    pub fn new(cx: &'c Context<'m>) -> Self {
        Self { cx, has_makers: cx.untyped.iter().any(may_make_pods) }
    }

    /// True when the input has workloads in the namespace and nothing that might make others.
    pub fn in_namespace(&self, namespace: &str) -> bool {
        !self.has_makers && self.cx.has_workloads(namespace)
    }
}

/// True for documents of API groups that are not Kubernetes' own: their controllers may make pods (rollouts, databases).
fn may_make_pods(document: &Untyped) -> bool {
    let group = document.api_version.as_str().split_once('/').map_or("", |(group, _)| group);
    group.contains('.') && !group.ends_with(".k8s.io") && !group.ends_with("istio.io")
}
