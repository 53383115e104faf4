//! Which connections a workload accepts, by the PeerAuthentications that hold for it: port, workload, namespace, mesh.

use crate::analyzers::context::Context;
use crate::analyzers::shared::policy_scope;
use crate::dialects::istio::types::{MutualTlsMode, PeerAuthentication};
use crate::dialects::object::Object;
use crate::schema::{Map, Text};

/// A mode with the object that sets it.
#[derive(Debug, Clone, Copy)]
pub struct Effective<'m> {
    /// The mode.
    pub mode: MutualTlsMode,
    /// Who sets it.
    pub by: &'m Object<PeerAuthentication>,
}

fn mode(policy: &PeerAuthentication) -> Option<MutualTlsMode> {
    let mode = policy.mtls.as_ref()?.mode.as_ref()?.value;
    (mode != MutualTlsMode::Unset).then_some(mode)
}

/// The policy for workloads with these labels in a namespace, when one selects them for sure.
pub fn of_workload<'m>(
    cx: &Context<'m>,
    namespace: &str,
    labels: &Map<Text>,
) -> Option<&'m Object<PeerAuthentication>> {
    cx.model().peer_authentications.iter().find(|policy| {
        let wanted = policy_scope::labels(policy.spec.selector.as_ref());
        &*policy.meta.namespace == namespace && !wanted.is_empty() && wanted.selects(labels)
    })
}

/// The mode that a namespace, or else the mesh, sets for workloads without a policy of their own.
pub fn of_namespace<'m>(cx: &Context<'m>, namespace: &str) -> Option<Effective<'m>> {
    let root = cx.mesh.root_namespace();
    [namespace, root].into_iter().find_map(|wanted| {
        cx.model().peer_authentications.iter().find_map(|policy| {
            let whole = policy_scope::labels(policy.spec.selector.as_ref()).is_empty();
            let holds = whole && &*policy.meta.namespace == wanted;
            holds.then(|| mode(&policy.spec)).flatten().map(|mode| Effective { mode, by: policy })
        })
    })
}

/// The mode of a policy's workloads on ports without a setting of their own.
pub fn of_policy<'m>(cx: &Context<'m>, policy: &'m Object<PeerAuthentication>) -> Option<Effective<'m>> {
    mode(&policy.spec).map(|mode| Effective { mode, by: policy }).or_else(|| of_namespace(cx, &policy.meta.namespace))
}
