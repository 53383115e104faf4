//! `envoy.filters.http.jwt_authn`: requests must carry the tokens that their path asks for.

mod extract;
mod keys;
mod provider;
mod remote;
mod requirement;
mod status;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::Map;

use super::{HttpFilter, PerRoute, Step, Verdict, metadata};
use crate::http::{Reply, RequestHead};
use crate::proto::Reader;
use crate::route::{Input, RouteMatch};
use crate::services::{Build, Services};
use crate::stream::Exchange;
use crate::telemetry::stats::Counter;

use provider::{Provider, Source};
use requirement::{Check, Providers, Requirement};
use status::Status;

/// Namespace of the dynamic metadata.
const NAMESPACE: &str = "envoy.filters.http.jwt_authn";

/// Longest path in `www-authenticate`.
const LONGEST_PATH: usize = 256;

/// What a route asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Route {
    /// Nothing.
    Disabled,
    /// The requirement of that name.
    Named(String),
}

struct JwtAuthn {
    name: Arc<str>,
    services: Arc<Services>,
    providers: Providers,
    rules: Vec<(RouteMatch, Arc<Requirement>)>,
    named: BTreeMap<String, Arc<Requirement>>,
    /// Key of the filter state, and the requirement for each of its values.
    by_state: Option<(String, BTreeMap<String, Requirement>)>,
    bypass_preflight: bool,
    strip: bool,
    allowed: Arc<Counter>,
    denied: Arc<Counter>,
    bypassed: Arc<Counter>,
    cache_hit: Arc<Counter>,
    cache_miss: Arc<Counter>,
}

fn read_providers(reader: &Reader<'_>, build: &Build) -> Option<Providers> {
    let read = |(name, provider): (String, Reader<'_>)| {
        let scope = scope(reader, build);
        Some((name.clone(), Arc::new(Provider::read(&name, &provider, build, &scope)?)))
    };
    let all: Vec<Option<_>> = reader.map("providers").into_iter().map(read).collect();
    all.into_iter().collect()
}

fn scope(reader: &Reader<'_>, build: &Build) -> crate::telemetry::stats::Scope {
    let (scope, prefix) = (build.scope.sub("jwt_authn"), reader.text("stat_prefix"));
    if prefix.is_empty() { scope } else { scope.sub(prefix.strip_suffix('.').unwrap_or(&prefix)) }
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let providers = read_providers(reader, build)?;
    let mut named = BTreeMap::new();
    for (name, requirement) in reader.map("requirement_map") {
        named.insert(name, Arc::new(Requirement::read(&requirement, &providers, &[])?));
    }
    let mut rules = Vec::new();
    for rule in reader.list("rules") {
        let path = RouteMatch::read(&rule.need("match")?)?;
        rules.push((path, read_rule(&rule, &providers, &named)?));
    }
    let by_state = match reader.message("filter_state_rules") {
        Some(state) => Some((state.need_text("name")?, read_by_state(&state, &providers)?)),
        None => None,
    };
    let scope = scope(reader, build);
    Some(Arc::new(JwtAuthn {
        name: name.clone(),
        services: build.services.clone(),
        providers,
        rules,
        named,
        by_state,
        bypass_preflight: reader.flag("bypass_cors_preflight"),
        strip: reader.flag("strip_failure_response"),
        allowed: scope.counter("allowed"),
        denied: scope.counter("denied"),
        bypassed: scope.counter("cors_preflight_bypassed"),
        cache_hit: scope.counter("jwt_cache_hit"),
        cache_miss: scope.counter("jwt_cache_miss"),
    }))
}

fn read_rule(
    rule: &Reader<'_>,
    providers: &Providers,
    named: &BTreeMap<String, Arc<Requirement>>,
) -> Option<Arc<Requirement>> {
    match (rule.opt_text("requirement_name"), rule.message("requires")) {
        (Some(name), _) => {
            let requirement = named.get(&name).cloned();
            if requirement.is_none() {
                rule.defect("requirement_name", format!("there is no requirement {name:?}"));
            }
            requirement
        }
        (None, Some(requires)) => Some(Arc::new(Requirement::read(&requires, providers, &[])?)),
        (None, None) => Some(Arc::new(Requirement::Nothing)),
    }
}

fn read_by_state(state: &Reader<'_>, providers: &Providers) -> Option<BTreeMap<String, Requirement>> {
    let all = state.map("requires").into_iter();
    all.map(|(value, requirement)| Some((value, Requirement::read(&requirement, providers, &[])?))).collect()
}

/// Reads `PerRouteConfig`.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    let route =
        if reader.flag("disabled") { Route::Disabled } else { Route::Named(reader.need_text("requirement_name")?) };
    Some(Arc::new(route))
}

fn is_preflight(head: &RequestHead) -> bool {
    let filled = |name| head.headers.get(name).is_some_and(|value| !value.is_empty());
    head.method == Method::OPTIONS && filled(&header::ORIGIN) && filled(&header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What the filter has to do for a request.
enum Task<'t> {
    /// Nothing at all.
    Pass,
    /// A preflight request: it carries no tokens.
    Preflight,
    /// Check this.
    Check(&'t Requirement),
    /// The route names a requirement that does not exist.
    Wrong(String),
}

impl JwtAuthn {
    fn task(&self, exchange: &Exchange) -> Task<'_> {
        if self.bypass_preflight && is_preflight(&exchange.request.head) {
            return Task::Preflight;
        }
        match exchange.route.as_ref().and_then(|hit| hit.per_route::<Route>(&self.name)) {
            Some(Route::Disabled) => return Task::Pass,
            Some(Route::Named(name)) => {
                return self.named.get(name).map_or_else(|| Task::Wrong(self.wrong(name)), |own| Task::Check(own));
            }
            None => {}
        }
        let (input, path) = (Input::of(exchange), exchange.request.head.path_only());
        if let Some((_, requirement)) = self.rules.iter().find(|(rule, _)| rule.matches(&input, path)) {
            return Task::Check(requirement);
        }
        let by_state = self.by_state.as_ref();
        let requirement = by_state.and_then(|(key, all)| all.get(exchange.info.state.get(key)?));
        requirement.map_or(Task::Pass, Task::Check)
    }

    fn wrong(&self, name: &str) -> String {
        let names: Vec<&str> = self.named.keys().map(String::as_str).collect();
        format!("Wrong requirement_name: {name}. It should be one of [{}]", names.join(","))
    }

    fn check<'c>(&'c self, head: &'c mut RequestHead, now: u64, fetched: &'c [String]) -> Check<'c> {
        let single = self.providers.values().next().filter(|_| self.providers.len() == 1);
        let cache = Some((&*self.cache_hit, &*self.cache_miss));
        Check { head, now, fetched, extracted: Map::new(), clear_route: false, cache, single }
    }

    fn refuse(&self, head: &RequestHead, path: &str, status: Status) -> Box<Reply> {
        let code = if status == Status::Audience { StatusCode::FORBIDDEN } else { StatusCode::UNAUTHORIZED };
        let text = if self.strip { "" } else { status.text() };
        let mut reply = Reply::new(code, details(status.text()), text);
        if !self.strip {
            let error = if status == Status::Missing { "" } else { ", error=\"invalid_token\"" };
            let value = format!("Bearer realm=\"{}\"{error}", original_uri(head, path));
            if let Ok(value) = HeaderValue::from_str(&value) {
                reply.headers.set(header::WWW_AUTHENTICATE, value);
            }
        }
        Box::new(reply)
    }

    fn refuse_route(&self, wrong: &str) -> Box<Reply> {
        let text = if self.strip { String::new() } else { format!("Failed JWT authentication: {wrong}") };
        Box::new(Reply::new(StatusCode::FORBIDDEN, details(wrong), text))
    }

    /// Leaves what the check found, and says how it ended.
    fn finish(&self, exchange: &mut Exchange, left: Left, status: Status, path: &str) -> Result<(), Box<Reply>> {
        if !left.extracted.is_empty() {
            metadata::merge(&mut exchange.info.metadata, NAMESPACE, left.extracted);
        }
        if left.clear_route {
            exchange.clear_route();
        }
        if status == Status::Ok {
            self.allowed.inc();
            return Ok(());
        }
        self.denied.inc();
        Err(self.refuse(&exchange.request.head, path, status))
    }

    /// The same check over and over, each time with keys of one more provider.
    async fn fetch(&self, exchange: &mut Exchange, requirement: &Requirement) -> Result<(), Box<Reply>> {
        let (original, now) = (exchange.request.head.clone(), now(exchange));
        let mut fetched = Vec::new();
        loop {
            let mut head = original.clone();
            let mut check = self.check(&mut head, now, &fetched);
            let needs = match check.run(requirement) {
                Ok(status) => {
                    let left = Left { extracted: check.extracted, clear_route: check.clear_route };
                    exchange.request.head = head;
                    return self.finish(exchange, left, status, &original.path);
                }
                Err(needs) => needs.0,
            };
            if let Source::Remote(remote) = &needs.source {
                remote.fetch(&self.services).await;
            }
            fetched.push(needs.name.clone());
        }
    }
}

/// What a check leaves beside the request.
struct Left {
    extracted: Map<String, serde_json::Value>,
    clear_route: bool,
}

fn now(exchange: &Exchange) -> u64 {
    exchange.info.started_at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn details(text: &str) -> String {
    format!("jwt_authn_access_denied{{{}}}", text.replace(char::is_whitespace, "_"))
}

/// The URL that the client asked for.
fn original_uri(head: &RequestHead, path: &str) -> String {
    let original = http::HeaderName::from_static("x-envoy-original-path");
    let path = head.headers.text(&original).unwrap_or(path);
    let path = path.get(..LONGEST_PATH).unwrap_or(path);
    format!("{}://{}{path}", head.scheme, head.authority)
}

impl HttpFilter for JwtAuthn {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let task = self.task(exchange);
        // What only verified tokens may put on a request does not come from the client, whatever the path.
        for provider in self.providers.values() {
            provider.sanitize(&mut exchange.request.head);
        }
        match task {
            Task::Pass => {
                self.allowed.inc();
                Step::Next
            }
            Task::Preflight => {
                self.bypassed.inc();
                self.allowed.inc();
                Step::Next
            }
            Task::Wrong(wrong) => {
                self.denied.inc();
                Step::Reply(self.refuse_route(&wrong))
            }
            Task::Check(requirement) if requirement.may_fetch() => {
                Step::Wait(Box::pin(self.fetch(exchange, requirement)))
            }
            Task::Check(requirement) => {
                let now = now(exchange);
                let path = exchange.request.head.path.clone();
                let mut check = self.check(&mut exchange.request.head, now, &[]);
                // Keys that were there a moment ago may be too old now.
                let status = check.run(requirement).unwrap_or(Status::FetchFailed);
                let left = Left { extracted: check.extracted, clear_route: check.clear_route };
                self.finish(exchange, left, status, &path).map_or_else(Step::Reply, |()| Step::Next)
            }
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        let requirement = match self.task(exchange) {
            Task::Pass => return None,
            Task::Preflight => return Some(Verdict::Pass(Some("a preflight request carries no token".into()))),
            Task::Wrong(wrong) => return Some(Verdict::Reply { reply: self.refuse_route(&wrong), rule: wrong }),
            Task::Check(requirement) => requirement,
        };
        let original = &exchange.request.head;
        let mut head = original.clone();
        let mut check = self.check(&mut head, now(exchange), &[]);
        check.cache = None;
        Some(match check.run(requirement) {
            Ok(Status::Ok) => Verdict::Pass(None),
            Ok(status) => {
                Verdict::Reply { reply: self.refuse(original, &original.path, status), rule: status.text().into() }
            }
            Err(needs) => Verdict::Depends(format!("the keys of provider {}", needs.0.name)),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;

    const CONFIG: &str = "envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication";

    /// A provider `p` for issuer `me`, and what signs its tokens.
    fn provider() -> (Value, jsonwebtoken::EncodingKey) {
        let (jwk, key) = keys::tests::p256("k");
        let jwks = json!({ "keys": [jwk] }).to_string();
        (json!({ "issuer": "me", "local_jwks": { "inline_string": jwks } }), key)
    }

    fn with(provider: &Value, requires: &Value) -> Value {
        json!({ "providers": { "p": provider }, "rules": [{ "match": { "prefix": "/" }, "requires": requires }] })
    }

    fn token(key: &jsonwebtoken::EncodingKey, claims: &Value) -> String {
        format!("Bearer {}", keys::tests::sign(key, Some("k"), claims))
    }

    async fn status(config: &Value, authorization: Option<&str>) -> (u16, String, String) {
        let filter = testing::filter(CONFIG, config).unwrap_or_else(|defects| panic!("{defects:?}"));
        let fields: Vec<(&str, &str)> = authorization.map(|value| ("authorization", value)).into_iter().collect();
        match testing::request(&*filter, &mut testing::exchange("GET", "/a?b", &fields)).await {
            Ok(()) => (200, String::new(), String::new()),
            Err(reply) => {
                let challenge = reply.headers.text(&header::WWW_AUTHENTICATE).unwrap_or_default().to_string();
                (reply.status.as_u16(), String::from_utf8_lossy(&reply.body).into_owned(), challenge)
            }
        }
    }

    #[tokio::test]
    async fn a_required_token_must_be_there_and_good() {
        let (provider, key) = provider();
        let config = with(&provider, &json!({ "provider_name": "p" }));
        let realm = "Bearer realm=\"http://example.com/a?b\"";
        assert_eq!(status(&config, None).await, (401, "Jwt is missing".into(), realm.into()));
        let invalid = format!("{realm}, error=\"invalid_token\"");
        assert_eq!(
            status(&config, Some(&token(&key, &json!({ "iss": "you" })))).await,
            (401, "Jwt issuer is not configured".into(), invalid.clone())
        );
        assert_eq!(
            status(&config, Some(&token(&key, &json!({ "iss": "me", "exp": 1 })))).await,
            (401, "Jwt is expired".into(), invalid)
        );
        assert_eq!(status(&config, Some(&token(&key, &json!({ "iss": "me" })))).await.0, 200);
    }

    #[tokio::test]
    async fn audiences_and_lifetimes_are_checked() {
        let (mut provider, key) = provider();
        provider["audiences"] = json!(["a"]);
        provider["require_expiration"] = true.into();
        let config = with(&provider, &json!({ "provider_name": "p" }));
        let (code, text, _) = status(&config, Some(&token(&key, &json!({ "iss": "me", "aud": "b" })))).await;
        assert_eq!((code, text.as_str()), (403, "Audiences in Jwt are not allowed"));
        assert_eq!(status(&config, Some(&token(&key, &json!({ "iss": "me", "aud": "a" })))).await.0, 401);
        assert_eq!(
            status(&config, Some(&token(&key, &json!({ "iss": "me", "aud": "a", "exp": 4102444800_u64 })))).await.0,
            200
        );
    }

    #[tokio::test]
    async fn a_good_token_leaves_payload_claims_and_metadata() {
        let (mut provider, key) = provider();
        provider["payload_in_metadata"] = "payload".into();
        provider["forward_payload_header"] = "x-payload".into();
        provider["claim_to_headers"] = json!([{ "header_name": "x-sub", "claim_name": "sub" },
            { "header_name": "x-level", "claim_name": "a.level" }]);
        let filter = testing::filter(CONFIG, &with(&provider, &json!({ "provider_name": "p" }))).ok().unwrap();
        let authorization = token(&key, &json!({ "iss": "me", "sub": "s", "a": { "level": 3 } }));
        let mut exchange = testing::exchange("GET", "/", &[("authorization", &authorization), ("x-sub", "forged")]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        let headers = &exchange.request.head.headers;
        let name = |name: &'static str| http::HeaderName::from_static(name);
        assert_eq!(headers.all(&name("x-sub")).collect::<Vec<_>>(), ["s"]);
        assert_eq!(headers.text(&name("x-level")), Some("3"));
        assert!(headers.has(&name("x-payload")) && !headers.has(&header::AUTHORIZATION));
        assert_eq!(exchange.info.metadata[NAMESPACE]["payload"]["sub"], "s");
    }

    #[tokio::test]
    async fn lists_of_requirements() {
        let ((one, key_one), (mut two, key_two)) = (provider(), provider());
        two["issuer"] = "you".into();
        let config = |requires: Value| {
            json!({ "providers": { "p": one, "q": two },
            "rules": [{ "match": { "prefix": "/" }, "requires": requires }] })
        };
        let (p, q) = (json!({ "provider_name": "p" }), json!({ "provider_name": "q" }));
        let any = config(json!({ "requires_any": { "requirements": [p, q] } }));
        assert_eq!(status(&any, Some(&token(&key_two, &json!({ "iss": "you" })))).await.0, 200);
        assert_eq!(status(&any, Some(&token(&key_one, &json!({ "iss": "you" })))).await.1, "Jwt verification fails");
        let missing = config(json!({ "requires_any": { "requirements": [p, q, { "allow_missing": {} }] } }));
        assert_eq!(status(&missing, None).await.0, 200);
        assert_eq!(status(&missing, Some("Bearer bad")).await.0, 401);
        let failed = config(json!({ "allow_missing_or_failed": {} }));
        assert_eq!(status(&failed, Some("Bearer bad")).await.0, 200);
    }

    #[tokio::test]
    async fn keys_that_cannot_be_fetched_refuse() {
        let (mut provider, key) = provider();
        let bearer = token(&key, &json!({ "iss": "me" }));
        provider.as_object_mut().unwrap().remove("local_jwks");
        provider["remote_jwks"] =
            json!({ "http_uri": { "uri": "http://idp/keys", "cluster": "none", "timeout": "1s" } });
        let config = with(&provider, &json!({ "provider_name": "p" }));
        assert_eq!(status(&config, Some(&bearer)).await.1, "Jwks remote fetch is failed");
        let filter = testing::filter(CONFIG, &config).ok().unwrap();
        let exchange = testing::exchange("GET", "/", &[("authorization", &bearer)]);
        assert!(matches!(filter.verdict(&exchange), Some(Verdict::Depends(_))));
    }

    #[tokio::test]
    async fn what_cannot_be_honoured_is_a_defect() {
        let (provider, _) = provider();
        let config = with(&provider, &json!({ "extract_only_without_validation": {} }));
        assert!(testing::filter(CONFIG, &config).is_err());
        let mut broken = provider.clone();
        broken["local_jwks"] = json!({ "inline_string": "{}" });
        let config = with(&broken, &json!({ "provider_name": "p" }));
        assert_eq!(testing::filter(CONFIG, &config).err().unwrap()[0].path, "providers[\"p\"].local_jwks");
        let config = with(&provider, &json!({ "provider_name": "none" }));
        assert_eq!(testing::filter(CONFIG, &config).err().unwrap()[0].path, "rules[0].requires.provider_name");
    }
}
