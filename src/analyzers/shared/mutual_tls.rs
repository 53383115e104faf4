//! Which connections a workload accepts, by the PeerAuthentications that hold for it: port, workload, namespace, mesh.

use std::collections::HashMap;

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

/// The PeerAuthentications of the input, by namespace.
pub struct PeerPolicies<'m> {
    by_namespace: HashMap<&'m str, Vec<&'m Object<PeerAuthentication>>>,
    root: &'m str,
}

impl<'m> PeerPolicies<'m> {
    /// Builds the index.
    pub fn new(cx: &Context<'m>) -> Self {
        let mut by_namespace: HashMap<_, Vec<_>> = HashMap::new();
        for policy in &cx.model().peer_authentications {
            by_namespace.entry(&*policy.meta.namespace).or_default().push(policy);
        }
        Self { by_namespace, root: cx.mesh.root_namespace() }
    }

    fn of(&self, namespace: &str) -> &[&'m Object<PeerAuthentication>] {
        self.by_namespace.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// True when some workloads of a namespace have a setting of their own.
    pub fn any_by_selector(&self, namespace: &str) -> bool {
        self.of(namespace).iter().any(|policy| !policy_scope::labels(policy.spec.selector.as_ref()).is_empty())
    }

    /// The policy for workloads with these labels in a namespace, when one selects them for sure.
    pub fn of_workload(&self, namespace: &str, labels: &Map<Text>) -> Option<&'m Object<PeerAuthentication>> {
        self.of(namespace).iter().copied().find(|policy| {
            let wanted = policy_scope::labels(policy.spec.selector.as_ref());
            !wanted.is_empty() && wanted.selects(labels)
        })
    }

    /// The mode that a namespace, or else the mesh, sets for workloads without a policy of their own.
    pub fn of_namespace(&self, namespace: &str) -> Option<Effective<'m>> {
        let whole =
            |policy: &&&Object<PeerAuthentication>| policy_scope::labels(policy.spec.selector.as_ref()).is_empty();
        let policies = self.of(namespace).iter().chain(self.of(self.root));
        policies.filter(whole).find_map(|policy| mode(&policy.spec).map(|mode| Effective { mode, by: policy }))
    }

    /// The mode of a policy's workloads on ports without a setting of their own.
    pub fn of_policy(&self, policy: &'m Object<PeerAuthentication>) -> Option<Effective<'m>> {
        mode(&policy.spec)
            .map(|mode| Effective { mode, by: policy })
            .or_else(|| self.of_namespace(&policy.meta.namespace))
    }
}
