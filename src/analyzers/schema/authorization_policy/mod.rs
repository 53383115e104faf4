//! Validation of AuthorizationPolicies (rules 6 and 58 to 65): the action and what it needs; the files beside hold the
//! parts of the rules.

mod conditions;
mod http_only;
mod operations;
mod sources;

use super::shared::{Report, selectors};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{AuthorizationAction, AuthorizationPolicy};
use crate::dialects::object::Object;
use crate::schema::{At, List, Text};

/// Validates every AuthorizationPolicy.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.AuthorizationPolicy",
    summary: "Values of AuthorizationPolicies that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

const DRY_RUN: &str = "istio.io/dry-run";

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.authorization_policies {
        validate(object, &mut Report::new(&object.meta, sink));
    }
}

fn validate(object: &Object<AuthorizationPolicy>, report: &mut Report<'_>) {
    let spec = &object.spec;
    let what = "the AuthorizationPolicy";
    selectors::policy_target(report, spec.selector.as_ref(), spec.target_ref.as_ref(), &spec.target_refs, what);
    action(object, report);
    dry_run(object, report);
    let custom = spec.action() == AuthorizationAction::Custom;
    for rule in &spec.rules {
        not_empty_list(report, &rule.from, "from");
        not_empty_list(report, &rule.to, "to");
        for from in &rule.from {
            sources::check(report, from, custom);
        }
        for to in &rule.to {
            operations::check(report, to);
        }
        for condition in &rule.when {
            conditions::check(report, condition, custom);
        }
    }
    if spec.action() == AuthorizationAction::Deny {
        http_only::check(report, &spec.rules);
    }
}

/// Rule 58: which actions need rules and a provider.
fn action(object: &Object<AuthorizationPolicy>, report: &mut Report<'_>) {
    let spec = &object.spec;
    let action = spec.action();
    let span = spec.action.as_ref().map_or_else(|| object.meta.name_span(), At::span);
    let needs_rules = matches!(action, AuthorizationAction::Deny | AuthorizationAction::Custom);
    if needs_rules && !spec.rules.is_set() {
        report
            .error(span, format!("a {} policy without `rules` matches no request and has no effect", action.word()))
            .help("add rules; `rules: [{}]` matches every request");
    }
    let has_provider = spec.provider.as_ref().and_then(|p| p.name.as_ref()).is_some_and(|name| !name.is_empty());
    if action == AuthorizationAction::Custom && !has_provider {
        report
            .error(span, "a CUSTOM policy needs a `provider` with a name")
            .help("name an external authorizer of the mesh configuration's extensionProviders");
    }
    if let Some(provider) = spec.provider.as_ref().filter(|_| action != AuthorizationAction::Custom) {
        report
            .error(
                provider.place.entry(),
                format!("`provider` works only with CUSTOM, and the action is {}", action.word()),
            )
            .help("set `action: CUSTOM`, or leave the provider out");
    }
}

/// Rule 6: a dry run shows what ALLOW and DENY would do, and the annotation's value is a boolean.
fn dry_run(object: &Object<AuthorizationPolicy>, report: &mut Report<'_>) {
    let Some((key, value)) = object.meta.annotations.entry(DRY_RUN) else { return };
    let is_bool = matches!(
        value.as_str(),
        "1" | "t" | "T" | "TRUE" | "true" | "True" | "0" | "f" | "F" | "FALSE" | "false" | "False"
    );
    if !is_bool {
        report.error(value.span(), format!("the annotation {DRY_RUN} must be a boolean, not {:?}", value.as_str()));
    }
    let action = object.spec.action();
    if !matches!(action, AuthorizationAction::Allow | AuthorizationAction::Deny) {
        report.error(key.span(), format!("a dry run works for ALLOW and DENY, and the action is {}", action.word()));
    }
}

/// Rule 60: a list that is there and empty matches nothing that its author had in mind.
fn not_empty_list<T>(report: &mut Report<'_>, list: &List<T>, name: &str) {
    if let Some(place) = list.place.filter(|_| list.items.is_empty()) {
        // A list whose items could not be read has a defect of its own.
        if place.span().len() <= 2 {
            report
                .error(place.entry(), format!("`{name}` must not be empty"))
                .help(format!("leave out `{name}` to match all"));
        }
    }
}

/// Rule 60: no value of a list is empty.
fn no_empty_value(report: &mut Report<'_>, list: &List<Text>, name: &str) {
    for value in list.iter().filter(|value| value.is_empty()) {
        report.error(value.span(), format!("`{name}` must not hold an empty value"));
    }
}
