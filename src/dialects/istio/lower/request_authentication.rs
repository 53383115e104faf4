//! RequestAuthentication: which tokens servers accept.
//!
//! An issuer whose rule is broken gets an empty set of keys: no token of it is accepted, and a demand for one stays.

use std::sync::Arc;

use super::context::Context;
use super::scope::{Attached, in_order};
use super::traffic::period;
use crate::dialects::istio::types::{self as istio, JwtPresence};
use crate::dialects::lower::Input;
use crate::ir::{Builder, JwtKeys, JwtPolicy, JwtRule, Loss, LossKind, Name};
use crate::manifests::source::Place;
use crate::schema::{List, Text, values::text_or_empty};

/// A set without keys.
const NO_KEYS: &str = r#"{"keys":[]}"#;

/// Every RequestAuthentication, one for each of its targets.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let (domain, root) = (mesh.mesh.settings.domain.clone(), mesh.mesh.settings.root_namespace.clone());
    for object in in_order(&input.model.request_authentications) {
        let cx = Context::new(input, &object.meta, &domain);
        let mut losses = cx.refusals("no token of a broken rule is accepted");
        let spec = &object.spec;
        let attached = Attached::policy(spec.selector.as_ref(), spec.target_ref.as_ref(), &spec.target_refs);
        let scopes = attached.scopes(&cx, &root, &mut losses);
        let rules = spec.jwt_rules.iter().enumerate();
        let rules: Vec<JwtRule> =
            rules.map(|(at, rule)| of(&cx, &format!("spec.jwtRules[{at}]"), rule, &mut losses)).collect();
        let origin = cx.at("", Place::default());
        let policies =
            scopes.into_iter().map(|scope| JwtPolicy { origin: origin.clone(), scope, rules: rules.clone() });
        mesh.mesh.jwt.extend(policies.map(Arc::new));
        mesh.mesh.losses.extend(losses);
    }
}

fn of(cx: &Context<'_>, path: &str, rule: &istio::JwtRule, losses: &mut Vec<Loss>) -> JwtRule {
    let flag = |flag: &Option<crate::schema::At<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
    let headers = rule.from_headers.iter().map(|header| (name(header.name.as_ref()), name(header.prefix.as_ref())));
    let claims = rule.output_claim_to_headers.iter();
    JwtRule {
        origin: cx.at(path, rule.place),
        issuer: name(rule.issuer.as_ref()),
        audiences: names(&rule.audiences),
        keys: keys(cx, path, rule, losses),
        headers: headers.filter(|(name, _)| !name.is_empty()).collect(),
        params: names(&rule.from_params),
        cookies: names(&rule.from_cookies),
        forward: flag(&rule.forward_original_token),
        payload_header: rule.output_payload_to_header.as_ref().map(|header| header.as_str().into()),
        claim_headers: claims.map(|entry| (name(entry.header.as_ref()), name(entry.claim.as_ref()))).collect(),
        spaced_claims: names(&rule.space_delimited_claims),
        timeout: period(rule.timeout.as_ref()),
        required: rule.presence.as_ref().is_some_and(|presence| presence.value == JwtPresence::Required),
    }
}

fn keys(cx: &Context<'_>, path: &str, rule: &istio::JwtRule, losses: &mut Vec<Loss>) -> JwtKeys {
    let none = || JwtKeys::Inline(NO_KEYS.into());
    if cx.flaws().any(Some(rule.place)) {
        return none();
    }
    let mut refuse = |reason: &'static str, place: Place| {
        losses.push(cx.loss(path, place, LossKind::Refused, reason));
        none()
    };
    if text_or_empty(rule.issuer.as_ref()).is_empty() {
        return refuse("a rule needs an issuer; no token of it is accepted", rule.place);
    }
    match (&rule.jwks, rule.jwks_uri()) {
        (Some(set), _) if !is_key_set(set.as_str()) => {
            refuse("`jwks` is not a set of keys in JSON; no token of it is accepted", set.place)
        }
        (Some(set), _) => JwtKeys::Inline(set.as_str().into()),
        (None, Some(uri)) => JwtKeys::Uri(uri.as_str().into()),
        (None, None) => JwtKeys::Discover,
    }
}

fn is_key_set(text: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(text)
        .is_ok_and(|set| set.get("keys").is_some_and(serde_json::Value::is_array))
}

fn name(text: Option<&Text>) -> Name {
    text_or_empty(text).into()
}

fn names(list: &List<Text>) -> Vec<Name> {
    list.iter().map(|text| text.as_str().into()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::NO_KEYS;
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{JwtKeys, Predicate, Scope};

    #[test]
    fn all_fields_come_over() {
        let mesh = mesh(include_str!("../../../../tests/mesh/request_authentication/all.yaml"));
        let policy = &mesh.jwt[0];
        assert_eq!(policy.scope, Scope::Workloads("shop".into(), Predicate::labels([("app", "web")])));
        let rule = &policy.rules[0];
        assert_eq!((&*rule.issuer, rule.audiences.len()), ("https://issuer.example", 2));
        assert_eq!(rule.keys, JwtKeys::Uri("https://issuer.example/keys".into()));
        assert_eq!(rule.headers, [("x-token".into(), "Token ".into())]);
        assert_eq!((rule.params.len(), rule.cookies.len(), rule.forward), (1, 1, true));
        assert_eq!(rule.payload_header.as_deref(), Some("x-payload"));
        assert_eq!(rule.claim_headers, [("x-sub".into(), "sub".into())]);
        assert_eq!((rule.timeout, rule.required), (Some(Duration::from_secs(3)), true));
        assert_eq!(policy.rules[1].keys, JwtKeys::Discover);
        assert!(matches!(&policy.rules[2].keys, JwtKeys::Inline(set) if set.contains("kty")));
        assert_eq!(mesh.jwt[1].scope, Scope::Mesh);
    }

    #[test]
    fn broken_rules_accept_no_token() {
        let mesh = mesh(include_str!("../../../../tests/mesh/request_authentication/all.yaml"));
        let broken = mesh.jwt.last().unwrap();
        assert_eq!(broken.rules.len(), 4);
        assert!(broken.rules.iter().all(|rule| rule.keys == JwtKeys::Inline(NO_KEYS.into())), "{broken:?}");
        assert!(broken.rules[0].required, "the demand stays");
        assert!(mesh.losses.len() >= 4, "{:?}", mesh.losses);
    }
}
