//! `envoy.filters.http.ratelimit`: a service counts requests for many proxies and says which are too many.

mod config;
mod service;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::counters::Counters;
use super::kept::{keep, kept};
use super::limits::{self, HostLimits};
use super::{HttpFilter, PerRoute, Step, Verdict, metadata};
use crate::cluster::Origin;
use crate::http::{Headers, Reply, Response};
use crate::proto::Reader;
use crate::route::{Descriptor, RateLimits};
use crate::services::{Build, Services};
use crate::stream::{Exchange, Flag};
use crate::telemetry::format::FormatContext;

use config::{Asked, Config, Route};
use service::{Answer, Code};

const RATE_LIMITED: HeaderName = HeaderName::from_static("x-envoy-ratelimited");
const INTERNAL: HeaderName = HeaderName::from_static("x-envoy-internal");

struct RateLimit {
    name: Arc<str>,
    services: Arc<Services>,
    config: Config,
    counters: Counters,
}

/// Fields for the response.
struct ForResponse(Headers);

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let (services, config) = (build.services.clone(), Config::read(reader, build)?);
    Some(Arc::new(RateLimit { name: name.clone(), services, config, counters: Counters::default() }))
}

/// Reads `RateLimitPerRoute`.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    Some(Arc::new(Route::read(reader)?))
}

impl RateLimit {
    fn route<'e>(&self, exchange: &'e Exchange) -> Option<&'e Route> {
        exchange.route.as_ref()?.per_route(&self.name)
    }

    /// Domain and descriptors to ask about, before the request goes on or (`done`) when the exchange is over.
    fn question(&self, exchange: &Exchange, done: bool) -> Option<(String, Vec<Descriptor>)> {
        let internal = exchange.request.head.headers.get(&INTERNAL).is_some_and(|value| value == "true");
        if (internal && self.config.asked == Asked::External) || (!internal && self.config.asked == Asked::Internal) {
            return None;
        }
        let route = self.route(exchange);
        let own: &RateLimits =
            route.map(|route| &route.rate_limits).filter(|own| !own.is_empty()).unwrap_or(&self.config.own);
        let host_limits = route.map_or(HostLimits::Override, |route| route.host_limits);
        let stage = self.config.stage;
        let descriptors = limits::descriptors(&self.services, exchange, stage, own, host_limits, done);
        let domain = route.and_then(|route| route.domain.clone()).unwrap_or_else(|| self.config.domain.clone());
        (!descriptors.is_empty()).then_some((domain, descriptors))
    }

    fn count(&self, exchange: &Exchange, name: &str) {
        let cluster = exchange.route.as_ref().and_then(|hit| hit.cluster());
        let Some(cluster) = cluster.and_then(|name| self.services.clusters.get(name)) else { return };
        self.counters.add(&format!("{} {name}", cluster.name), 1, || {
            let scope = cluster.scope.sub("ratelimit");
            let prefix = &self.config.prefix;
            let scope = if prefix.is_empty() { scope } else { scope.sub(prefix) };
            scope.counter(name)
        });
        if name == "over_limit" {
            cluster.requests.count(self.config.limited_status, Origin { internal: true, canary: false });
        }
    }

    async fn ask(&self, exchange: &mut Exchange, domain: String, all: Vec<Descriptor>) -> Result<(), Box<Reply>> {
        let answer = service::ask(&self.config.channel, self.config.timeout, domain, all).await;
        self.act(exchange, answer)
    }

    fn act(&self, exchange: &mut Exchange, answer: Answer) -> Result<(), Box<Reply>> {
        if !answer.metadata.is_empty() {
            metadata::merge(&mut exchange.info.metadata, &self.config.namespace, answer.metadata);
        }
        self.count(exchange, answer.code.word());
        let mut headers = answer.response;
        if answer.code == Code::OverLimit && self.config.says_limited {
            headers.set(RATE_LIMITED, HeaderValue::from_static("true"));
        }
        if let Some((limit, remaining, reset)) = answer.nearest.filter(|_| self.config.tells) {
            limits::tell(&mut headers, &limit, remaining, reset);
        }
        let kind = headers.get(&header::CONTENT_TYPE).cloned();
        let enforced = answer.code == Code::OverLimit && self.config.enforced.hits(fastrand::u64(..));
        if enforced {
            headers.remove(&header::CONTENT_TYPE);
        }
        if !headers.is_empty() && answer.code != Code::Error {
            keep(exchange, self, ForResponse(headers));
        }
        match answer.code {
            Code::OverLimit if enforced => {
                let mut reply = Reply::new(self.config.limited_status, "request_rate_limited", answer.body);
                reply.content_type = kind;
                reply.grpc_status = self.config.exhausted.then_some(8);
                let values = self.config.response.values(&FormatContext::of(exchange));
                self.config.response.apply(&mut reply.headers, values);
                Err(Box::new(reply.flag(Flag::RateLimited)))
            }
            Code::Error if self.config.denies_failures() => {
                let reply = Reply::new(self.config.error_status, "rate_limiter_error", answer.body);
                Err(Box::new(reply.flag(Flag::RateLimitServiceError)))
            }
            Code::Error => {
                self.count(exchange, "failure_mode_allowed");
                Ok(())
            }
            Code::Ok | Code::OverLimit => {
                for (name, value) in answer.request {
                    exchange.request.head.headers.add(name, value);
                }
                Ok(())
            }
        }
    }
}

impl HttpFilter for RateLimit {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        if !self.config.enabled.hits(fastrand::u64(..)) {
            return Step::Next;
        }
        match self.question(exchange, false) {
            Some((domain, descriptors)) => Step::Wait(Box::pin(self.ask(exchange, domain, descriptors))),
            None => Step::Next,
        }
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        if let Some(ForResponse(headers)) = kept(exchange, self) {
            for (name, value) in headers.iter() {
                response.head.headers.add(name.clone(), value.clone());
            }
        }
    }

    fn on_end(&self, exchange: &Exchange) {
        if let Some((domain, descriptors)) = self.question(exchange, true) {
            let (channel, timeout) = (self.config.channel.clone(), self.config.timeout);
            let ask = async move { drop(service::ask(&channel, timeout, domain, descriptors).await) };
            self.services.main.spawn(ask);
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        let asks = self.config.enabled.numerator > 0 && self.question(exchange, false).is_some();
        asks.then(|| Verdict::Depends(format!("the rate limit service ({})", self.config.channel.cluster())))
    }
}

/// The status of a failure: anything that is no error reads as 500.
fn error_status(reader: &Reader<'_>) -> StatusCode {
    if reader.has("status_on_error") {
        let status = super::local_ratelimit::read_status(reader, "status_on_error");
        return status;
    }
    StatusCode::INTERNAL_SERVER_ERROR
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;

    const CONFIG: &str = "envoy.extensions.filters.http.ratelimit.v3.RateLimit";

    fn config(more: &Value) -> Value {
        let mut json = json!({ "domain": "d", "rate_limit_service": { "transport_api_version": "V3",
            "grpc_service": { "envoy_grpc": { "cluster_name": "rls" } } },
            "rate_limits": [{ "actions": [{ "generic_key": { "descriptor_value": "v" } }] }] });
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json
    }

    fn filter(more: &Value) -> Arc<dyn HttpFilter> {
        testing::filter(CONFIG, &config(more)).unwrap_or_else(|defects| panic!("{defects:?}"))
    }

    #[tokio::test]
    async fn a_service_that_cannot_be_asked_lets_pass_unless_it_is_told_not_to() {
        testing::request(&*filter(&json!({})), &mut testing::exchange("GET", "/", &[])).await.unwrap();
        let deny = filter(&json!({ "failure_mode_deny": true }));
        let reply = testing::request(&*deny, &mut testing::exchange("GET", "/", &[])).await.unwrap_err();
        assert_eq!((reply.status.as_u16(), reply.details.as_str()), (500, "rate_limiter_error"));
        assert_eq!(reply.flag, Some(Flag::RateLimitServiceError));
    }

    #[tokio::test]
    async fn without_descriptors_nobody_is_asked() {
        let none = filter(&json!({ "failure_mode_deny": true,
            "rate_limits": [{ "actions": [{ "request_headers": { "header_name": "x-none", "descriptor_key": "k" } }] }] }));
        testing::request(&*none, &mut testing::exchange("GET", "/", &[])).await.unwrap();
        let external = filter(&json!({ "failure_mode_deny": true, "request_type": "external" }));
        testing::request(&*external, &mut testing::exchange("GET", "/", &[("x-envoy-internal", "true")]))
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn too_many_is_429_with_the_words_of_the_service() {
        let build = testing::build();
        let message =
            crate::proto::from_json(CONFIG, &config(&json!({ "enable_x_ratelimit_headers": "DRAFT_VERSION_03" })))
                .unwrap();
        let defects = crate::proto::Defects::new();
        let reader = Reader::new(message, "", &defects);
        let config = Config::read(&reader, &build).unwrap();
        let filter =
            RateLimit { name: "t".into(), services: build.services.clone(), config, counters: Counters::default() };
        let mut answer = Answer::of(Code::OverLimit);
        answer.nearest = Some((HeaderValue::from_static("10, 10;w=60"), 0, 7));
        let mut exchange = testing::exchange("GET", "/", &[]);
        let reply = filter.act(&mut exchange, answer).unwrap_err();
        assert_eq!((reply.status.as_u16(), reply.details.as_str()), (429, "request_rate_limited"));
        let mut response = reply.into_response(&exchange.request.head);
        filter.on_response(&mut exchange, &mut response);
        let headers = &response.head.headers;
        assert_eq!(headers.text(&RATE_LIMITED), Some("true"));
        assert_eq!(headers.text(&limits::LIMIT), Some("10, 10;w=60"));
        assert_eq!(headers.text(&limits::RESET), Some("7"));
    }
}
