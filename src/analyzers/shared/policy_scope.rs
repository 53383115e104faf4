//! Which workloads a policy reaches: those of its namespace, or of the whole mesh from the root namespace.

use crate::analyzers::context::{Context, Workload};
use crate::analyzers::shared::{gateways, in_mesh};
use crate::dialects::istio::types::{PolicyTargetReference, WorkloadSelector};
use crate::dialects::object::Meta;
use crate::schema::{List, Map, Text};

static ALL: Map<Text> = Map { entries: Vec::new(), place: None };

/// The namespace that a policy is limited to; `None` for policies of the root namespace.
pub fn namespace<'a>(cx: &Context<'_>, meta: &'a Meta) -> Option<&'a str> {
    Some(&*meta.namespace).filter(|ns| *ns != cx.mesh.root_namespace())
}

/// The labels that a selector asks for; none at all selects everything.
pub fn labels(selector: Option<&WorkloadSelector>) -> &Map<Text> {
    selector.map_or(&ALL, |selector| &selector.match_labels)
}

/// The workloads that a policy with this selector reaches.
pub fn workloads<'s>(
    cx: &'s Context<'_>,
    meta: &'s Meta,
    selector: Option<&'s WorkloadSelector>,
) -> impl Iterator<Item = &'s Workload<'s>> + 's {
    cx.select(namespace(cx, meta), labels(selector))
}

/// True when a policy is attached to objects instead of selecting workloads.
pub fn has_targets(target_ref: Option<&PolicyTargetReference>, target_refs: &List<PolicyTargetReference>) -> bool {
    target_ref.is_some() || !target_refs.is_empty()
}

/// True when the input holds a workload that surely belongs to the mesh: only then "no workload matches" means something.
pub fn knows_mesh_workloads(cx: &Context<'_>) -> bool {
    cx.workloads.iter().any(|workload| in_mesh::in_mesh(cx, workload) == Some(true))
}

/// True for the labels of pods that the installation or a Gateway object makes: their absence says nothing.
pub fn is_made_elsewhere(labels: &Map<Text>) -> bool {
    gateways::is_installed_apart(labels) || labels.get("gateway.networking.k8s.io/gateway-name").is_some()
}

/// Labels as a selector is written on a command line: `app=web,version=v1`.
pub fn text(labels: &Map<Text>) -> String {
    labels.pairs().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(",")
}
