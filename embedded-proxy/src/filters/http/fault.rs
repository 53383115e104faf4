//! `envoy.filters.http.fault`: delays requests, answers them with errors, slows responses down.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, StatusCode};
use serde_json::Value;

use super::counters::Counters;
use super::kept::{keep, kept};
use super::{HttpFilter, PerRoute, Step, Verdict, metadata, throttle};
use crate::http::{Headers, Reply, Response};
use crate::matching::HeaderMatcher;
use crate::proto::{Fraction, Reader, to_json};
use crate::services::Build;
use crate::stream::{Exchange, Flag};
use crate::telemetry::stats::{Counter, Gauge, Scope};

const DELAY: HeaderName = HeaderName::from_static("x-envoy-fault-delay-request");
const DELAY_PERCENTAGE: HeaderName = HeaderName::from_static("x-envoy-fault-delay-request-percentage");
const ABORT: HeaderName = HeaderName::from_static("x-envoy-fault-abort-request");
const ABORT_GRPC: HeaderName = HeaderName::from_static("x-envoy-fault-abort-grpc-request");
const ABORT_PERCENTAGE: HeaderName = HeaderName::from_static("x-envoy-fault-abort-request-percentage");
const THROUGHPUT: HeaderName = HeaderName::from_static("x-envoy-fault-throughput-response");
const THROUGHPUT_PERCENTAGE: HeaderName = HeaderName::from_static("x-envoy-fault-throughput-response-percentage");
const NODE: HeaderName = HeaderName::from_static("x-envoy-downstream-service-node");
const CLUSTER: HeaderName = HeaderName::from_static("x-envoy-downstream-service-cluster");

/// Namespace of the dynamic metadata.
const NAMESPACE: &str = "envoy.filters.http.fault";

/// Configured, or taken from a header field of the request.
#[derive(Debug, Clone, PartialEq)]
enum Amount<T> {
    Fixed(T),
    Header,
}

impl<T> Amount<T> {
    fn fixed(self) -> Option<T> {
        match self {
            Self::Fixed(amount) => Some(amount),
            Self::Header => None,
        }
    }
}

/// A fault with the share of requests it is injected into.
#[derive(Debug, Clone, PartialEq)]
struct Injected<T> {
    amount: Amount<T>,
    share: Fraction,
}

impl<T: Clone> Injected<T> {
    /// A header may lower the share, where the amount comes from a header too.
    fn hits(&self, headers: &Headers, percentage: &HeaderName, random: u64) -> bool {
        let asked = match self.amount {
            Amount::Fixed(_) => None,
            Amount::Header => number(headers, percentage).and_then(|asked| u32::try_from(asked).ok()),
        };
        let numerator = asked.map_or(self.share.numerator, |asked| asked.min(self.share.numerator));
        Fraction { numerator, ..self.share }.hits(random)
    }

    fn amount(&self, from_header: impl FnOnce() -> Option<T>) -> Option<T> {
        match &self.amount {
            Amount::Fixed(amount) => Some(amount.clone()),
            Amount::Header => from_header(),
        }
    }
}

/// What an aborted request is answered with: a status of HTTP, and that of gRPC if it was given instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Abort {
    status: StatusCode,
    grpc: Option<u32>,
}

/// `HTTPFault`, of the filter or of a route.
#[derive(Debug)]
struct Faults {
    delay: Option<Injected<Duration>>,
    abort: Option<Injected<Abort>>,
    /// KiB a second.
    rate: Option<Injected<u64>>,
    body: Bytes,
    cluster: String,
    headers: Vec<HeaderMatcher>,
    nodes: Vec<String>,
    max_active: Option<i64>,
    cluster_stats: bool,
    metadata: Option<Value>,
}

fn share(reader: &Reader<'_>) -> Fraction {
    reader.fraction("percentage").unwrap_or(Fraction { numerator: 0, denominator: 100 })
}

fn read_delay(reader: &Reader<'_>) -> Option<Injected<Duration>> {
    let amount = match (reader.duration("fixed_delay"), reader.message("header_delay")) {
        (Some(delay), _) if !delay.is_zero() => Amount::Fixed(delay),
        (_, Some(_)) => Amount::Header,
        _ => {
            reader.defect("fault_delay_secifier", "must be set, and longer than 0");
            return None;
        }
    };
    Some(Injected { amount, share: share(reader) })
}

fn read_abort(reader: &Reader<'_>) -> Option<Injected<Abort>> {
    let amount = match reader.choice("error_type").as_deref() {
        Some("http_status") => {
            let status = reader.number("http_status").and_then(|code| u16::try_from(code).ok());
            let Some(status) =
                status.filter(|code| (200..600).contains(code)).and_then(|code| StatusCode::from_u16(code).ok())
            else {
                reader.defect("http_status", "must be from 200 to 599");
                return None;
            };
            Amount::Fixed(Abort { status, grpc: None })
        }
        Some("grpc_status") => {
            Amount::Fixed(Abort { status: StatusCode::OK, grpc: Some(reader.u32("grpc_status").unwrap_or(0)) })
        }
        Some("header_abort") => reader.message("header_abort").map(|_| Amount::Header)?,
        _ => {
            reader.defect("error_type", "must be set");
            return None;
        }
    };
    Some(Injected { amount, share: share(reader) })
}

fn read_rate(reader: &Reader<'_>) -> Option<Injected<u64>> {
    let amount = match (reader.message("fixed_limit"), reader.message("header_limit")) {
        (Some(limit), _) => match limit.number("limit_kbps") {
            Some(limit @ 1..) => Amount::Fixed(limit),
            _ => {
                limit.defect("limit_kbps", "must be at least 1");
                return None;
            }
        },
        (None, Some(_)) => Amount::Header,
        (None, None) => {
            reader.defect("limit_type", "must be set");
            return None;
        }
    };
    Some(Injected { amount, share: share(reader) })
}

impl Faults {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        // Keys of the runtime that could override values: there is none at run time, and static ones are refused.
        reader.ignore(&[
            "delay_percent_runtime",
            "abort_percent_runtime",
            "delay_duration_runtime",
            "abort_http_status_runtime",
            "max_active_faults_runtime",
            "response_rate_limit_percent_runtime",
            "abort_grpc_status_runtime",
        ]);
        let abort = reader.message("abort");
        let body = abort.as_ref().and_then(|abort| abort.opt_text("response_body"));
        let metadata = reader.message("filter_metadata").map(|metadata| {
            metadata.ignore_all();
            to_json(metadata.raw())
        });
        // Something that could not be read has left a defect, and the whole configuration is refused.
        Some(Self {
            delay: reader.message("delay").and_then(|delay| read_delay(&delay)),
            abort: abort.and_then(|abort| read_abort(&abort)),
            rate: reader.message("response_rate_limit").and_then(|rate| read_rate(&rate)),
            body: body.map_or(Bytes::from_static(b"fault filter abort"), Bytes::from),
            cluster: reader.text("upstream_cluster"),
            headers: HeaderMatcher::read_all(&reader.list("headers"))?,
            nodes: reader.texts("downstream_nodes"),
            max_active: reader.number("max_active_faults").map(|most| i64::try_from(most).unwrap_or(i64::MAX)),
            cluster_stats: !reader.flag("disable_downstream_cluster_stats"),
            metadata,
        })
    }

    /// Whether the request is one that faults are meant for.
    fn concern(&self, exchange: &Exchange) -> bool {
        let head = &exchange.request.head;
        let cluster = || exchange.route.as_ref().and_then(|hit| hit.cluster());
        let node = || head.headers.text(&NODE).unwrap_or_default();
        (self.cluster.is_empty() || cluster() == Some(self.cluster.as_str()))
            && (self.nodes.is_empty() || self.nodes.iter().any(|own| own == node()))
            && self.headers.iter().all(|matcher| matcher.matches(head))
    }

    fn delay(&self, headers: &Headers) -> Option<Duration> {
        let delay = self.delay.as_ref()?;
        if !delay.hits(headers, &DELAY_PERCENTAGE, fastrand::u64(..)) {
            return None;
        }
        let duration = delay.amount(|| number(headers, &DELAY).map(Duration::from_millis))?;
        (!duration.is_zero()).then_some(duration)
    }

    fn abort(&self, headers: &Headers) -> Option<Reply> {
        let abort = self.abort.as_ref()?;
        if !abort.hits(headers, &ABORT_PERCENTAGE, fastrand::u64(..)) {
            return None;
        }
        let abort = abort.amount(|| abort_from(headers))?;
        let mut reply = Reply::new(abort.status, "fault_filter_abort", self.body.clone()).flag(Flag::FaultInjected);
        reply.grpc_status = abort.grpc;
        Some(reply)
    }

    fn rate(&self, headers: &Headers) -> Option<u64> {
        let rate = self.rate.as_ref()?;
        let limit = rate.amount(|| number(headers, &THROUGHPUT).filter(|limit| *limit > 0))?;
        rate.hits(headers, &THROUGHPUT_PERCENTAGE, fastrand::u64(..)).then_some(limit)
    }
}

fn number(headers: &Headers, name: &HeaderName) -> Option<u64> {
    headers.text(name)?.trim().parse().ok()
}

fn abort_from(headers: &Headers) -> Option<Abort> {
    let status = number(headers, &ABORT).and_then(|code| u16::try_from(code).ok());
    let status = status.filter(|code| (200..600).contains(code)).and_then(|code| StatusCode::from_u16(code).ok());
    let grpc = || number(headers, &ABORT_GRPC).and_then(|code| u32::try_from(code).ok());
    match status {
        Some(status) => Some(Abort { status, grpc: None }),
        None => Some(Abort { status: StatusCode::OK, grpc: Some(grpc()?) }),
    }
}

#[derive(Debug)]
struct Fault {
    name: Arc<str>,
    faults: Faults,
    scope: Scope,
    /// Counters of callers.
    callers: Counters,
    delays: Arc<Counter>,
    aborts: Arc<Counter>,
    rates: Arc<Counter>,
    overflow: Arc<Counter>,
    active: Arc<Gauge>,
}

/// Counts an exchange as active until it is over.
struct Active(Arc<Gauge>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

/// The response may not be faster than this (KiB a second).
struct Slow(u64);

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, build: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let scope = build.scope.sub("fault");
    Some(Arc::new(Fault {
        name: name.clone(),
        faults: Faults::read(reader)?,
        delays: scope.counter("delays_injected"),
        aborts: scope.counter("aborts_injected"),
        rates: scope.counter("response_rl_injected"),
        overflow: scope.counter("faults_overflow"),
        active: scope.gauge("active_faults"),
        callers: Counters::default(),
        scope,
    }))
}

/// Reads `HTTPFault` of a route.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    Some(Arc::new(Faults::read(reader)?))
}

/// What happens to one request.
struct Plan {
    delay: Option<Duration>,
    abort: Option<Reply>,
    rate: Option<u64>,
    max_active: i64,
    metadata: Option<Value>,
    /// `x-envoy-downstream-service-cluster`, when it has stats of its own.
    caller: Option<String>,
}

impl Fault {
    fn faults<'e>(&'e self, exchange: &'e Exchange) -> &'e Faults {
        let route = exchange.route.as_ref().and_then(|hit| hit.per_route::<Faults>(&self.name));
        route.unwrap_or(&self.faults)
    }

    /// What is to be done, none when nothing is: a roll of the dice.
    fn plan(&self, exchange: &Exchange) -> Option<Plan> {
        let faults = self.faults(exchange);
        if !faults.concern(exchange) {
            return None;
        }
        let headers = &exchange.request.head.headers;
        let (delay, abort, rate) = (faults.delay(headers), faults.abort(headers), faults.rate(headers));
        let caller = headers.text(&CLUSTER).filter(|caller| faults.cluster_stats && !caller.is_empty());
        Some(Plan {
            delay,
            abort,
            rate,
            max_active: faults.max_active.unwrap_or(i64::MAX),
            metadata: faults.metadata.clone(),
            caller: caller.map(str::to_string),
        })
    }

    /// Whether one more exchange may have faults. One that has some already may have more.
    fn admit(&self, exchange: &mut Exchange, max_active: i64) -> bool {
        if kept::<_, Active>(exchange, self).is_some() {
            return true;
        }
        if self.active.value() >= max_active {
            self.overflow.inc();
            return false;
        }
        self.active.add(1);
        keep(exchange, self, Active(self.active.clone()));
        true
    }

    fn count(&self, counter: &Counter, name: &str, caller: Option<&str>) {
        counter.inc();
        if let Some(caller) = caller {
            self.callers.add(&format!("{caller} {name}"), 1, || self.scope.sub(caller).counter(name));
        }
    }

    fn abort(&self, exchange: &mut Exchange, plan: &mut Plan) -> Option<Box<Reply>> {
        let reply = plan.abort.take()?;
        if !self.admit(exchange, plan.max_active) {
            return None;
        }
        self.count(&self.aborts, "aborts_injected", plan.caller.as_deref());
        Some(Box::new(reply))
    }
}

impl HttpFilter for Fault {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let Some(mut plan) = self.plan(exchange) else { return Step::Next };
        if let Some(Value::Object(fields)) = plan.metadata.take() {
            metadata::merge(&mut exchange.info.metadata, NAMESPACE, fields);
        }
        if let Some(rate) = plan.rate.filter(|_| self.admit(exchange, plan.max_active)) {
            self.rates.inc();
            keep(exchange, self, Slow(rate));
        }
        let Some(delay) = plan.delay.filter(|_| self.admit(exchange, plan.max_active)) else {
            return self.abort(exchange, &mut plan).map_or(Step::Next, Step::Reply);
        };
        self.count(&self.delays, "delays_injected", plan.caller.as_deref());
        exchange.info.flags.set(Flag::DelayInjected);
        Step::Wait(Box::pin(async move {
            tokio::time::sleep(delay).await;
            self.abort(exchange, &mut plan).map_or(Ok(()), Err)
        }))
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        if let Some(Slow(rate)) = kept(exchange, self) {
            response.body = throttle::throttled(std::mem::take(&mut response.body), *rate);
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        let faults = self.faults(exchange);
        let injects = faults.delay.is_some() || faults.abort.is_some();
        if !injects || !faults.concern(exchange) {
            return None;
        }
        let delay = faults.delay.as_ref().map(|delay| (delay.share.share(), delay.amount.clone()));
        let abort = faults.abort.as_ref().map(|abort| (abort.share.share(), abort.amount.clone()));
        Some(match (delay, abort) {
            (Some((_, Amount::Header)), _) | (_, Some((_, Amount::Header))) => {
                Verdict::Depends("headers of the request that ask for faults".into())
            }
            (delay, abort) => Verdict::Chance {
                delay: delay.and_then(|(share, amount)| Some((share, amount.fixed()?))),
                abort: abort.and_then(|(share, amount)| Some((share, amount.fixed()?.status.as_u16()))),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;
    use crate::filters::http::testing;

    const CONFIG: &str = "envoy.extensions.filters.http.fault.v3.HTTPFault";

    fn all() -> Value {
        json!({ "numerator": 100 })
    }

    #[tokio::test(start_paused = true)]
    async fn a_delay_waits_and_an_abort_answers() {
        let build = testing::build();
        let config = json!({ "delay": { "fixed_delay": "2s", "percentage": all() },
            "abort": { "http_status": 418, "percentage": all() } });
        let filter = testing::filter_in(&build, CONFIG, &config).unwrap();
        let (mut exchange, started) =
            (testing::exchange("GET", "/", &[("x-envoy-downstream-service-cluster", "web")]), Instant::now());
        let reply = testing::request(&*filter, &mut exchange).await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::from_secs(2));
        assert_eq!((reply.status.as_u16(), &reply.body[..]), (418, &b"fault filter abort"[..]));
        assert_eq!((reply.flag, reply.details.as_str()), (Some(Flag::FaultInjected), "fault_filter_abort"));
        assert!(exchange.info.flags.has(Flag::DelayInjected));
        assert_eq!(build.scope.counter("fault.delays_injected").value(), 1);
        assert_eq!(build.scope.gauge("fault.active_faults").value(), 1);
        drop(exchange);
        assert_eq!(build.scope.gauge("fault.active_faults").value(), 0);
    }

    #[tokio::test]
    async fn without_a_percentage_nothing_is_injected() {
        let filter = testing::filter(CONFIG, &json!({ "abort": { "http_status": 503 } })).unwrap();
        testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap();
    }

    #[tokio::test]
    async fn headers_say_what_is_injected_and_may_lower_the_share() {
        let config = json!({ "abort": { "header_abort": {}, "percentage": all() } });
        let filter = testing::filter(CONFIG, &config).unwrap();
        let status = async |fields: &[(&str, &str)]| {
            let reply = testing::request(&*filter, &mut testing::exchange("GET", "/", fields)).await.err()?;
            Some((reply.status.as_u16(), reply.grpc_status))
        };
        let (http, grpc) = ("x-envoy-fault-abort-request", "x-envoy-fault-abort-grpc-request");
        assert_eq!(status(&[(http, "503")]).await, Some((503, None)));
        assert_eq!(status(&[(http, "700"), (grpc, "14")]).await, Some((200, Some(14))));
        assert_eq!(status(&[]).await, None);
        assert_eq!(status(&[(http, "503"), ("x-envoy-fault-abort-request-percentage", "0")]).await, None);
    }

    #[tokio::test]
    async fn only_matching_requests_and_only_so_many() {
        let build = testing::build();
        let config = json!({ "abort": { "http_status": 503, "percentage": all() }, "max_active_faults": 1,
            "headers": [{ "name": "x-fail", "present_match": true }] });
        let filter = testing::filter_in(&build, CONFIG, &config).unwrap();
        testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap();
        let mut first = testing::exchange("GET", "/", &[("x-fail", "1")]);
        testing::request(&*filter, &mut first).await.unwrap_err();
        testing::request(&*filter, &mut testing::exchange("GET", "/", &[("x-fail", "1")])).await.unwrap();
        assert_eq!(build.scope.counter("fault.faults_overflow").value(), 1);
    }

    #[tokio::test]
    async fn a_wrong_status_is_a_defect() {
        let defects = testing::filter(CONFIG, &json!({ "abort": { "http_status": 99 } })).err().unwrap();
        assert_eq!(defects[0].path, "abort.http_status");
    }
}
