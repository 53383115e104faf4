//! Forwarding: attempts, one after the other, until one has an answer for the client.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::cluster::{
    Answer, Avoid, Choice, Cluster, Host, Origin, Outcome, PreviousPriorities, SendOptions, UpstreamError,
};
use crate::http::{Reply, Request, Response, ResponseHead, Version, http_status};
use crate::net::Address;
use crate::route::{Forward, Input, RouteHit, TrafficStats, names};
use crate::services::Services;
use crate::stream::{Exchange, Flag, StickyHost, UpstreamAlpn};
use crate::telemetry::trace;

use super::Router;
use super::attempt::{Attempt, attempt};
use super::replay::{Keeping, Replay};
use super::retry::{Failure, Retries, Traffic, Verdict, each};
use super::serve::is_internal;
use super::tail::{End, Tail};
use super::timeouts::{Announce, Limits};
use super::timer::Timer;
use super::{failure, follow, prepare, shadow};

/// A request that is being forwarded.
pub(super) struct Forwarding<'f> {
    router: &'f Router,
    hit: &'f RouteHit,
    forward: &'f Forward,
    cluster: Arc<Cluster>,
    limits: Limits,
    retries: Option<Retries>,
    body: Replay,
    hash: Option<u64>,
    cookies: Vec<String>,
    traffic: [Option<Arc<TrafficStats>>; 2],
    internal: bool,
    /// Whether responses are counted by code.
    counted: bool,
    tried: Vec<Address>,
    /// Priorities tried, when the policy wants others.
    priorities: Option<PreviousPriorities>,
    /// Hosts that the request lists, last first.
    listed: Vec<String>,
    whole: Option<Timer>,
}

/// The status that counts: that of gRPC, as the HTTP status it maps to, when the head says it.
fn status(head: &ResponseHead) -> u16 {
    let grpc = head.is_grpc().then(|| head.headers.text(&names::GRPC_STATUS)).flatten();
    match grpc.and_then(|status| status.parse().ok()) {
        Some(status) => http_status(status),
        None => head.status.as_u16(),
    }
}

/// What an attempt led to.
enum Next {
    Done(Response),
    Follow,
    Fail(Box<Reply>),
    Again,
}

impl<'f> Forwarding<'f> {
    /// Chooses the cluster and makes the request ready to go.
    pub(super) fn begin(
        router: &'f Router,
        services: &'f Arc<Services>,
        exchange: &mut Exchange,
        hit: &'f RouteHit,
        forward: &'f Forward,
    ) -> Result<Self, Box<Reply>> {
        let Some(cluster) = hit.cluster().and_then(|name| services.clusters.get(name)) else {
            return Err(Box::new(router.no_cluster(forward.missing_cluster)));
        };
        note_cluster(exchange, &cluster);
        let virtual_cluster = hit.host().virtual_cluster(&Input::of(exchange));
        let traffic = [virtual_cluster.map(|(_, stats)| stats.clone()), hit.route().stats.clone()];
        exchange.info.virtual_cluster = virtual_cluster.map(|(name, _)| name.into());
        let head = &mut exchange.request.head;
        if let Some(reply) = router.strict.iter().find_map(|check| check.refuses(head)) {
            return Err(Box::new(reply));
        }
        let dropped = cluster.drops(exchange.random);
        let policy = hit.retry();
        let limits = Limits::take(&forward.timeouts, policy.map(|policy| &**policy), router.respect_expected, head);
        let retries = Retries::take(policy, head);
        let counted = router.dynamic_stats && !(router.suppress_grpc_codes && head.is_grpc());
        let mut cookies = Vec::new();
        let hashes = !forward.hash.is_empty() && cluster.settings.lb.policy.hashes();
        let hash = if hashes {
            forward.hash.hash(&Input::of(exchange), Some(&mut |cookie| cookies.push(cookie)))
        } else {
            None
        };
        let keep = retries.is_some() || !hit.mirrors().is_empty() || forward.internal_redirects.is_some();
        let buffer = hit.buffer_limit().unwrap_or(exchange.connection.buffer_limit.into());
        let body = Replay::new(std::mem::take(&mut exchange.request.body), keep, buffer);
        let internal = is_internal(exchange);
        let frequency = retries.as_ref().and_then(|retries| retries.policy().other_priorities);
        let listed = cluster.settings.lb.listed.as_ref();
        let mut listed =
            listed.map_or_else(Vec::new, |listed| listed.list(&exchange.request.head, &exchange.info.metadata));
        listed.reverse();
        let forwarding = Self {
            router,
            hit,
            forward,
            cluster,
            limits,
            retries,
            body,
            hash,
            cookies,
            traffic,
            internal,
            counted,
            tried: Vec::new(),
            priorities: frequency.map(PreviousPriorities::new),
            listed,
            whole: None,
        };
        each(forwarding.traffic(), |stats| stats.total.inc());
        if let Some(share) = dropped {
            return Err(forwarding.failed(exchange, failure::dropped(share, !router.suppress)));
        }
        forwarding.finish_head(exchange);
        shadow::mirror(services, exchange, hit, &forwarding.body, limits.response);
        Ok(forwarding)
    }

    fn finish_head(&self, exchange: &mut Exchange) {
        self.announce(exchange, Duration::ZERO);
        exchange.info.attempts = 1;
        self.count_attempt(exchange);
        prepare::prepare(exchange, self.hit, !self.router.suppress);
    }

    /// Sends the request until it has an answer. None: the answer is a redirect that is followed.
    pub(super) async fn run(mut self, exchange: &mut Exchange) -> Result<Option<Response>, Box<Reply>> {
        loop {
            let Some(host) = self.pick(exchange) else {
                let strict = |sticky: &&StickyHost| sticky.strict && exchange.info.attempts <= 1;
                let missing = exchange.scratch.get::<StickyHost>().filter(strict).map(|sticky| sticky.missing);
                return Err(self.failed(exchange, failure::no_host(missing)));
            };
            note_host(exchange, &host);
            let outcome = self.send(exchange, &host).await;
            match self.next(exchange, &host, outcome).await {
                Next::Done(response) => return Ok(Some(response)),
                Next::Follow => return Ok(None),
                Next::Fail(reply) => return Err(reply),
                Next::Again => self.prepare_again(exchange),
            }
        }
    }

    fn traffic(&self) -> Traffic<'_> {
        [self.traffic[0].as_ref(), self.traffic[1].as_ref()]
    }

    fn pick(&mut self, exchange: &mut Exchange) -> Option<Arc<Host>> {
        let again = exchange.info.attempts > 1;
        if let Some(sticky) = exchange.scratch.get::<StickyHost>().filter(|_| !again) {
            let host = self.cluster.sticky_host(&sticky.address);
            if host.is_some() || sticky.strict {
                return host;
            }
        }
        let host = match self.next_listed() {
            Some(host) => host,
            None => self.balance(exchange, again)?,
        };
        if let Some(listed) = &self.cluster.settings.lb.listed {
            listed.note(&host, &mut exchange.info.metadata);
        }
        Some(host)
    }

    /// The next host that the request lists and the cluster has.
    fn next_listed(&mut self) -> Option<Arc<Host>> {
        while let Some(address) = self.listed.pop() {
            let host = self.cluster.host(&address);
            if host.is_some() {
                return host;
            }
        }
        None
    }

    /// Asks the balancer. What the retry policy says of hosts counts for retries alone.
    fn balance(&self, exchange: &Exchange, again: bool) -> Option<Arc<Host>> {
        let policy = self.retries.as_ref().map(Retries::policy).filter(|_| again);
        let avoid = policy.map_or_else(Avoid::default, |policy| Avoid {
            hosts: if policy.other_hosts { &self.tried } else { &[] },
            canaries: policy.no_canaries,
            metadata: &policy.no_metadata,
        });
        let subset = self.hit.subset();
        self.cluster.pick(&Choice {
            hash: self.hash,
            subset: &subset,
            avoid,
            priorities: self.priorities.as_ref().filter(|_| again),
            attempts: policy.map_or(0, |policy| policy.host_attempts),
            original_dst: self
                .cluster
                .original_dst(Some((&exchange.request.head, &exchange.info)), &exchange.connection),
            random: fastrand::u64(..),
        })
    }

    async fn send(&mut self, exchange: &mut Exchange, host: &Arc<Host>) -> Attempt {
        if self.retries.is_some() {
            self.tried.push(host.address.clone());
        }
        if let Some(priorities) = &self.priorities {
            priorities.note(host);
        }
        prepare::prepare_for(&mut exchange.request.head, self.hit, host, !self.router.suppress);
        let mut request = Request { head: exchange.request.head.clone(), body: self.body.body() };
        let span = trace::begin_upstream(exchange, &self.cluster.name, &mut request.head);
        let alpn = exchange.scratch.get::<UpstreamAlpn>().map(|alpn| alpn.0.clone());
        let passed = exchange.info.passed();
        let options = SendOptions {
            priority: self.forward.priority,
            downstream: Some(&exchange.connection),
            alpn: alpn.as_deref(),
            passed: passed.as_ref(),
        };
        exchange.info.upstream_started = Some(Instant::now());
        let send = send(&self.cluster, self.forward, host, request, &options);
        let outcome = attempt(send, &self.body, &self.limits, &mut self.whole, exchange.info.started).await;
        if let Some(span) = span {
            let code =
                if let Attempt::Answer(answer) = &outcome { Some(answer.response.head.status.as_u16()) } else { None };
            span.end(exchange, code);
        }
        outcome
    }

    /// Decides what follows an attempt.
    async fn next(&mut self, exchange: &mut Exchange, host: &Arc<Host>, outcome: Attempt) -> Next {
        self.report(exchange, host, &outcome);
        match outcome {
            Attempt::Answer(answer) => self.answered(exchange, answer).await,
            Attempt::Reset(error) => {
                if self.try_again(exchange, &Failure::Reset(&error)).await {
                    return Next::Again;
                }
                self.reset(exchange, &error)
            }
            Attempt::Timeout => {
                self.cluster.requests.timeout.inc();
                each(self.traffic(), |stats| stats.timeout.inc());
                self.timed_out(exchange, "response_timeout")
            }
            Attempt::PerTryTimeout => {
                self.cluster.requests.per_try_timeout.inc();
                self.try_timed_out(exchange, "upstream_per_try_timeout").await
            }
            Attempt::PerTryIdle => {
                self.cluster.requests.per_try_idle_timeout.inc();
                self.try_timed_out(exchange, "upstream_per_try_idle_timeout").await
            }
        }
    }

    /// Tells the cluster what came of an attempt: for outlier detection, peak EWMA and health checks.
    fn report(&self, exchange: &Exchange, host: &Arc<Host>, attempt: &Attempt) {
        let outcome = match attempt {
            Attempt::Answer(answer) => {
                let head = &answer.response.head;
                if self.cluster.is_checked() && head.headers.has(&names::IMMEDIATE_HEALTH_CHECK_FAIL) {
                    self.cluster.fail_health_check(host);
                }
                self.cluster.report(host, Outcome::Connected, None);
                Some(Outcome::Response(status(head)))
            }
            Attempt::Reset(error) => Outcome::of(error),
            _ => Some(Outcome::Timeout(Some(self.limits.status.as_u16()))),
        };
        if let Some(outcome) = outcome {
            self.cluster.report(host, outcome, exchange.info.upstream_started);
        }
    }

    async fn try_timed_out(&mut self, exchange: &mut Exchange, details: &'static str) -> Next {
        if self.try_again(exchange, &Failure::Timeout).await {
            if self.hit.host().tell_timeout_retry {
                exchange.request.head.headers.set(names::IS_TIMEOUT_RETRY, HeaderValue::from_static("true"));
            }
            return Next::Again;
        }
        self.timed_out(exchange, details)
    }

    fn timed_out(&self, exchange: &Exchange, details: &'static str) -> Next {
        Next::Fail(self.failed(exchange, failure::timeout(self.limits.status, details)))
    }

    fn reset(&self, exchange: &mut Exchange, error: &UpstreamError) -> Next {
        let flag = error.flag();
        if flag == Flag::UpstreamConnectionFailure {
            exchange.info.upstream.failure = Some(error.detail.replace([' ', '\t'], "_"));
        }
        let reply = failure::reset(error, exchange.info.attempts > 1, !self.router.suppress);
        Next::Fail(self.failed(exchange, reply))
    }

    /// Whether to try again, after the wait that is due.
    async fn try_again(&mut self, exchange: &mut Exchange, failure: &Failure<'_>) -> bool {
        let traffic = [self.traffic[0].clone(), self.traffic[1].clone()];
        let Some(retries) = &mut self.retries else { return false };
        if self.body.keeping() == Keeping::TooLarge {
            self.cluster.requests.retry_or_shadow_abandoned.inc();
            self.retries = None;
            return false;
        }
        let traffic = [traffic[0].as_ref(), traffic[1].as_ref()];
        match retries.decide(failure, &self.cluster, self.forward.priority, traffic) {
            Verdict::Again(wait) => {
                tokio::time::sleep(wait).await;
                exchange.info.attempts += 1;
                true
            }
            Verdict::No => false,
            Verdict::LimitExceeded => {
                exchange.info.flags.set(Flag::UpstreamRetryLimitExceeded);
                false
            }
            Verdict::Overflow => {
                exchange.info.flags.set(Flag::UpstreamOverflow);
                false
            }
        }
    }

    /// The head of the next attempt.
    fn prepare_again(&mut self, exchange: &mut Exchange) {
        self.count_attempt(exchange);
        let ended = self.body.ended_at(exchange.info.started);
        self.announce(exchange, ended.map(|ended| ended.elapsed()).unwrap_or_default());
    }

    fn count_attempt(&self, exchange: &mut Exchange) {
        if self.hit.host().count_attempts {
            exchange.request.head.headers.set(names::ATTEMPT_COUNT, exchange.info.attempts.into());
        }
    }

    fn announce(&self, exchange: &mut Exchange, elapsed: Duration) {
        let rules = Announce { insert: !self.router.suppress, keep: self.router.respect_expected };
        self.limits.announce(&self.forward.timeouts, elapsed, rules, &mut exchange.request.head);
    }

    /// The upstream answered.
    async fn answered(&mut self, exchange: &mut Exchange, answer: Answer) -> Next {
        note_answer(exchange, &answer);
        let Answer { mut response, .. } = answer;
        if self.try_again(exchange, &Failure::Response(&response.head)).await {
            self.cluster.requests.count_retried(response.head.status);
            return Next::Again;
        }
        if self.follows(exchange, &response.head) {
            return Next::Follow;
        }
        self.body.let_go();
        let ended = self.body.ended_at(exchange.info.started);
        if let Some(ended) = ended.filter(|_| !self.router.suppress) {
            let milliseconds = u64::try_from(ended.elapsed().as_millis()).unwrap_or(u64::MAX);
            response.head.headers.set(names::SERVICE_TIME, milliseconds.into());
        }
        let origin = self.origin(&response.head);
        self.count(response.head.status, origin);
        prepare::set_cookies(&mut response.head.headers, std::mem::take(&mut self.cookies));
        exchange.info.code = Some(response.head.status.as_u16());
        exchange.info.details = Some("via_upstream".to_string());
        self.hit.edit_response(exchange, &mut response.head);
        self.tell_attempts(exchange, &mut response.head);
        let end = End {
            cluster: self.cluster.clone(),
            traffic: self.traffic.clone(),
            origin,
            timed: self.counted,
            broken: self.router.stats.reset_after_start.clone(),
            began: exchange.info.started,
            request: self.body.clone(),
        };
        let (limit, idle) = (self.limits.response, self.limits.per_try_idle);
        response.body = Tail::wrap(response.body, end, self.whole.take(), limit, idle);
        Next::Done(response)
    }

    /// Whether the response is a redirect that is followed here. Then the exchange is the new one.
    fn follows(&self, exchange: &mut Exchange, head: &ResponseHead) -> bool {
        let rules = self.forward.internal_redirects.as_ref();
        let Some(rules) = rules.filter(|rules| rules.follows(head.status)) else { return false };
        let followed = follow::follow(exchange, head, rules, self.hit, &self.body);
        let stats = &self.cluster.requests;
        if followed {
            stats.internal_redirect_succeeded.inc();
        } else {
            stats.internal_redirect_failed.inc();
        }
        followed
    }

    fn origin(&self, head: &ResponseHead) -> Origin {
        let canary = head.headers.get(&names::UPSTREAM_CANARY).is_some_and(|value| value == "true");
        Origin { internal: self.internal, canary }
    }

    fn tell_attempts(&self, exchange: &Exchange, head: &mut ResponseHead) {
        if self.hit.host().count_attempts_in_response {
            head.headers.set(names::ATTEMPT_COUNT, exchange.info.attempts.into());
        }
    }

    /// Counts what the client gets.
    fn count(&self, status: StatusCode, origin: Origin) {
        if self.counted {
            self.cluster.requests.count(status, origin);
            each(self.traffic(), |stats| stats.codes.count(status));
        }
    }

    /// Completes a reply of our own.
    fn failed(&self, exchange: &Exchange, mut reply: Reply) -> Box<Reply> {
        self.count(reply.status, Origin { internal: self.internal, canary: false });
        if self.hit.host().count_attempts_in_response && exchange.info.attempts > 0 {
            reply.headers.set(names::ATTEMPT_COUNT, exchange.info.attempts.into());
        }
        Box::new(reply)
    }
}

/// Sends a request, or ends it here.
async fn send(
    cluster: &Arc<Cluster>,
    forward: &Forward,
    host: &Arc<Host>,
    request: Request,
    options: &SendOptions<'_>,
) -> Result<Answer, UpstreamError> {
    let Some(connect) = forward.ends(&request.head.method) else {
        return cluster.send(host, request, options).await;
    };
    let ends = connect.header.as_ref().zip(options.downstream);
    let first = ends.map(|(header, from)| header.of(from)).unwrap_or_default();
    Box::pin(cluster.terminate(host, request.body, &first, options)).await
}

fn note_cluster(exchange: &mut Exchange, cluster: &Cluster) {
    exchange.info.upstream.cluster = Some(cluster.name.clone());
    exchange.info.upstream.cluster_alt = Some(cluster.observability_name().clone());
}

fn note_host(exchange: &mut Exchange, host: &Host) {
    let upstream = &mut exchange.info.upstream;
    upstream.host = Some(host.address.clone());
    upstream.hostname.clone_from(&host.hostname);
    upstream.metadata = Some(host.metadata());
}

fn note_answer(exchange: &mut Exchange, answer: &Answer) {
    let info = &mut exchange.info;
    info.upstream_first = Some(Instant::now());
    info.upstream.local = answer.facts.local;
    info.upstream.tls.clone_from(&answer.facts.tls);
    info.upstream.protocol = answer.facts.protocol.map(Version::as_str);
}
