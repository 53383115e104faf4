//! Which workloads a policy is for: a selector, targets, the namespace, or the mesh.

use super::context::Context;
use crate::dialects::istio::types::{LabelsSelector, PolicyTargetReference, WorkloadSelector};
use crate::dialects::object::{Meta, Object};
use crate::ir::{Key, Loss, LossKind, Name, Predicate, Scope};
use crate::manifests::source::Place;
use crate::schema::{List, Map, Text, values::text_or_empty};

/// What an object says about the workloads that it is for.
#[derive(Default)]
pub struct Attached<'o> {
    /// Labels, when there is a selector.
    pub labels: Option<&'o Map<Text>>,
    /// Targets.
    pub targets: Vec<&'o PolicyTargetReference>,
    /// Where the list of targets stands.
    pub target_list: Option<Place>,
}

impl<'o> Attached<'o> {
    /// By the fields of the policy kinds.
    pub fn policy(
        selector: Option<&'o WorkloadSelector>,
        target: Option<&'o PolicyTargetReference>,
        targets: &'o List<PolicyTargetReference>,
    ) -> Self {
        Self {
            labels: selector.map(|selector| &selector.match_labels),
            targets: target.into_iter().chain(targets).collect(),
            target_list: targets.place,
        }
    }

    /// By the fields of the networking kinds.
    pub fn networking(selector: Option<&'o LabelsSelector>) -> Self {
        Self { labels: selector.map(|selector| &selector.labels), ..Self::default() }
    }

    /// The scopes. A selector or target that cannot be read stands for more workloads than it may have meant, never fewer.
    pub fn scopes(&self, cx: &Context<'_>, root: &Name, losses: &mut Vec<Loss>) -> Vec<Scope> {
        let flaws = cx.flaws();
        let unread_target = flaws.at("spec.targetRef") || flaws.at("spec.targetRefs");
        if self.targets.is_empty() && self.target_list.is_none_or(|_| !unread_target) && !flaws.at("spec.targetRef") {
            return vec![self.by_labels(cx, root)];
        }
        let mut scopes: Vec<Scope> = self.targets.iter().flat_map(|target| of_target(cx, target, losses)).collect();
        if unread_target || self.labels.is_some() {
            scopes.push(self.by_labels(cx, root));
        }
        scopes
    }

    fn by_labels(&self, cx: &Context<'_>, root: &Name) -> Scope {
        let of_root = cx.namespace() == &**root;
        match self.labels.filter(|labels| !labels.is_empty()) {
            Some(labels) if of_root => Scope::MeshWorkloads(Predicate::labels(labels.pairs())),
            Some(labels) => Scope::Workloads(cx.namespace().into(), Predicate::labels(labels.pairs())),
            None if of_root => Scope::Mesh,
            None => Scope::Namespace(cx.namespace().into()),
        }
    }
}

fn of_target(cx: &Context<'_>, target: &PolicyTargetReference, losses: &mut Vec<Loss>) -> Vec<Scope> {
    let name = text_or_empty(target.name.as_ref());
    let mut lost = |kind, reason: String| {
        losses.push(cx.loss("spec.targetRefs", target.place, kind, reason));
        Vec::new()
    };
    if name.is_empty() || !text_or_empty(target.namespace.as_ref()).is_empty() {
        return lost(LossKind::Refused, "a target is an object of the policy's own namespace, by its name".to_owned());
    }
    match (text_or_empty(target.group.as_ref()), text_or_empty(target.kind.as_ref())) {
        ("" | "core", "Service") => vec![Scope::Service(Key::new(cx.namespace(), cx.host(name)), None)],
        ("gateway.networking.k8s.io", "Gateway") => vec![Scope::Gateway(Key::new(cx.namespace(), name), None)],
        ("networking.istio.io", "ServiceEntry") => {
            let named = |meta: &Meta| &*meta.namespace == cx.namespace() && meta.name() == name;
            let entries = cx.input.model.service_entries.iter().filter(|object| named(&object.meta));
            let hosts = entries.flat_map(|object| &object.spec.hosts);
            hosts.map(|host| Scope::Service(Key::new(cx.namespace(), host.as_str()), None)).collect()
        }
        ("gateway.networking.k8s.io", "GatewayClass") => lost(
            LossKind::Lost,
            "there are no proxies of a class here: the policy does nothing for this target".to_owned(),
        ),
        (group, kind) => {
            let reason = format!("a policy cannot be attached to the kind {kind:?} of the group {group:?}");
            lost(LossKind::Refused, reason)
        }
    }
}

/// In the order in which policies of one scope count: by name, then by namespace. Files have no age.
pub fn in_order<T>(objects: &[Object<T>]) -> Vec<&Object<T>> {
    let mut objects: Vec<&Object<T>> = objects.iter().collect();
    objects.sort_by(|a, b| (a.meta.name(), &a.meta.namespace).cmp(&(b.meta.name(), &b.meta.namespace)));
    objects
}
