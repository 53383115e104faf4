//! EnvoyFilter: patches of the generated configuration. A patch that is broken, or whose conditions cannot be told, is left
//! out.

use std::sync::Arc;

use super::context::Context;
use super::envoy_match::conditions;
use super::scope::{Attached, in_order};
use crate::dialects::istio::types::{ApplyTo, EnvoyConfigPatch, FilterClass, PatchOperation as Said};
use crate::dialects::lower::Input;
use crate::ir::{Builder, Loss, LossKind, Patch, PatchMatch, PatchOperation, PatchTarget, Scope};
use crate::schema::Any;

/// What a patch does, whatever proxies it is for.
struct Change {
    target: PatchTarget,
    matches: PatchMatch,
    operation: PatchOperation,
    value: serde_json::Value,
}

/// Every patch, in the order in which they are applied: by priority, those of the root of the mesh first, then by name.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let (domain, root) = (mesh.mesh.settings.domain.clone(), mesh.mesh.settings.root_namespace.clone());
    let mut found: Vec<(bool, Patch)> = Vec::new();
    for object in in_order(&input.model.envoy_filters) {
        let cx = Context::new(input, &object.meta, &domain);
        let spec = &object.spec;
        let mut losses = cx.refusals("the patch that it belongs to is left out");
        let attached = Attached {
            targets: spec.target_refs.iter().collect(),
            target_list: spec.target_refs.place,
            ..Attached::networking(spec.workload_selector.as_ref())
        };
        let unclear =
            ["spec.workloadSelector", "spec.targetRefs", "spec.priority"].iter().any(|path| cx.flaws().at(path));
        let scopes = if unclear { Vec::new() } else { attached.scopes(&cx, &root, &mut losses) };
        let priority = spec.priority.as_ref().map_or(0, |priority| i32::try_from(priority.value).unwrap_or(0));
        for (at, patch) in spec.config_patches.iter().enumerate() {
            let path = format!("spec.configPatches[{at}]");
            match change(&cx, &path, patch) {
                Ok(change) => {
                    let of_root = cx.namespace() == &*root;
                    let all = scopes.iter().map(|scope| (!of_root, of(&cx, &path, patch, scope, priority, &change)));
                    found.extend(all);
                }
                Err(loss) => losses.extend(loss),
            }
        }
        mesh.mesh.losses.extend(losses);
    }
    found.sort_by_key(|(own, patch)| (patch.priority, *own));
    mesh.mesh.patches.extend(found.into_iter().map(|(_, patch)| Arc::new(patch)));
}

fn of(cx: &Context<'_>, path: &str, patch: &EnvoyConfigPatch, scope: &Scope, priority: i32, change: &Change) -> Patch {
    Patch {
        origin: cx.at(path, patch.place),
        scope: scope.clone(),
        priority,
        target: change.target,
        matches: change.matches.clone(),
        operation: change.operation,
        value: change.value.clone(),
    }
}

/// The change; no loss when the structure is broken, which is told already.
fn change(cx: &Context<'_>, path: &str, patch: &EnvoyConfigPatch) -> Result<Change, Option<Loss>> {
    if cx.flaws().any(Some(patch.place)) {
        return Err(None);
    }
    let lost = |kind: LossKind, reason: &str| {
        Some(cx.loss(path, patch.place, kind, format!("{reason}; the patch is left out")))
    };
    let target =
        target(patch.apply_to.as_ref().map(|word| word.value)).map_err(|reason| lost(LossKind::Lost, reason))?;
    let Some(body) = &patch.patch else { return Err(lost(LossKind::Refused, "it has no patch")) };
    let operation =
        operation(body.operation.as_ref().map(|word| word.value)).map_err(|reason| lost(LossKind::Lost, reason))?;
    let matches = match &patch.r#match {
        Some(said) => conditions(said).map_err(|reason| lost(LossKind::Lost, reason))?,
        None => PatchMatch::default(),
    };
    let placed = body.filter_class.as_ref().is_some_and(|class| class.value != FilterClass::Unspecified);
    if placed && operation == PatchOperation::Add {
        return Err(lost(LossKind::Lost, "filters are placed by other filters, not by a class"));
    }
    let value = body.value.as_ref().map_or(serde_json::Value::Null, |Any { node, .. }| node.to_json());
    if operation != PatchOperation::Remove && !value.is_object() {
        return Err(lost(LossKind::Refused, "its value is no object"));
    }
    Ok(Change { target, matches, operation, value })
}

fn target(word: Option<ApplyTo>) -> Result<PatchTarget, &'static str> {
    Ok(match word {
        Some(ApplyTo::Listener) => PatchTarget::Listener,
        Some(ApplyTo::FilterChain) => PatchTarget::FilterChain,
        Some(ApplyTo::ListenerFilter) => PatchTarget::ListenerFilter,
        Some(ApplyTo::NetworkFilter) => PatchTarget::NetworkFilter,
        Some(ApplyTo::HttpFilter) => PatchTarget::HttpFilter,
        Some(ApplyTo::RouteConfiguration) => PatchTarget::RouteConfiguration,
        Some(ApplyTo::VirtualHost) => PatchTarget::VirtualHost,
        Some(ApplyTo::HttpRoute) => PatchTarget::HttpRoute,
        Some(ApplyTo::Cluster) => PatchTarget::Cluster,
        Some(ApplyTo::ExtensionConfig) => PatchTarget::ExtensionConfig,
        Some(ApplyTo::Bootstrap) => return Err("what a proxy is started with is not generated here"),
        Some(ApplyTo::Invalid) | None => return Err("it does not say what is patched"),
    })
}

fn operation(word: Option<Said>) -> Result<PatchOperation, &'static str> {
    Ok(match word {
        Some(Said::Merge) => PatchOperation::Merge,
        Some(Said::Add) => PatchOperation::Add,
        Some(Said::Remove) => PatchOperation::Remove,
        Some(Said::InsertBefore) => PatchOperation::InsertBefore,
        Some(Said::InsertAfter) => PatchOperation::InsertAfter,
        Some(Said::InsertFirst) => PatchOperation::InsertFirst,
        Some(Said::Replace) => PatchOperation::Replace,
        Some(Said::MergeAndReplaceList) => return Err("lists cannot be replaced while merging"),
        Some(Said::Invalid) | None => return Err("it does not say how it is patched"),
    })
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{PatchContext, PatchOperation, PatchTarget, Scope};

    #[test]
    fn patches_come_in_the_order_in_which_they_are_applied() {
        let mesh = mesh(include_str!("../../../../tests/mesh/envoy_filter/all.yaml"));
        let names: Vec<_> = mesh
            .patches
            .iter()
            .map(|patch| (patch.origin.object.as_ref().unwrap().name.to_string(), patch.priority))
            .collect();
        let want = [("z-first", -5), ("root", 0), ("lua", 0), ("lua", 0)].map(|(name, at)| (name.to_owned(), at));
        assert_eq!(names, want);
        let lua = &mesh.patches[2];
        assert_eq!((lua.target, lua.operation), (PatchTarget::HttpFilter, PatchOperation::InsertBefore));
        assert_eq!((lua.matches.context, lua.matches.port), (PatchContext::Inbound, Some(8080)));
        assert_eq!(lua.matches.filter.as_deref(), Some("envoy.filters.network.http_connection_manager"));
        assert_eq!(lua.matches.sub_filter.as_deref(), Some("envoy.filters.http.router"));
        assert_eq!(lua.value["name"], "lua");
        assert!(matches!(&lua.scope, Scope::Workloads(namespace, _) if &**namespace == "shop"));
        let route = &mesh.patches[3];
        assert_eq!(route.matches.route_action.as_deref(), Some("ROUTE"));
        assert_eq!(route.matches.virtual_host.as_deref(), Some("web:80"));
        assert_eq!(mesh.patches[1].scope, Scope::Mesh);
    }

    #[test]
    fn broken_patches_are_left_out_and_told() {
        let mesh = mesh(include_str!("../../../../tests/mesh/envoy_filter/all.yaml"));
        let broken = mesh.losses.iter().filter(|loss| &*loss.origin.object.as_ref().unwrap().name == "broken");
        assert!(broken.count() >= 6, "{:#?}", mesh.losses);
    }
}
