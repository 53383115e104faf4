//! What decides: a list of policies, or a tree of matchers that ends in actions.

use super::{Action, Decision, Facts, Rules};
use crate::matching::tree::{Level, MatchTree};
use crate::proto::Reader;

/// What a tree ends in: `envoy.config.rbac.v3.Action`.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    name: String,
    action: Action,
}

/// Policies or a tree.
#[derive(Debug, Clone, PartialEq)]
pub enum Engine {
    /// Policies.
    Rules(Rules),
    /// A tree. What it does not lead to an action is denied.
    Tree {
        /// The tree.
        tree: MatchTree<Verdict>,
        /// One of its actions marks requests for the access log.
        logs: bool,
    },
}

impl Engine {
    /// Reads the one of the two fields that is set; the tree counts when both are, as in Envoy. The outer none: a defect
    /// was noted; the inner one: neither is set, and everything may pass.
    #[allow(clippy::option_option)] // Two different nones.
    pub fn read(reader: &Reader<'_>, rules: &str, matcher: &str, level: Level) -> Option<Option<Self>> {
        if let Some(tree) = reader.message(matcher) {
            if reader.has(rules) {
                tracing::warn!(path = reader.at(rules), "the rules are ignored: the matcher beside them counts");
                reader.ignore(&[rules]);
            }
            let tree = MatchTree::read(&tree, level, read_action)?;
            let logs = tree.actions().iter().any(|verdict| verdict.action == Action::Log);
            return Some(Some(Self::Tree { tree, logs }));
        }
        match reader.message(rules) {
            Some(rules) => Some(Some(Self::Rules(Rules::read(&rules)?))),
            None => Some(None),
        }
    }

    /// Decides.
    pub fn check(&self, facts: &Facts<'_>) -> Decision<'_> {
        match self {
            Self::Rules(rules) => rules.check(facts),
            Self::Tree { tree, logs } => match tree.find(facts) {
                Some(verdict) => Decision {
                    allowed: verdict.action != Action::Deny,
                    policy: Some(&verdict.name),
                    log: logs.then_some(verdict.action == Action::Log),
                },
                None => Decision { allowed: false, policy: None, log: None },
            },
        }
    }

    /// Names of the policies or actions, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = match self {
            Self::Rules(rules) => rules.policies.iter().map(|policy| policy.name.as_str()).collect(),
            Self::Tree { tree, .. } => tree.actions().iter().map(|verdict| verdict.name.as_str()).collect(),
        };
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn read_action(kind: &str, reader: &Reader<'_>) -> Option<Verdict> {
    if kind != "envoy.config.rbac.v3.Action" {
        reader.ignore_all();
        reader.defect("", format!("the proxy does not have the action {kind}"));
        return None;
    }
    Some(Verdict { name: reader.need_text("name")?, action: Action::read(reader) })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;

    fn action(name: &str, word: &str) -> Value {
        json!({ "action": { "name": "a", "typed_config": {
            "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": name, "action": word } } })
    }

    fn tree(map: &Value) -> Value {
        let input = json!({ "name": "i", "typed_config": {
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": "x-team" } });
        json!({ "matcher": { "matcher_tree": { "input": input, "exact_match_map": { "map": map } } } })
    }

    fn read(config: &Value) -> Result<Option<Engine>, String> {
        let kind = "envoy.extensions.filters.http.rbac.v3.RBAC";
        testing::message(kind, config, |reader| Engine::read(reader, "rules", "matcher", Level::Request))
            .map_err(|defects| defects[0].to_string())
    }

    #[test]
    fn a_tree_ends_in_an_action_and_denies_the_rest() {
        let config =
            tree(&json!({ "blue": action("b", "ALLOW"), "red": action("r", "DENY"), "grey": action("g", "LOG") }));
        let engine = read(&config).unwrap().unwrap();
        assert_eq!(engine.names(), ["b", "g", "r"]);
        let decides = |team: &str| {
            let exchange = testing::exchange("GET", "/", &[("x-team", team)]);
            let decision = engine.check(&Facts::of_exchange(&exchange));
            (decision.allowed, decision.policy.map(str::to_string), decision.log)
        };
        assert_eq!(decides("blue"), (true, Some("b".into()), Some(false)));
        assert_eq!(decides("red"), (false, Some("r".into()), Some(false)));
        assert_eq!(decides("grey"), (true, Some("g".into()), Some(true)));
        assert_eq!(decides("none"), (false, None, None));
    }

    #[test]
    fn other_actions_are_refused_and_the_tree_stands_above_rules() {
        let wrong = json!({ "x": { "action": { "name": "a", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.sni_cluster.v3.SniCluster" } } } });
        assert!(read(&tree(&wrong)).unwrap_err().contains("does not have the action"));
        let mut both = tree(&json!({ "blue": action("b", "ALLOW") }));
        both["rules"] = json!({});
        assert!(matches!(read(&both), Ok(Some(Engine::Tree { .. }))));
        assert_eq!(read(&json!({})), Ok(None));
    }
}
