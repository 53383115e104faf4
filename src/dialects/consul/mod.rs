//! Consul's kinds. Lowered: ServiceIntentions.

use std::sync::Arc;

use super::lower::{Dialect, Input, Tree, full_name, text, trees};
use crate::ir::{
    Attribute, AuthzPolicy, AuthzRule, Builder, Clause, Key, Loss, LossKind, Name, Scope, Stage, TextMatch, TextTest,
    ValueMatch,
};
use crate::manifests::tree::Node;

/// API group.
pub const GROUP: &str = "consul.hashicorp.com";

/// Consul on Kubernetes.
pub struct Consul;

impl Dialect for Consul {
    fn name(&self) -> &'static str {
        "Consul"
    }

    /// Intentions in their precedence: exact destinations before `*`, then exact sources before `*`.
    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        let domain = mesh.mesh.settings.domain.clone();
        let mut found: Vec<(bool, AuthzPolicy)> = Vec::new();
        for tree in trees(input, GROUP, "ServiceIntentions") {
            let destination = tree.spec.path(&["destination", "name"]).and_then(Node::as_str).unwrap_or_default();
            let scope = match destination {
                "*" => Scope::Mesh,
                name => Scope::Service(Key::new(tree.namespace(), full_name(name, tree.namespace(), &domain)), None),
            };
            let rules = rules(input, &tree, &mut mesh.mesh.losses);
            let policy = AuthzPolicy {
                origin: tree.origin.clone(),
                scope,
                port: None,
                stage: Stage::FirstMatch,
                rules,
                dry_run: false,
            };
            found.push((destination == "*", policy));
        }
        found.sort_by_key(|(wide, _)| *wide);
        mesh.mesh.authz.extend(found.into_iter().map(|(_, policy)| Arc::new(policy)));
    }
}

fn rules(input: &Input<'_>, tree: &Tree<'_>, losses: &mut Vec<Loss>) -> Vec<AuthzRule> {
    let sources = tree.spec.get("sources").map(Node::items).unwrap_or_default().iter().enumerate();
    let mut rules: Vec<(bool, AuthzRule)> =
        sources.filter_map(|(at, source)| rule(input, tree, at, source, losses)).collect();
    rules.sort_by_key(|(wide, _)| *wide);
    rules.into_iter().map(|(_, rule)| rule).collect()
}

/// The rule of a source, and whether it is one for all. Only a plain `allow` of a service by its name lets it pass.
fn rule(
    input: &Input<'_>,
    tree: &Tree<'_>,
    at: usize,
    source: &Node,
    losses: &mut Vec<Loss>,
) -> Option<(bool, AuthzRule)> {
    let path = format!("spec.sources[{at}]");
    let name = text(source, "name");
    let action = text(source, "action");
    let beyond = ["peer", "partition", "samenessGroup"].iter().any(|key| !text(source, key).is_empty());
    let plain = !beyond && source.get("permissions").is_none() && !name.is_empty();
    let allow = action == "allow" && plain;
    if !plain || !matches!(action, "allow" | "deny") {
        let reason = "only the name and the action of a source are known here; it is not allowed to call";
        losses.push(tree.loss(input, &path, source, LossKind::Refused, reason));
    }
    let origin = tree.at(input, path, source);
    if beyond && action == "allow" {
        // Who it is cannot be told: a refusal of the name would be for somebody else.
        return None;
    }
    let wide = beyond || matches!(name, "*" | "");
    let namespace = Some(text(source, "namespace")).filter(|own| !own.is_empty()).unwrap_or(tree.namespace());
    let account: Name = format!("{namespace}/{name}").into();
    let clause = Clause {
        origin: origin.clone(),
        attribute: Attribute::ServiceAccount,
        values: vec![ValueMatch::Text(TextMatch::of(TextTest::Exact(account)))],
        not: Vec::new(),
    };
    let from = if wide { Vec::new() } else { vec![vec![clause]] };
    Some((wide, AuthzRule { origin, allow, from, to: Vec::new(), when: Vec::new() }))
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{Key, Scope};

    #[test]
    fn intentions_are_tried_by_their_precedence() {
        let mesh = mesh(include_str!("../../../tests/mesh/consul/intentions.yaml"));
        let scopes: Vec<_> = mesh.authz.iter().map(|policy| policy.scope.clone()).collect();
        assert_eq!(scopes, [Scope::Service(Key::new("default", "web.default.svc.cluster.local"), None), Scope::Mesh]);
        let web = &mesh.authz[0].rules;
        let all: Vec<_> = web.iter().map(|rule| (rule.allow, rule.from.is_empty())).collect();
        assert_eq!(all, [(true, false), (false, false), (false, true)], "named ones first: {web:?}");
        assert_eq!(mesh.losses.len(), 2, "{:?}", mesh.losses);
    }
}
