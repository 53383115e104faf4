//! What the router, filters and TCP proxies call: a request or a connection to a chosen host of a cluster.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::cluster::{Cluster, Host, UpstreamError, UpstreamErrorKind};
use crate::http::{Request, Response, Version, h1};
use crate::net::Io;
use crate::stream::{Connection, Passed, Tls};

use super::Upstream;
use super::active::{Active, Home, Stream, place};
use super::connect::{self, Opened};
use super::key::Wanted;
use super::multiplexed::Slot;
use super::pool::{Grant, Pool, cx_of};

/// Priority of a route: which thresholds of the circuit breakers count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// `DEFAULT`
    #[default]
    Default,
    /// `HIGH`
    High,
}

/// What an attempt wants beside its request. All fields may be left at their defaults.
#[derive(Debug, Clone, Copy, Default)]
pub struct SendOptions<'o> {
    /// Priority of the route.
    pub priority: Priority,
    /// The downstream connection: for upstream PROXY protocol. None for requests of the proxy's own.
    pub downstream: Option<&'o Arc<Connection>>,
    /// Application protocols to offer instead of the configured ones (Istio's ALPN filter).
    pub alpn: Option<&'o [String]>,
    /// Filter state that goes along to a listener inside the proxy.
    pub passed: Option<&'o Passed>,
}

/// Facts of an upstream connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectFacts {
    /// Our address.
    pub local: Option<SocketAddr>,
    /// TLS facts.
    pub tls: Option<Arc<Tls>>,
    /// Version of HTTP that is spoken; none for TCP.
    pub protocol: Option<Version>,
}

/// A response, and the connection it came on.
#[derive(Debug)]
pub struct Answer {
    /// The response; its body may still be arriving. Dropping it cancels the request.
    pub response: Response,
    /// The connection.
    pub facts: ConnectFacts,
}

/// How often a stream is looked for when connections end between being chosen and being used.
const TRIES: usize = 4;

impl Cluster {
    /// Sends a request to a host and returns when the head of the response is there. Dropping the future cancels the
    /// request; there is no timeout but the connect timeout. The rest of the request flows while the response does.
    pub async fn send(
        self: &Arc<Self>,
        host: &Arc<Host>,
        request: Request,
        options: &SendOptions<'_>,
    ) -> Result<Answer, UpstreamError> {
        let pool = host.pools.get(self, &Wanted::of(&self.upstream, &request.head, options))?;
        let mut request = Some(request);
        for _ in 0..TRIES {
            let grant = place(&pool, self, host).await?;
            let active = match Active::begin(self, host, options.priority) {
                Ok(active) => active,
                Err(error) => {
                    pool.unused(grant);
                    return Err(error);
                }
            };
            match grant {
                Grant::Http1(client) => {
                    let Some(request) = request.take() else { break };
                    return send_http1(pool, client, request, active).await;
                }
                Grant::Http2(slot) => {
                    if let Some(answer) = send_http2(&pool, slot, &mut request, active).await {
                        return answer;
                    }
                }
            }
        }
        Err(UpstreamError::unsent(UpstreamErrorKind::Refused, "connections ended before they could be used"))
    }

    /// Opens a connection of its own to a host, transport socket included: for TCP proxies and health checks. It is
    /// counted until it is dropped.
    pub async fn connect(
        self: &Arc<Self>,
        host: &Arc<Host>,
        options: &SendOptions<'_>,
    ) -> Result<(Io, ConnectFacts), UpstreamError> {
        let stats = &self.upstream.stats;
        let most = self.settings.breakers.per_host_connections;
        let room = most.is_none_or(|most| u64::from(host.stats.cx_active.load(Ordering::Relaxed)) < most);
        let Some(permit) = self.breakers(options.priority).connections.try_take().filter(|_| room) else {
            stats.cx_overflow.inc();
            return Err(UpstreamError::unsent(UpstreamErrorKind::Overflow, "overflow"));
        };
        stats.rq_total.inc();
        stats.rq_pending_total.inc();
        host.stats.rq_total.fetch_add(1, Ordering::Relaxed);
        let key = Wanted::plain(&self.upstream, options).to_key();
        let Opened { io, cx } = connect::open(&self.upstream, host, &key, permit).await?;
        // Whoever has a connection of its own uses it until its end.
        cx.active.store(1, Ordering::Relaxed);
        let facts = cx.facts.clone();
        Ok((Io::Counted(Box::new(io.guarded(Box::new(cx)))), facts))
    }
}

impl Cluster {
    /// Opens a connection that counts nowhere: for health checks, which are no traffic. `http2` tells which protocol to
    /// offer when `alpn` and the configuration say none; none for TCP.
    pub(in crate::cluster) async fn connect_uncounted(
        &self,
        host: &Host,
        alpn: Option<&[String]>,
        http2: Option<bool>,
    ) -> Result<Io, String> {
        let options = SendOptions { alpn, ..SendOptions::default() };
        let mut key = Wanted::plain(&self.upstream, &options).to_key();
        key.version = http2.map(|http2| if http2 { Version::Http2 } else { Version::Http11 });
        connect::uncounted(&self.upstream, host, &key).await
    }
}

/// Counts a request that is reset here because nobody waits for its response any more.
struct Unanswered<'u>(Option<&'u Upstream>);

impl Unanswered<'_> {
    /// There is an answer.
    fn answered<T>(mut self, answer: Result<T, UpstreamError>) -> Result<T, UpstreamError> {
        let upstream = self.0.take();
        if let (Some(upstream), Err(error)) = (upstream, &answer) {
            match error.kind {
                UpstreamErrorKind::Reset | UpstreamErrorKind::Refused => upstream.stats.rq_rx_reset.inc(),
                UpstreamErrorKind::Protocol | UpstreamErrorKind::TooLarge => upstream.stats.cx_protocol_error.inc(),
                UpstreamErrorKind::Request(_) => upstream.stats.rq_tx_reset.inc(),
                _ => {}
            }
        }
        answer
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(upstream) = self.0 {
            upstream.stats.rq_tx_reset.inc();
        }
    }
}

async fn send_http1(
    pool: Arc<Pool>,
    client: h1::Client,
    request: Request,
    active: Active,
) -> Result<Answer, UpstreamError> {
    let facts = cx_of(&client).map(|cx| cx.facts.clone()).unwrap_or_default();
    let home = Arc::new(Home { pool: pool.clone(), _active: active });
    let unanswered = Unanswered(Some(&pool.upstream));
    let response = unanswered.answered(client.send(request, home).await)?;
    Ok(Answer { response, facts })
}

/// None: the connection takes no more requests; `request` is still there.
async fn send_http2(
    pool: &Arc<Pool>,
    slot: Slot,
    request: &mut Option<Request>,
    active: Active,
) -> Option<Result<Answer, UpstreamError>> {
    let shared = slot.0.clone();
    if request.as_ref().is_some_and(|request| request.head.upgrade.is_some()) {
        let settled = pool.with_client(&shared, |client| client.settled())?;
        if tokio::time::timeout(pool.upstream.connect_timeout, settled).await.is_err() {
            let detail = "the peer did not send its settings";
            return Some(Err(UpstreamError::unsent(UpstreamErrorKind::ConnectTimeout, detail)));
        }
    }
    let token = Arc::new(Stream { _active: active, _slot: slot });
    let call = pool.with_client(&shared, |client| request.take().map(|request| client.begin(request)))??;
    if shared.is_spent(pool.upstream.http.common.max_requests) {
        pool.upstream.stats.cx_max_requests.inc();
        pool.retire(&shared);
    }
    let facts = shared.cx.facts.clone();
    drop(shared);
    let unanswered = Unanswered(Some(&pool.upstream));
    let response = match call {
        Ok(call) => call.response(token).await,
        Err(error) => Err(error),
    };
    Some(unanswered.answered(response).map(|response| Answer { response, facts }))
}
