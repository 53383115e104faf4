//! DOC0019: scripts create nothing in App Mesh by hand.

use super::invocation::calls;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// App Mesh takes no new customers
    ///
    /// ## Why
    ///
    /// The last day of App Mesh is 2026-09-30, and accounts that never used it can create no mesh. With the controller, a Mesh
    /// manifest creates the mesh anyway; made by hand as well, it belongs to two owners.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// aws appmesh create-mesh --mesh-name my-mesh
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// kubectl apply -f mesh.yaml
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave the command to the controller, and plan the move to another mesh.
    pub APPMESH_CLOSED = "DOC0019", "AppMeshClosed", Warning
}

/// Reports app Mesh takes no new customers.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.AppMeshClosed",
    summary: "Scripts create nothing in App Mesh by hand",
    codes: &[&APPMESH_CLOSED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // Large inputs without scripts are common: their objects need not be looked at.
    if cx.scripts.is_empty() {
        return;
    }
    let has_mesh = cx.metas().any(|meta| meta.group == GROUP && meta.kind == "Mesh")
        || cx.untyped.iter().any(|o| o.kind.as_str() == "Mesh" && o.api_version.as_str().starts_with(GROUP));
    for call in calls(cx) {
        let Some(action) = call.positional.get(1).filter(|_| call.is("aws", &["appmesh"])) else { continue };
        if action.text.starts_with("create-") {
            let twice = if has_mesh { ", and a Mesh manifest of this input creates the mesh as well" } else { "" };
            let message = format!("App Mesh takes no new customers and its last day is 2026-09-30{twice}.");
            sink.report_at(&APPMESH_CLOSED, call.file(), call.path_span(2), message)
                .label("fails for accounts that never used it")
                .help("Leave it to the controller, and plan the move to another mesh.");
        }
    }
}

const GROUP: &str = "appmesh.k8s.aws";
