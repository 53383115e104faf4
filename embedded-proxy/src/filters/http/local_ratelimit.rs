//! `envoy.filters.http.local_ratelimit`: token buckets inside this process.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use http::{StatusCode, header};
use parking_lot::Mutex;

use super::kept::{keep, kept};
use super::limits::{self, HostLimits};
use super::{HttpFilter, PerRoute, Step, Verdict};
use crate::http::{Reply, Response};
use crate::proto::{Fraction, Reader};
use crate::ratelimit::{Limiter, Taken, TokenBucket};
use crate::route::{Descriptor, Edits, RateLimits};
use crate::services::{Build, Services};
use crate::stream::{Connection, Exchange, Flag};
use crate::telemetry::format::FormatContext;
use crate::telemetry::stats::{Counter, Scope};

/// Limiters by connection, for as long as the connection lives.
type ByConnection = Mutex<BTreeMap<u64, (Weak<Connection>, Arc<Limiter>)>>;

/// `LocalRateLimit`, of the filter or of a route.
struct Limits {
    limiter: Limiter,
    /// A limiter for each connection instead of one for all.
    by_connection: Option<ByConnection>,
    own: RateLimits,
    of_hosts: HostLimits,
    stage: u32,
    status: StatusCode,
    exhausted: bool,
    enabled: Fraction,
    enforced: Fraction,
    tells: bool,
    retry_after: bool,
    request: Edits,
    response: Edits,
    counts: Counts,
}

struct Counts {
    enabled: Arc<Counter>,
    enforced: Arc<Counter>,
    ok: Arc<Counter>,
    limited: Arc<Counter>,
}

/// Reads a status of which only errors count; others read as 429.
pub(super) fn read_status(reader: &Reader<'_>, field: &str) -> StatusCode {
    let code = reader.message(field).and_then(|status| {
        let _ = status.word("code");
        status.raw().get_field_by_name("code").and_then(|code| code.as_enum_number())
    });
    let code = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    code.and_then(|code| StatusCode::from_u16(code).ok()).unwrap_or(StatusCode::TOO_MANY_REQUESTS)
}

impl Limits {
    fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let prefix = reader.need_text("stat_prefix")?;
        let never = Fraction { numerator: 0, denominator: 100 };
        let scope = Scope::root(&build.services.stats).variable("envoy_local_http_ratelimit_prefix", &prefix);
        let scope = scope.sub("http_local_rate_limit");
        // `local_cluster_rate_limit` is not taken: its presence is a defect.
        Some(Self {
            limiter: Limiter::read(reader)?,
            by_connection: reader.flag("local_rate_limit_per_downstream_connection").then(Mutex::default),
            own: RateLimits::read(reader, "rate_limits")?,
            of_hosts: HostLimits::read(reader, "vh_rate_limits"),
            stage: reader.u32("stage").unwrap_or(0),
            status: read_status(reader, "status"),
            exhausted: reader.flag("rate_limited_as_resource_exhausted"),
            enabled: reader.fraction("filter_enabled").unwrap_or(never),
            enforced: reader.fraction("filter_enforced").unwrap_or(never),
            tells: reader.word("enable_x_ratelimit_headers") == "DRAFT_VERSION_03",
            retry_after: reader.flag("enable_retry_after_header"),
            request: Edits::additions(reader, "request_headers_to_add_when_not_enforced")?,
            response: Edits::additions(reader, "response_headers_to_add")?,
            counts: Counts {
                enabled: scope.counter("enabled"),
                enforced: scope.counter("enforced"),
                ok: scope.counter("ok"),
                limited: scope.counter("rate_limited"),
            },
        })
    }

    fn descriptors(&self, services: &Services, exchange: &Exchange, done: bool) -> Vec<Descriptor> {
        if self.limiter.has_descriptors() {
            limits::descriptors(services, exchange, self.stage, &self.own, self.of_hosts, done)
        } else {
            Vec::new()
        }
    }

    fn take(&self, descriptors: &[Descriptor], exchange: &Exchange) -> Taken {
        match &self.by_connection {
            None => self.limiter.take(descriptors),
            Some(all) => self.of_connection(all, &exchange.connection).take(descriptors),
        }
    }

    fn of_connection(&self, all: &ByConnection, connection: &Arc<Connection>) -> Arc<Limiter> {
        let mut all = all.lock();
        if let Some((_, limiter)) = all.get(&connection.id) {
            return limiter.clone();
        }
        all.retain(|_, (connection, _)| connection.strong_count() > 0);
        let limiter = Arc::new(self.limiter.fresh());
        all.insert(connection.id, (Arc::downgrade(connection), limiter.clone()));
        limiter
    }

    fn refuse(&self, exchange: &Exchange, bucket: Option<&TokenBucket>) -> Box<Reply> {
        let mut reply = Reply::new(self.status, "local_rate_limited", "local_rate_limited").flag(Flag::RateLimited);
        reply.grpc_status = self.exhausted.then_some(8);
        if let Some(bucket) = bucket.filter(|_| self.retry_after) {
            reply.headers.set(
                header::RETRY_AFTER,
                bucket.next_token().as_secs_f64().ceil().max(1.0).to_string().parse().unwrap_or(1.into()),
            );
        }
        let values = self.response.values(&FormatContext::of(exchange));
        self.response.apply(&mut reply.headers, values);
        Box::new(reply)
    }
}

/// The bucket that the response tells the client about.
struct Tell(Arc<TokenBucket>);

struct LocalRateLimit {
    name: Arc<str>,
    services: Arc<Services>,
    limits: Limits,
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let limits = Limits::read(reader, build)?;
    Some(Arc::new(LocalRateLimit { name: name.clone(), services: build.services.clone(), limits }))
}

/// Reads `LocalRateLimit` of a route, which must have a bucket.
pub(super) fn per_route(reader: &Reader<'_>, build: &Build) -> Option<PerRoute> {
    if !reader.has("token_bucket") {
        reader.defect("token_bucket", "must be set at a route");
    }
    Some(Arc::new(Limits::read(reader, build)?))
}

impl LocalRateLimit {
    fn limits<'e>(&'e self, exchange: &'e Exchange) -> &'e Limits {
        let route = exchange.route.as_ref().and_then(|hit| hit.per_route::<Limits>(&self.name));
        route.unwrap_or(&self.limits)
    }
}

impl HttpFilter for LocalRateLimit {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let limits = self.limits(exchange);
        if !limits.enabled.hits(fastrand::u64(..)) {
            return Step::Next;
        }
        limits.counts.enabled.inc();
        let taken = limits.take(&limits.descriptors(&self.services, exchange, false), exchange);
        let tell = taken.bucket.as_ref().filter(|_| limits.tells).map(|bucket| Tell(bucket.clone()));
        let mut reply = None;
        let mut values = None;
        if taken.allowed {
            limits.counts.ok.inc();
        } else {
            limits.counts.limited.inc();
            if limits.enforced.hits(fastrand::u64(..)) {
                limits.counts.enforced.inc();
                reply = Some(limits.refuse(exchange, taken.bucket.as_deref()));
            } else if !limits.request.is_empty() {
                values = Some((limits.request.clone(), limits.request.values(&FormatContext::of(exchange))));
            }
        }
        if let Some((edits, values)) = values {
            edits.apply(&mut exchange.request.head.headers, values);
        }
        if let Some(tell) = tell {
            keep(exchange, self, tell);
        }
        reply.map_or(Step::Next, Step::Reply)
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        if let Some(Tell(bucket)) = kept(exchange, self) {
            // Whole seconds, rounded up.
            let reset = (bucket.next_token() + Duration::from_nanos(999_999_999)).as_secs();
            let limit = http::HeaderValue::from(bucket.size());
            limits::tell(&mut response.head.headers, &limit, bucket.tokens(), reset);
        }
    }

    fn on_end(&self, exchange: &Exchange) {
        let limits = self.limits(exchange);
        let descriptors = limits.descriptors(&self.services, exchange, true);
        if !descriptors.is_empty() && limits.enabled.numerator > 0 {
            limits.take(&descriptors, exchange);
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        let limits = self.limits(exchange);
        let acts = limits.enabled.numerator > 0 && limits.enforced.numerator > 0;
        acts.then(|| Verdict::Depends("how many tokens are left in this process".into()))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;
    use crate::http::Headers;

    const CONFIG: &str = "envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

    fn config(more: &Value) -> Value {
        let all = json!({ "default_value": { "numerator": 100 } });
        let mut json = json!({ "stat_prefix": "here", "token_bucket": { "max_tokens": 1, "fill_interval": "60s" },
            "filter_enabled": all, "filter_enforced": all });
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_request_is_one_too_many() {
        let build = testing::build();
        let more = json!({ "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
            "response_headers_to_add": [{ "header": { "key": "x-limited", "value": "yes" } }] });
        let filter = testing::filter_in(&build, CONFIG, &config(&more)).unwrap_or_else(|defects| panic!("{defects:?}"));
        let mut exchange = testing::exchange("GET", "/", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        let mut response = Response::full(StatusCode::OK, Headers::new(), Bytes::new());
        filter.on_response(&mut exchange, &mut response);
        let headers = &response.head.headers;
        assert_eq!([headers.text(&limits::LIMIT), headers.text(&limits::REMAINING)], [Some("1"), Some("0")]);
        assert_eq!(headers.text(&limits::RESET), Some("60"));
        let reply = testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap_err();
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (429, &b"local_rate_limited"[..]));
        assert_eq!((reply.flag, reply.details.as_str()), (Some(Flag::RateLimited), "local_rate_limited"));
        assert_eq!(reply.headers.len(), 1);
        let root = Scope::root(&build.services.stats);
        assert_eq!(root.counter("here.http_local_rate_limit.enforced").value(), 1);
        assert_eq!(root.counter("here.http_local_rate_limit.ok").value(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_enforced_is_only_marked() {
        let more = json!({ "filter_enforced": null,
            "request_headers_to_add_when_not_enforced": [{ "header": { "key": "x-over", "value": "1" } }] });
        let filter = testing::filter(CONFIG, &config(&more)).ok().unwrap();
        testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap();
        let mut exchange = testing::exchange("GET", "/", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert_eq!(exchange.request.head.headers.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn connections_may_have_buckets_of_their_own() {
        let more =
            json!({ "local_rate_limit_per_downstream_connection": true, "status": { "code": "ServiceUnavailable" } });
        let filter = testing::filter(CONFIG, &config(&more)).ok().unwrap();
        let mut first = testing::exchange("GET", "/", &[]);
        testing::request(&*filter, &mut first).await.unwrap();
        let mut other = testing::exchange("GET", "/", &[]);
        let mut connection = testing::connection();
        connection.id = 2;
        other.connection = Arc::new(connection);
        testing::request(&*filter, &mut other).await.unwrap();
        assert_eq!(testing::request(&*filter, &mut first).await.unwrap_err().status, 503);
    }

    #[tokio::test]
    async fn what_cannot_be_honoured_is_a_defect() {
        let more = config(&json!({ "local_cluster_rate_limit": {} }));
        assert_eq!(testing::filter(CONFIG, &more).err().unwrap()[0].path, "local_cluster_rate_limit");
    }
}
