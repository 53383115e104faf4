//! The kinds of the Service Mesh Interface. Lowered: TrafficTarget with the HTTPRouteGroups that it names.

use std::sync::Arc;

use super::lower::{Dialect, Input, Tree, text, trees};
use crate::ir::{
    Attribute, AuthzPolicy, AuthzRule, Builder, Clause, Key, LossKind, Name, Origin, Scope, Stage, TextMatch, TextTest,
    ValueMatch,
};
use crate::manifests::tree::Node;

/// API group of access.
pub const ACCESS_GROUP: &str = "access.smi-spec.io";
/// API group of what access is for.
pub const SPECS_GROUP: &str = "specs.smi-spec.io";

/// The Service Mesh Interface.
pub struct Smi;

impl Dialect for Smi {
    fn name(&self) -> &'static str {
        "SMI"
    }

    /// A target lets its sources do what its rules name; everything else to the account is refused.
    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        let groups = trees(input, SPECS_GROUP, "HTTPRouteGroup");
        for tree in trees(input, ACCESS_GROUP, "TrafficTarget") {
            let Some(account) = tree.spec.get("destination").and_then(|node| account(node, tree.namespace())) else {
                let reason = "the destination must be a ServiceAccount; the target lets nothing pass";
                mesh.mesh.losses.push(tree.loss(input, "spec.destination", tree.spec, LossKind::Refused, reason));
                continue;
            };
            let to = operations(input, &tree, &groups);
            let from = senders(input, &tree);
            let rule = AuthzRule { origin: tree.origin.clone(), allow: true, from, to, when: Vec::new() };
            // Nobody, or nothing, named: an empty part of a rule would mean anybody and anything.
            let whole = !rule.from.is_empty() && !rule.to.is_empty();
            mesh.mesh.authz.push(Arc::new(AuthzPolicy {
                origin: tree.origin.clone(),
                scope: Scope::Account(account),
                port: None,
                stage: Stage::Allow,
                rules: if whole { vec![rule] } else { Vec::new() },
                dry_run: false,
            }));
        }
    }
}

fn account(node: &Node, namespace: &str) -> Option<Key> {
    let name = text(node, "name");
    let own = Some(text(node, "namespace")).filter(|own| !own.is_empty()).unwrap_or(namespace);
    (text(node, "kind") == "ServiceAccount" && !name.is_empty()).then(|| Key::new(own, name))
}

fn senders(input: &Input<'_>, tree: &Tree<'_>) -> Vec<Vec<Clause>> {
    let sources = tree.spec.get("sources").map(Node::items).unwrap_or_default().iter().enumerate();
    let known = sources.filter_map(|(at, source)| {
        let key = account(source, tree.namespace())?;
        let origin = tree.at(input, format!("spec.sources[{at}]"), source);
        Some(vec![clause(origin, Attribute::ServiceAccount, TextTest::Exact(key.to_string().into()))])
    });
    known.collect()
}

/// What the rules name: all clauses of one must hold. A rule that is not known names nothing.
fn operations(input: &Input<'_>, tree: &Tree<'_>, groups: &[Tree<'_>]) -> Vec<Vec<Clause>> {
    let mut found = Vec::new();
    for rule in tree.spec.get("rules").map(Node::items).unwrap_or_default() {
        let name = text(rule, "name");
        let wanted =
            rule.get("matches").map(|matches| matches.items().iter().filter_map(Node::as_str).collect::<Vec<_>>());
        match text(rule, "kind") {
            "TCPRoute" => found.push(Vec::new()),
            "HTTPRouteGroup" => {
                let named =
                    groups.iter().filter(|group| group.namespace() == tree.namespace() && group.meta.name() == name);
                for group in named {
                    let matches = group.spec.get("matches").map(Node::items).unwrap_or_default();
                    let own = matches
                        .iter()
                        .filter(|own| wanted.as_ref().is_none_or(|names| names.contains(&text(own, "name"))));
                    found.extend(own.filter_map(|own| of_match(input, group, own)));
                }
            }
            _ => {}
        }
    }
    found
}

/// The clauses of one match; nothing when a part of it has another form.
fn of_match(input: &Input<'_>, group: &Tree<'_>, node: &Node) -> Option<Vec<Clause>> {
    let origin = group.at(input, "spec.matches", node);
    let mut clauses = Vec::new();
    if let Some(path) = node.get("pathRegex") {
        clauses.push(clause(origin.clone(), Attribute::Path, TextTest::Regex(path.as_str()?.into())));
    }
    if let Some(methods) = node.get("methods") {
        let tests = methods.items().iter().map(|method| match method.as_str()? {
            "*" => Some(TextTest::Present),
            method => Some(TextTest::Exact(method.into())),
        });
        let tests: Vec<TextTest> = tests.collect::<Option<_>>()?;
        let values = tests.into_iter().map(|test| ValueMatch::Text(TextMatch::of(test)));
        let values: Vec<_> = values.collect();
        if values.is_empty() {
            return None;
        }
        clauses.push(Clause { origin: origin.clone(), attribute: Attribute::Method, values, not: Vec::new() });
    }
    for header in node.get("headers").map(Node::entries).unwrap_or_default() {
        let name: Name = header.key.to_ascii_lowercase().into();
        clauses.push(clause(origin.clone(), Attribute::Header(name), TextTest::Regex(header.node.as_str()?.into())));
    }
    Some(clauses)
}

fn clause(origin: Origin, attribute: Attribute, test: TextTest) -> Clause {
    Clause { origin, attribute, values: vec![ValueMatch::Text(TextMatch::of(test))], not: Vec::new() }
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{Attribute, Key, Scope};

    #[test]
    fn targets_let_accounts_do_what_they_name() {
        let mesh = mesh(include_str!("../../../tests/mesh/smi/targets.yaml"));
        let policy = &mesh.authz[1];
        assert_eq!(policy.scope, Scope::Account(Key::new("shop", "web")));
        let rule = &policy.rules[0];
        let attributes: Vec<_> = rule.to[0].iter().map(|clause| clause.attribute.clone()).collect();
        assert_eq!(attributes, [Attribute::Path, Attribute::Method]);
        assert_eq!((rule.to.len(), rule.from.len()), (1, 1));
        assert_eq!(mesh.authz[0].rules, [], "a group that does not exist lets nothing pass");
    }
}
