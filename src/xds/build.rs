//! All resources of one proxy, and what a change of the mesh makes of them.

use super::{Change, Node, NodeKind, Snapshot, View, gateway, inbound, outbound, patch};
use crate::ir::Mesh;

/// All resources of a proxy. Pure: the same mesh and node give the same bytes.
pub fn xds(mesh: &Mesh, node: &Node) -> Snapshot {
    let view = View::new(mesh, node);
    let mut out = Snapshot::default();
    for service in view.services() {
        out.own(&service.key);
        outbound::service(&view, service, &mut out);
    }
    finish(&view, &mut out);
    out
}

/// The resources of a proxy after a change: only what it touches is made again, and what comes out equal stays the same
/// `Arc`. The result is that of [`xds`].
pub fn update(mesh: &Mesh, node: &Node, old: &Snapshot, change: &Change) -> Snapshot {
    if change.all || !mesh.patches.is_empty() {
        let mut out = xds(mesh, node);
        out.reuse(old);
        return out;
    }
    let view = View::new(mesh, node);
    let mut out = old.clone();
    out.disown_shared();
    for key in &change.services {
        out.remove_owned(key);
        if let Some(service) = view.service(key) {
            out.own(key);
            outbound::service(&view, service, &mut out);
        }
    }
    for key in change.endpoints.difference(&change.services) {
        if let Some(service) = view.service(key) {
            out.own(key);
            outbound::endpoints(&view, service, &mut out);
        }
    }
    finish(&view, &mut out);
    out.reuse(old);
    out
}

/// What belongs to no single service of the outbound side.
fn finish(view: &View<'_>, out: &mut Snapshot) {
    out.share();
    match view.node.kind {
        NodeKind::Sidecar => {
            outbound::shared(view, out);
            inbound::build(view, out);
        }
        NodeKind::Gateway => gateway::build(view, out),
    }
    patch::apply(view, out);
}
