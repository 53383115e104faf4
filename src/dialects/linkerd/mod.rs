//! Linkerd's kinds. Lowered: Server, for what happens on a port that nothing authorizes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lower::{Dialect, Input, Tree, text, trees};
use crate::ir::{
    Attribute, AuthzPolicy, AuthzRule, Builder, Clause, LossKind, Mesh, Predicate, Scope, Stage, TextMatch, TextTest,
    ValueMatch,
};
use crate::manifests::tree::{Node, Value};

/// API group.
pub const GROUP: &str = "policy.linkerd.io";

/// Linkerd.
pub struct Linkerd;

impl Dialect for Linkerd {
    fn name(&self) -> &'static str {
        "Linkerd"
    }

    /// A port with a Server refuses everybody whom its access policy does not name.
    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        for tree in trees(input, GROUP, "Server") {
            let labels = tree.spec.path(&["podSelector", "matchLabels"]).map(Node::entries).unwrap_or_default();
            let read: Vec<_> = labels.iter().filter_map(|label| Some((&*label.key, label.node.as_str()?))).collect();
            let whole = read.len() == labels.len() && tree.spec.get("podSelector").is_some_and(is_plain);
            let scope = Scope::Workloads(tree.namespace().into(), Predicate::labels(read));
            let ports = ports(&tree, &scope, &mesh.mesh);
            if !whole {
                let reason =
                    "the selector has more than labels; the server is that of more workloads, and lets nothing pass";
                mesh.mesh.losses.push(tree.loss(input, "spec.podSelector", tree.spec, LossKind::Refused, reason));
            }
            let rules = if whole { rules(input, &tree) } else { Vec::new() };
            let policies = ports.into_iter().map(|port| AuthzPolicy {
                origin: tree.origin.clone(),
                scope: scope.clone(),
                port,
                stage: Stage::Allow,
                rules: rules.clone(),
                dry_run: false,
            });
            mesh.mesh.authz.extend(policies.map(Arc::new));
        }
    }
}

/// True for a selector that has nothing but labels.
fn is_plain(selector: &Node) -> bool {
    let labels = |key: &str| key == "matchLabels";
    matches!(selector.value, Value::Map(_)) && selector.entries().iter().all(|entry| labels(&entry.key))
}

/// A number, or a name of the workloads' ports. All ports when it is neither: that refuses more.
fn ports(tree: &Tree<'_>, scope: &Scope, mesh: &Mesh) -> BTreeSet<Option<u16>> {
    let Some(node) = tree.spec.get("port") else { return BTreeSet::from([None]) };
    if let Some(name) = node.as_str() {
        let workloads = mesh.workloads.values().filter(|workload| scope.includes(workload));
        let ports = workloads.flat_map(|workload| &workload.ports).filter(|port| &*port.name == name);
        return ports.map(|port| Some(port.number)).collect();
    }
    BTreeSet::from([node.as_int().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)])
}

fn rules(input: &Input<'_>, tree: &Tree<'_>) -> Vec<AuthzRule> {
    let from = match text(tree.spec, "accessPolicy") {
        "all-unauthenticated" | "audit" => Vec::new(),
        "all-authenticated" | "cluster-authenticated" => {
            let any = ValueMatch::Text(TextMatch::of(TextTest::Present));
            let origin = tree.at(input, "spec.accessPolicy", tree.spec);
            vec![vec![Clause { origin, attribute: Attribute::Principal, values: vec![any], not: Vec::new() }]]
        }
        _ => return Vec::new(),
    };
    vec![AuthzRule { origin: tree.origin.clone(), allow: true, from, to: Vec::new(), when: Vec::new() }]
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;

    #[test]
    fn servers_refuse_whom_nothing_names() {
        let mesh = mesh(include_str!("../../../tests/mesh/linkerd/servers.yaml"));
        let all: Vec<_> = mesh
            .authz
            .iter()
            .map(|policy| {
                (policy.port, policy.rules.len(), policy.rules.first().is_some_and(|rule| rule.from.is_empty()))
            })
            .collect();
        assert_eq!(
            all,
            [
                (None, 0, false),
                (Some(8080), 0, false),
                (Some(9090), 1, false),
                (Some(9091), 1, true),
                (Some(9092), 0, false)
            ]
        );
    }
}
