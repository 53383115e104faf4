//! PeerAuthentication: what servers accept, plain traffic or mutual TLS.
//!
//! A mode that cannot be read is taken as STRICT.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::context::Context;
use super::scope::{Attached, in_order};
use crate::dialects::istio::types::{self as istio, PeerAuthentication};
use crate::dialects::lower::Input;
use crate::dialects::object::Object;
use crate::ir::{Builder, Loss, LossKind, MutualTls, MutualTlsMode, Origin, Scope};
use crate::manifests::source::Place;
use crate::schema::{At, List};

/// Every PeerAuthentication.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let (domain, root) = (mesh.mesh.settings.domain.clone(), mesh.mesh.settings.root_namespace.clone());
    for object in in_order(&input.model.peer_authentications) {
        let cx = Context::new(input, &object.meta, &domain);
        let mut losses = cx.refusals("a mode that cannot be read is STRICT, and a selector without it selects more");
        let none = List::default();
        let attached = Attached::policy(object.spec.selector.as_ref(), None, &none);
        for scope in attached.scopes(&cx, &root, &mut losses) {
            if matches!(scope, Scope::MeshWorkloads(_)) {
                let place = object.spec.selector.as_ref().map_or_else(Place::default, |selector| selector.place);
                let reason = "a policy of the root namespace with a selector does nothing, as in Istio";
                losses.push(cx.loss("spec.selector", place, LossKind::Lost, reason));
                continue;
            }
            let of_workloads = matches!(scope, Scope::Workloads(..));
            let policy = MutualTls {
                origin: cx.at("spec.mtls", place(object)),
                scope,
                mode: mode(&cx, "spec.mtls", object.spec.mtls.as_ref()),
                ports: if of_workloads { ports(&cx, object) } else { BTreeMap::new() },
            };
            if !of_workloads && object.spec.port_level_mtls.is_set() {
                losses.push(unselected(&cx, object));
            }
            mesh.mesh.mutual_tls.push(Arc::new(policy));
        }
        mesh.mesh.losses.extend(losses);
    }
}

fn place(object: &Object<PeerAuthentication>) -> Place {
    object.spec.mtls.as_ref().map_or_else(Place::default, |mtls| mtls.place)
}

fn unselected(cx: &Context<'_>, object: &Object<PeerAuthentication>) -> Loss {
    let place = object.spec.port_level_mtls.place.unwrap_or_default();
    cx.loss(
        "spec.portLevelMtls",
        place,
        LossKind::Refused,
        "modes of ports need a selector with labels; they are left out",
    )
}

/// The mode; none when the wider policy's holds.
fn mode(cx: &Context<'_>, path: &str, mtls: Option<&istio::MutualTls>) -> Option<MutualTlsMode> {
    if cx.flaws().at(path) {
        return Some(MutualTlsMode::Strict);
    }
    match mtls?.mode {
        Some(At { value: istio::MutualTlsMode::Disable, .. }) => Some(MutualTlsMode::Off),
        Some(At { value: istio::MutualTlsMode::Permissive, .. }) => Some(MutualTlsMode::Permissive),
        Some(At { value: istio::MutualTlsMode::Strict, .. }) => Some(MutualTlsMode::Strict),
        Some(At { value: istio::MutualTlsMode::Unset, .. }) | None => None,
    }
}

fn ports(cx: &Context<'_>, object: &Object<PeerAuthentication>) -> BTreeMap<u16, (Option<MutualTlsMode>, Origin)> {
    let read = object.spec.port_level_mtls.iter().filter_map(|(port, mtls)| {
        let path = format!("spec.portLevelMtls.{}", port.as_str());
        let number = port.as_str().parse::<u16>().ok().filter(|number| *number > 0)?;
        Some((number, (mode(cx, &path, Some(mtls)), cx.at(path, mtls.place))))
    });
    let mut ports: BTreeMap<u16, _> = read.collect();
    for defect in cx.flaws().iter() {
        let port = defect.path.strip_prefix("spec.portLevelMtls.").and_then(|port| port.parse::<u16>().ok());
        if let Some(port) = port.filter(|port| *port > 0) {
            let strict = || (Some(MutualTlsMode::Strict), cx.at(defect.path.as_str(), defect.place));
            ports.entry(port).or_insert_with(strict);
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{Key, Mesh, MutualTlsMode};

    fn all() -> Mesh {
        mesh(include_str!("../../../../tests/mesh/peer_authentication/all.yaml"))
    }

    fn mode(mesh: &Mesh, namespace: &str, workload: &str, port: u16) -> (MutualTlsMode, String) {
        let workload = &mesh.workloads[&Key::new(namespace, workload)];
        let (mode, policy) = mesh.mutual_tls_of(workload, port);
        (mode, policy.map_or_else(String::new, |policy| policy.origin.object.as_ref().unwrap().name.to_string()))
    }

    #[test]
    fn the_narrowest_policy_that_says_something_counts() {
        let mesh = all();
        let of = |namespace, workload, port| mode(&mesh, namespace, workload, port);
        assert_eq!(of("shop", "web", 80), (MutualTlsMode::Strict, "default".into()), "the mesh's, ns says UNSET");
        assert_eq!(of("shop", "cart", 80), (MutualTlsMode::Permissive, "cart".into()));
        assert_eq!(of("shop", "cart", 9090), (MutualTlsMode::Off, "cart".into()), "its port");
        assert_eq!(of("shop", "cart", 9091), (MutualTlsMode::Permissive, "cart".into()), "UNSET is the workload's");
        assert_eq!(
            of("old", "legacy", 80),
            (MutualTlsMode::Off, "a-first".into()),
            "by name, not by place in the file"
        );
    }

    #[test]
    fn what_cannot_be_read_is_strict() {
        let mesh = all();
        let of = |port| mode(&mesh, "broken", "app", port).0;
        assert_eq!((of(80), of(81), of(82)), (MutualTlsMode::Strict, MutualTlsMode::Strict, MutualTlsMode::Off));
        assert!(mesh.losses.iter().any(|loss| loss.reason.contains("STRCT")), "{:?}", mesh.losses);
    }

    #[test]
    fn ports_without_a_selector_and_selectors_of_the_root_are_told_and_left_out() {
        let mesh = all();
        assert_eq!(mode(&mesh, "unselected", "app", 80).0, MutualTlsMode::Permissive, "not the port's DISABLE");
        let fields: Vec<&str> = mesh.losses.iter().map(|loss| &*loss.origin.field).collect();
        assert!(fields.contains(&"spec.portLevelMtls") && fields.contains(&"spec.selector"), "{fields:?}");
    }
}
