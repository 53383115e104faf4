//! `envoy.filters.http.cors`: answers preflight requests and marks responses, as the route's policy says.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};

use super::kept::{keep, kept};
use super::{HttpFilter, PerRoute, Step, Verdict};
use crate::http::{Headers, Reply, Response};
use crate::matching::StringMatcher;
use crate::proto::{Fraction, Reader};
use crate::services::Build;
use crate::stream::Exchange;
use crate::telemetry::stats::Counter;

const REQUEST_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOW_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// A text that is put into a header field.
fn value(reader: &Reader<'_>, field: &str) -> Option<HeaderValue> {
    let text = reader.opt_text(field)?;
    let value = HeaderValue::from_str(&text).ok();
    if value.is_none() {
        reader.defect(field, "is no value of a header field");
    }
    value
}

/// `CorsPolicy` of a route, virtual host or table. What a more specific one leaves out, the next one says.
#[derive(Debug)]
struct Policy {
    origins: Vec<StringMatcher>,
    methods: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    max_age: Option<HeaderValue>,
    credentials: Option<bool>,
    private_network: Option<bool>,
    forward_not_matching: Option<bool>,
    enabled: Fraction,
    shadow: Fraction,
}

impl Policy {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        Some(Self {
            origins: StringMatcher::read_all(&reader.list("allow_origin_string_match"))?,
            methods: value(reader, "allow_methods"),
            headers: value(reader, "allow_headers"),
            expose: value(reader, "expose_headers"),
            max_age: value(reader, "max_age"),
            credentials: reader.opt_flag("allow_credentials"),
            private_network: reader.opt_flag("allow_private_network_access"),
            forward_not_matching: reader.opt_flag("forward_not_matching_preflights"),
            enabled: reader.fraction("filter_enabled").unwrap_or(Fraction::ALL),
            shadow: reader.fraction("shadow_enabled").unwrap_or(Fraction { numerator: 0, denominator: 100 }),
        })
    }
}

/// The policies of an exchange, most specific first.
struct Policies<'e>(Vec<&'e Policy>);

impl<'e> Policies<'e> {
    fn first<T>(&self, get: impl Fn(&'e Policy) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|policy| get(policy))
    }

    fn allow(&self, origin: &HeaderValue) -> bool {
        let origins = self.first(|policy| (!policy.origins.is_empty()).then_some(&policy.origins));
        origins.is_some_and(|origins| origins.iter().any(|own| own.matches("*") || own.matches(origin)))
    }

    fn hits(&self, random: u64, get: impl Fn(&Policy) -> Fraction) -> bool {
        self.0.first().is_some_and(|policy| get(policy).hits(random))
    }

    fn credentials(&self) -> bool {
        self.first(|policy| policy.credentials).unwrap_or(false)
    }
}

/// Remembered from request to response: the request came from another, allowed origin.
struct Origin(HeaderValue);

/// What the filter makes of a request.
enum Judgement {
    /// It is none of its business.
    None,
    /// It only counts.
    Shadow(bool),
    /// The origin, when it is allowed, and the answer if this is a preflight request.
    Cors(Option<HeaderValue>, Option<Box<Reply>>),
}

#[derive(Debug)]
struct Cors {
    name: Arc<str>,
    valid: Arc<Counter>,
    invalid: Arc<Counter>,
}

/// Makes the filter.
#[allow(clippy::unnecessary_wraps)] // The registry wants it so.
pub(super) fn make(_: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let scope = build.scope.sub("cors");
    let (valid, invalid) = (scope.counter("origin_valid"), scope.counter("origin_invalid"));
    Some(Arc::new(Cors { name: name.clone(), valid, invalid }))
}

/// Reads `CorsPolicy`.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    Some(Arc::new(Policy::read(reader)?))
}

impl Cors {
    fn policies<'e>(&self, exchange: &'e Exchange) -> Policies<'e> {
        let route = exchange.route.as_ref();
        Policies(route.map(|hit| hit.per_routes::<Policy>(&self.name).collect()).unwrap_or_default())
    }

    fn judge(&self, exchange: &Exchange) -> Judgement {
        let policies = self.policies(exchange);
        let enabled = policies.hits(exchange.random, |policy| policy.enabled);
        if !enabled && !policies.hits(exchange.random, |policy| policy.shadow) {
            return Judgement::None;
        }
        let head = &exchange.request.head;
        let Some(origin) = head.headers.get(&header::ORIGIN).filter(|origin| !origin.is_empty()) else {
            return Judgement::None;
        };
        let allowed = policies.allow(origin);
        if !enabled {
            return Judgement::Shadow(allowed);
        }
        let wanted = head.headers.get(&header::ACCESS_CONTROL_REQUEST_METHOD).filter(|method| !method.is_empty());
        let forward = !allowed && policies.first(|policy| policy.forward_not_matching).unwrap_or(true);
        let allowed = allowed.then(|| origin.clone());
        let preflight = wanted.filter(|_| head.method == Method::OPTIONS && !forward);
        let reply = preflight.map(|method| Box::new(answer(&policies, &head.headers, allowed.as_ref(), method)));
        Judgement::Cors(allowed, reply)
    }
}

/// The answer to a preflight request. A policy that allows `*` allows what was asked for.
fn answer(policies: &Policies<'_>, asked: &Headers, origin: Option<&HeaderValue>, method: &HeaderValue) -> Reply {
    let mut reply = Reply::new(StatusCode::OK, "cors_response", "");
    let mut set = |name, value: Option<&HeaderValue>| {
        if let Some(value) = value {
            reply.headers.set(name, value.clone());
        }
    };
    let yes = HeaderValue::from_static("true");
    set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, policies.credentials().then_some(&yes));
    let methods = policies.first(|policy| policy.methods.as_ref());
    set(header::ACCESS_CONTROL_ALLOW_METHODS, methods.map(|own| if own == "*" { method } else { own }));
    if let Some(own) = policies.first(|policy| policy.headers.as_ref()) {
        let empty = HeaderValue::from_static("");
        let wanted = asked.get(&header::ACCESS_CONTROL_REQUEST_HEADERS).unwrap_or(&empty);
        set(header::ACCESS_CONTROL_ALLOW_HEADERS, Some(if own == "*" { wanted } else { own }));
    }
    set(header::ACCESS_CONTROL_MAX_AGE, policies.first(|policy| policy.max_age.as_ref()));
    let private = policies.first(|policy| policy.private_network).unwrap_or(false)
        && asked.get(&REQUEST_PRIVATE_NETWORK).is_some_and(|asked| asked == "true");
    set(ALLOW_PRIVATE_NETWORK, private.then_some(&yes));
    reply
}

impl HttpFilter for Cors {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let (allowed, origin, reply) = match self.judge(exchange) {
            Judgement::None => return Step::Next,
            Judgement::Shadow(allowed) => (allowed, None, None),
            Judgement::Cors(origin, reply) => (origin.is_some(), origin, reply),
        };
        if allowed { &self.valid } else { &self.invalid }.inc();
        if let Some(origin) = origin {
            keep(exchange, self, Origin(origin));
        }
        reply.map_or(Step::Next, Step::Reply)
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        let Some(Origin(origin)) = kept(exchange, self) else { return };
        let (origin, policies) = (origin.clone(), self.policies(exchange));
        let headers = &mut response.head.headers;
        headers.set(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        if policies.credentials() {
            headers.set(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(expose) = policies.first(|policy| policy.expose.as_ref()) {
            headers.set(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        match self.judge(exchange) {
            Judgement::Cors(_, Some(reply)) => Some(Verdict::Reply { reply, rule: "a preflight request".into() }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;

    fn policy(json: &Value) -> Policy {
        testing::message("envoy.extensions.filters.http.cors.v3.CorsPolicy", json, Policy::read).unwrap()
    }

    fn preflight(policies: &[&Policy], origin: &str) -> Vec<String> {
        let fields = [("access-control-request-method", "PUT"), ("access-control-request-headers", "x-a")];
        let head = testing::head("OPTIONS", "/", &fields);
        let policies = Policies(policies.to_vec());
        let origin = HeaderValue::from_str(origin).unwrap();
        let allowed = policies.allow(&origin).then_some(&origin);
        let reply = answer(&policies, &head.headers, allowed, &HeaderValue::from_static("PUT"));
        let text = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
        reply.headers.iter().map(text).collect()
    }

    #[test]
    fn a_preflight_is_answered_from_the_policies_of_all_levels() {
        let route = policy(&json!({ "allow_methods": "GET,PUT", "allow_credentials": true }));
        let host = policy(&json!({ "allow_origin_string_match": [{ "prefix": "https://a." }], "allow_methods": "POST",
            "allow_headers": "*", "max_age": "60" }));
        assert_eq!(
            preflight(&[&route, &host], "https://a.com"),
            [
                "access-control-allow-origin: https://a.com",
                "access-control-allow-credentials: true",
                "access-control-allow-methods: GET,PUT",
                "access-control-allow-headers: x-a",
                "access-control-max-age: 60",
            ]
        );
        assert_eq!(preflight(&[&host], "https://b.com").len(), 3, "no origin for one that is not allowed");
    }

    #[test]
    fn a_star_allows_any_origin() {
        let star = policy(&json!({ "allow_origin_string_match": [{ "exact": "*" }] }));
        assert!(Policies(vec![&star]).allow(&HeaderValue::from_static("https://x")));
        assert!(!Policies(vec![]).allow(&HeaderValue::from_static("https://x")));
    }

    #[tokio::test]
    async fn without_a_policy_nothing_happens() {
        let filter = testing::filter("envoy.extensions.filters.http.cors.v3.Cors", &json!({})).unwrap();
        let mut exchange = testing::exchange("OPTIONS", "/", &[("origin", "https://x")]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        let mut response = Response::full(StatusCode::OK, Headers::new(), bytes::Bytes::new());
        filter.on_response(&mut exchange, &mut response);
        assert_eq!(response.head.headers.len(), 1);
    }
}
