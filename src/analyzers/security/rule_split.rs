//! A rule that a `-` too many splits in two (IST9101).

use embedded_proxy::matching::Pattern;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{AuthorizationAction, AuthorizationPolicy, AuthorizationRule};
use crate::dialects::object::Object;
use crate::schema::{List, Text};

declare_code! {
    /// A rule that a `-` too many splits in two
    ///
    /// ## Why
    ///
    /// Rules of a policy are alternatives; within a rule `from`, `to` and `when` must all fit. One `-` before `to` makes a
    /// second rule: now every workload may use the operations, and the senders may do anything.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: orders
    /// spec:
    ///   rules:
    ///   - from:
    ///     - source:
    ///         principals: [cluster.local/ns/shop/sa/web]
    ///   - to: # a rule of its own: anybody may read orders
    ///     - operation:
    ///         methods: [GET]
    ///         paths: [/orders/*]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: security.istio.io/v1
    /// kind: AuthorizationPolicy
    /// metadata:
    ///   name: orders
    /// spec:
    ///   rules:
    ///   - from:
    ///     - source:
    ///         principals: [cluster.local/ns/shop/sa/web]
    ///     to:
    ///     - operation:
    ///         methods: [GET]
    ///         paths: [/orders/*]
    /// ```
    ///
    /// ## Fix
    ///
    /// Remove the `-` before `to`. If the operations really are open to everybody, put them into a policy of their own whose
    /// name says so.
    pub RULE_SPLIT = "IST9101", "RuleSplitWidensPolicy", Error
}

/// Reports ALLOW policies of one rule with senders only and one with operations only.
pub static ANALYZER: Analyzer = Analyzer {
    name: "security.RuleSplit",
    summary: "Senders and operations of an ALLOW policy stand in one rule",
    codes: &[&RULE_SPLIT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for policy in &cx.authorization_policies {
        if policy.spec.action() != AuthorizationAction::Allow {
            continue;
        }
        // More rules, or another order, look like a list of alternatives that is meant.
        if let [senders, operations] = &policy.spec.rules[..]
            && only_senders(senders)
            && only_operations(operations)
            && !is_public(operations)
        {
            report(policy, senders, operations, sink);
        }
    }
}

fn only_senders(rule: &AuthorizationRule) -> bool {
    let identified = rule.from.iter().filter_map(|from| from.source.as_ref()).any(|source| {
        !source.principals.is_empty()
            || !source.namespaces.is_empty()
            || !source.service_accounts.is_empty()
            || !source.trust_domains.is_empty()
    });
    identified && !rule.to.is_set() && !rule.when.is_set()
}

fn only_operations(rule: &AuthorizationRule) -> bool {
    let named = rule.to.iter().filter_map(|to| to.operation.as_ref());
    !rule.from.is_set()
        && !rule.when.is_set()
        && named.into_iter().any(|operation| !operation.methods.is_empty() || !operation.paths.is_empty())
}

/// Paths that people open to everybody on purpose.
const PUBLIC: [&str; 18] = [
    "health",
    "ready",
    "live",
    "ping",
    "metrics",
    "stats",
    "status",
    "public",
    "static",
    "assets",
    "favicon",
    "well-known",
    "login",
    "oauth",
    "version",
    "robots",
    "probe",
    "docs",
];

fn is_public(rule: &AuthorizationRule) -> bool {
    let public = |path: &Text| PUBLIC.iter().any(|word| path.to_ascii_lowercase().contains(word));
    rule.to.iter().filter_map(|to| to.operation.as_ref()).all(|operation| {
        !operation.paths.is_empty() && operation.paths.iter().all(|path| public(path) || path.as_str() == "/")
    })
}

fn report(
    policy: &Object<AuthorizationPolicy>,
    senders: &AuthorizationRule,
    operations: &AuthorizationRule,
    sink: &mut Sink,
) {
    let request = request(operations);
    let who =
        senders.from.iter().filter_map(|from| from.source.as_ref()).find_map(|source| {
            source.principals.first().or(source.service_accounts.first()).or(source.namespaces.first())
        });
    let who = who.map_or("the senders", |who| who.as_str());
    let to = operations.to.place.map_or(operations.place.span(), |place| place.key_span("to"));
    let from = senders.from.place.map_or(senders.place.span(), |place| place.key_span("from"));
    sink.report(
        &RULE_SPLIT,
        &policy.meta,
        to,
        format!("`{request}` from any workload passes: this is a rule of its own, and {who} may send anything."),
    )
    .label("begins a second rule, without senders")
    .help("remove the `-` before `to`, so that one rule has senders and operations")
    .related(policy.meta.file, from, "the rule with the senders, for all operations");
}

/// A request that the operations admit: `GET /api/x`.
fn request(rule: &AuthorizationRule) -> String {
    let operation = rule.to.iter().find_map(|to| to.operation.as_ref());
    let method = operation.and_then(|o| first(&o.methods)).filter(|method| *method != "*").unwrap_or("GET");
    let path = operation.and_then(|o| first(&o.paths)).map_or_else(|| "/".to_owned(), example);
    format!("{method} {path}")
}

fn first(list: &List<Text>) -> Option<&str> {
    list.items.first().map(Text::as_str)
}

/// A path that a pattern matches.
fn example(pattern: &str) -> String {
    let path = Pattern::new(&pattern.replace("{**}", "x").replace("{*}", "x")).witness();
    if path.starts_with('/') { path } else { format!("/{path}") }
}

#[cfg(test)]
mod tests {
    use super::example;

    #[test]
    fn patterns_become_requests() {
        for (pattern, path) in [("/api/*", "/api/x"), ("*.json", "/x.json"), ("/a/{*}/{**}", "/a/x/x"), ("/", "/")] {
            assert_eq!(example(pattern), path);
        }
    }
}
