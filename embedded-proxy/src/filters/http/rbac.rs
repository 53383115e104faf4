//! `envoy.filters.http.rbac`: requests that the policies do not allow are answered with 403.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};

use super::{HttpFilter, PerRoute, Step, Verdict, metadata};
use crate::http::Reply;
use crate::matching::tree::Level;
use crate::proto::Reader;
use crate::rbac::{Decision, Engine, Facts};
use crate::services::Build;
use crate::stream::Exchange;
use crate::telemetry::stats::{Counter, Scope};

/// Namespace of the dynamic metadata.
const NAMESPACE: &str = "envoy.filters.http.rbac";

/// Rules to enforce and rules to try out. Without rules everything may pass.
#[derive(Debug, Default)]
struct Policies {
    rules: Option<Engine>,
    shadow: Option<Engine>,
    /// `rules_stat_prefix`, which stands before the metadata keys too.
    prefix: String,
    /// `shadow_rules_stat_prefix`.
    shadow_prefix: String,
    per_rule: bool,
}

impl Policies {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let rules = Engine::read(reader, "rules", "matcher", Level::Request);
        let shadow = Engine::read(reader, "shadow_rules", "shadow_matcher", Level::Request);
        Some(Self {
            rules: rules?,
            shadow: shadow?,
            prefix: reader.text("rules_stat_prefix"),
            shadow_prefix: reader.text("shadow_rules_stat_prefix"),
            per_rule: reader.flag("track_per_rule_stats"),
        })
    }
}

/// Counters of one set of rules, with one pair a policy when the configuration asks for them.
#[derive(Debug)]
struct Counts {
    allowed: Arc<Counter>,
    denied: Arc<Counter>,
    policies: BTreeMap<String, (Arc<Counter>, Arc<Counter>)>,
}

impl Counts {
    fn new(scope: &Scope, word: &str, rules: Option<&Engine>, per_rule: bool) -> Self {
        let (allowed, denied) = (format!("{word}allowed"), format!("{word}denied"));
        let names = rules.filter(|_| per_rule).into_iter().flat_map(Engine::names);
        let policies = names.map(|name| {
            let scope = scope.sub("policy").sub(name);
            (name.to_string(), (scope.counter(&allowed), scope.counter(&denied)))
        });
        Self { allowed: scope.counter(&allowed), denied: scope.counter(&denied), policies: policies.collect() }
    }

    fn count(&self, decision: &Decision<'_>) {
        if decision.allowed { &self.allowed } else { &self.denied }.inc();
        if let Some((allowed, denied)) = decision.policy.and_then(|policy| self.policies.get(policy)) {
            if decision.allowed { allowed } else { denied }.inc();
        }
    }
}

#[derive(Debug)]
struct Rbac {
    name: Arc<str>,
    policies: Policies,
    counts: Counts,
    shadow_counts: Counts,
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let policies = Policies::read(reader)?;
    let scope = |prefix: &str| {
        let scope = build.scope.sub("rbac");
        // A prefix that ends with a dot has it once.
        if prefix.is_empty() { scope } else { scope.sub(prefix.strip_suffix('.').unwrap_or(prefix)) }
    };
    let counts = Counts::new(&scope(&policies.prefix), "", policies.rules.as_ref(), policies.per_rule);
    let shadow = policies.shadow.as_ref();
    let shadow_counts = Counts::new(&scope(&policies.shadow_prefix), "shadow_", shadow, policies.per_rule);
    Some(Arc::new(Rbac { name: name.clone(), policies, counts, shadow_counts }))
}

/// Reads `RBACPerRoute`; without `rbac` the route has no rules, and everything may pass.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    let policies = match reader.message("rbac") {
        Some(rbac) => Policies::read(&rbac)?,
        None => Policies::default(),
    };
    Some(Arc::new(policies))
}

impl Rbac {
    fn policies<'e>(&'e self, exchange: &'e Exchange) -> &'e Policies {
        let route = exchange.route.as_ref().and_then(|hit| hit.per_route::<Policies>(&self.name));
        route.unwrap_or(&self.policies)
    }
}

/// The metadata a decision leaves behind.
fn trace(prefix: &str, word: &str, decision: &Decision<'_>) -> Vec<(String, Value)> {
    let result = if decision.allowed { "allowed" } else { "denied" };
    let policy = decision.policy.map(|policy| (format!("{prefix}{word}_effective_policy_id"), json!(policy)));
    policy.into_iter().chain([(format!("{prefix}{word}_engine_result"), json!(result))]).collect()
}

fn refusal(decision: &Decision<'_>) -> Reply {
    Reply::new(StatusCode::FORBIDDEN, decision.details(), "RBAC: access denied")
}

impl HttpFilter for Rbac {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let policies = self.policies(exchange);
        let facts = Facts::of_exchange(exchange);
        let mut traces = Vec::new();
        if let Some(shadow) = &policies.shadow {
            let decision = shadow.check(&facts);
            self.shadow_counts.count(&decision);
            traces = trace(&policies.shadow_prefix, "shadow", &decision);
        }
        let mut reply = None;
        let mut log = None;
        if let Some(rules) = &policies.rules {
            let decision = rules.check(&facts);
            self.counts.count(&decision);
            traces.extend(trace(&policies.prefix, "enforced", &decision));
            log = decision.log;
            reply = (!decision.allowed).then(|| refusal(&decision));
        }
        if !traces.is_empty() {
            metadata::merge(&mut exchange.info.metadata, NAMESPACE, traces);
        }
        if let Some(log) = log {
            metadata::merge(&mut exchange.info.metadata, "envoy.common", [("access_log_hint".into(), json!(log))]);
        }
        reply.map_or(Step::Next, Step::from)
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        let rules = self.policies(exchange).rules.as_ref()?;
        let decision = rules.check(&Facts::of_exchange(exchange));
        let policy = decision.policy.map(str::to_string);
        Some(if decision.allowed {
            Verdict::Pass(policy)
        } else {
            let rule = policy.unwrap_or_else(|| "no policy allows it".into());
            Verdict::Reply { reply: Box::new(refusal(&decision)), rule }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::http::testing;

    const CONFIG: &str = "envoy.extensions.filters.http.rbac.v3.RBAC";

    fn rules(action: &str, path: &str) -> Value {
        json!({ "action": action, "policies": { "by path": {
            "permissions": [{ "url_path": { "path": { "exact": path } } }], "principals": [{ "any": true }] } } })
    }

    #[tokio::test]
    async fn a_denial_says_which_policy_and_counts() {
        let build = testing::build();
        let config = json!({ "rules": rules("DENY", "/private"), "track_per_rule_stats": true });
        let filter = testing::filter_in(&build, CONFIG, &config).unwrap();
        let mut exchange = testing::exchange("GET", "/private?x", &[]);
        let reply = testing::request(&*filter, &mut exchange).await.unwrap_err();
        assert_eq!(reply.status, 403);
        assert_eq!(&reply.body[..], b"RBAC: access denied");
        assert_eq!(reply.details, "rbac_access_denied_matched_policy[by_path]");
        assert_eq!(build.scope.counter("rbac.denied").value(), 1);
        assert_eq!(build.scope.counter("rbac.policy.by path.denied").value(), 1);
        assert_eq!(
            exchange.info.metadata[NAMESPACE],
            json!({ "enforced_effective_policy_id": "by path", "enforced_engine_result": "denied" })
        );
        testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap();
        assert_eq!(build.scope.counter("rbac.allowed").value(), 1);
    }

    #[tokio::test]
    async fn nothing_allowed_is_policy_none() {
        let filter = testing::filter(CONFIG, &json!({ "rules": {} })).unwrap();
        let reply = testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap_err();
        assert_eq!(reply.details, "rbac_access_denied_matched_policy[none]");
    }

    #[tokio::test]
    async fn shadow_rules_only_leave_traces() {
        let build = testing::build();
        let config =
            json!({ "shadow_rules": rules("ALLOW", "/ok"), "shadow_rules_stat_prefix": "istio_dry_run_allow_" });
        let filter = testing::filter_in(&build, CONFIG, &config).unwrap();
        let mut exchange = testing::exchange("GET", "/no", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert_eq!(exchange.info.metadata[NAMESPACE], json!({ "istio_dry_run_allow_shadow_engine_result": "denied" }));
        assert_eq!(build.scope.counter("rbac.istio_dry_run_allow_.shadow_denied").value(), 1);
    }

    #[tokio::test]
    async fn the_verdict_is_what_the_filter_does() {
        let filter = testing::filter(CONFIG, &json!({ "rules": rules("ALLOW", "/ok") })).unwrap();
        let pass = filter.verdict(&testing::exchange("GET", "/ok", &[]));
        assert_eq!(pass, Some(Verdict::Pass(Some("by path".into()))));
        let refused = filter.verdict(&testing::exchange("GET", "/no", &[]));
        assert!(matches!(refused, Some(Verdict::Reply { rule, .. }) if rule == "no policy allows it"));
    }
}
