//! AWS App Mesh's kinds. Lowered: Mesh, for what happens to traffic to unknown addresses.

use std::sync::Arc;

use super::lower::{Dialect, Input, text, trees};
use crate::ir::{Builder, OutboundPolicy};

/// API group.
pub const GROUP: &str = "appmesh.k8s.aws";

/// AWS App Mesh.
pub struct AppMesh;

impl Dialect for AppMesh {
    fn name(&self) -> &'static str {
        "App Mesh"
    }

    /// Only a filter that says so lets traffic to unknown addresses pass.
    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        let meshes = trees(input, GROUP, "Mesh");
        let open = |node: &crate::manifests::tree::Node| {
            node.get("egressFilter").is_some_and(|filter| text(filter, "type") == "ALLOW_ALL")
        };
        if meshes.iter().any(|tree| !open(tree.spec)) {
            Arc::make_mut(&mut mesh.mesh.settings).outbound = OutboundPolicy::Deny;
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::OutboundPolicy;

    #[test]
    fn unknown_addresses_are_closed_unless_the_mesh_opens_them() {
        let of = |spec: &str| {
            let text =
                format!("apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: {{name: m}}\nspec: {spec}\n");
            mesh(&text).settings.outbound.clone()
        };
        assert_eq!(of("{egressFilter: {type: ALLOW_ALL}}"), OutboundPolicy::Allow);
        for closed in
            ["{}", "{egressFilter: {type: DROP_ALL}}", "{egressFilter: ALLOW_ALL}", "{egressFilter: {type: 5}}"]
        {
            assert_eq!(of(closed), OutboundPolicy::Deny, "{closed}");
        }
    }
}
