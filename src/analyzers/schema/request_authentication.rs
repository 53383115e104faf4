//! Validation of RequestAuthentications (rules 55 to 57): issuers and key sets.

use serde_json::Value;

use super::shared::{Report, durations, selectors};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::JwtRule;
use crate::schema::Text;

/// Validates every RequestAuthentication.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.RequestAuthentication",
    summary: "Values of RequestAuthentications that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.request_authentications {
        let spec = &object.spec;
        let mut report = Report::with_metadata(&object.meta, sink);
        let selector = spec.selector.as_ref();
        let what = "the RequestAuthentication";
        selectors::policy_target(&mut report, selector, spec.target_ref.as_ref(), &spec.target_refs, what);
        for rule in &spec.jwt_rules {
            jwt_rule(&mut report, rule);
        }
    }
}

fn jwt_rule(report: &mut Report<'_>, rule: &JwtRule) {
    if rule.issuer.is_none() && rule.jwks_uri().is_none() && rule.jwks.is_none() {
        report
            .error(rule.place.span(), "a rule for tokens needs an issuer or a key set")
            .label("neither `issuer` nor `jwksUri`")
            .help("set `issuer` to the `iss` claim of the tokens");
    }
    if let Some(jwks) = rule.jwks.as_ref().filter(|jwks| !jwks.is_empty()) {
        key_set(report, jwks);
    }
    durations::check(report, [rule.timeout.as_ref()]);
}

/// Members of a JSON web key that only the private half has (RFC 7518), and that of a shared secret.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

fn key_set(report: &mut Report<'_>, jwks: &Text) {
    let keys = serde_json::from_str::<Value>(jwks.as_str()).ok();
    let Some(keys) = keys.as_ref().and_then(|set| set.get("keys")).and_then(Value::as_array) else {
        report
            .error(jwks.span(), "`jwks` is no JSON web key set")
            .help("write `{\"keys\": [...]}` with the public keys, or use `jwksUri`");
        return;
    };
    if keys.iter().any(|key| PRIVATE.iter().any(|member| key.get(member).is_some())) {
        report
            .warning(jwks.span(), "`jwks` holds private keys: whoever reads this object can make valid tokens")
            .label("private key material")
            .help("keep only the public members, and replace these keys");
    }
}
