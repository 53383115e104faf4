//! One exchange from its head to its response, whatever codec carries it.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use tokio::time::timeout_at;

use super::path::Normalized;
use super::{Filters, Hcm, Overdue, Served, Underscores, upgrade};
use crate::http::{Body, Frame, Headers, Reply, Request, RequestHead, Response, ResponseHead, Version};
use crate::route::{Input, RouteHit};
use crate::stream::{Connection, Exchange, RepliesAsHttp, Scratch, StreamInfo};
use crate::telemetry::trace::Overrides;

impl Hcm {
    /// Takes one request through the filters to its response. The codec then sends the response and tells [`Served`].
    /// Dropping the future before it is done means that the client went away; `overdue` makes it answer at once.
    pub async fn serve(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        mut request: Request,
        overdue: &Overdue,
    ) -> Served {
        self.stats.begin(request.head.version);
        let received = count(&mut request);
        let mut served = Served::new(self.clone(), begin(connection, request), received);
        let exchange = &mut served.exchange;
        let response = match self.prepare(exchange) {
            Err(reply) => self.reply(exchange, *reply),
            Ok(filters) => {
                let filters = filters.unwrap_or(&self.filters);
                let mut response = match self.limit(exchange) {
                    None => self.answer(filters, exchange, overdue).await,
                    Some(limit) => match timeout_at(limit.end, self.answer(filters, exchange, overdue)).await {
                        Ok(mut response) if limit.whole => {
                            response.body = response.body.until(limit.end);
                            response
                        }
                        Ok(response) => response,
                        Err(_) => self.reply(exchange, limit.reply()),
                    },
                };
                filters.chain.response(exchange, &mut response).await;
                response
            }
        };
        served.respond(response);
        served
    }

    /// Prepares a request that nobody sent, for `decide`: the exchange as the first filter would see it, with the filters
    /// that would see it, or the answer that it would get before.
    pub(crate) fn consider(
        &self,
        connection: &Connection,
        request: Request,
        random: u64,
    ) -> (Box<Exchange>, Result<&Filters, Box<Reply>>) {
        let mut exchange = begin(&Arc::new(connection.clone()), request);
        exchange.random = random;
        let prepared = self.prepare(&mut exchange).map(|filters| filters.unwrap_or(&self.filters));
        (exchange, prepared)
    }

    /// A reply as `local_reply_config` rewrites it, for `decide`.
    pub(crate) fn rewritten(&self, exchange: &mut Exchange, mut reply: Box<Reply>) -> Box<Reply> {
        self.local_replies.apply(exchange, &mut reply);
        reply
    }

    /// Asks filters and router, as long as the codec waits.
    async fn answer(&self, filters: &Filters, exchange: &mut Exchange, overdue: &Overdue) -> Response {
        let answer = {
            let mut asking = pin!(self.ask(filters, exchange));
            poll_fn(|cx| match asking.as_mut().poll(cx) {
                Poll::Ready(response) => Poll::Ready(Ok(response)),
                Poll::Pending => overdue.why().map_or(Poll::Pending, |why| Poll::Ready(Err(why))),
            })
            .await
        };
        answer.unwrap_or_else(|why| self.reply(exchange, why.into()))
    }

    /// Asks filters and router.
    async fn ask(&self, filters: &Filters, exchange: &mut Exchange) -> Response {
        // A redirect that the router follows goes through the filters again, so that none is passed by.
        loop {
            let outcome = match filters.chain.request(exchange).await {
                Err(reply) => Err(reply),
                Ok(()) => filters.router.serve(&self.services, exchange).await,
            };
            match outcome {
                Ok(Some(response)) => return response,
                Ok(None) => {}
                Err(reply) => return self.reply(exchange, *reply),
            }
        }
    }

    /// The answer to bytes that are no request: for codecs. The connection is closed afterwards.
    pub fn refuse(self: &Arc<Self>, connection: &Arc<Connection>, version: Version, reply: Reply) -> Served {
        self.stats.begin(version);
        let head = RequestHead {
            method: Method::GET,
            scheme: connection.scheme(),
            authority: String::new(),
            path: String::new(),
            upgrade: None,
            version,
            headers: Headers::new(),
        };
        let mut served = Served::new(self.clone(), begin(connection, Request { head, body: Body::Empty }), None);
        served.headless = true;
        let response = self.reply(&mut served.exchange, reply);
        served.respond(response);
        served
    }

    /// Checks and completes the request's head and finds its route. The filters are those of an upgrade, if it has some.
    fn prepare<'h>(&'h self, exchange: &mut Exchange) -> Result<Option<&'h Filters>, Box<Reply>> {
        let head = &mut exchange.request.head;
        if let Err(mut reply) = self.check(head).and_then(|()| self.normalize(head)) {
            // Whoever sends this does not get another try on the same connection.
            if head.version != Version::Http2 && !reply.status.is_redirection() {
                reply.headers.set(header::CONNECTION, HeaderValue::from_static("close"));
            }
            return Err(reply);
        }
        let connection = exchange.connection.clone();
        let head = &mut exchange.request.head;
        let connect = head.method == Method::CONNECT;
        self.hosts.apply(&mut head.authority, connect, connection.local.port());
        let origin = self.forwarding.apply(head, &connection);
        if let Some(agent) = &self.user_agent {
            head.headers.set(HeaderName::from_static("x-envoy-downstream-service-cluster"), agent.clone());
            if let Ok(node) = HeaderValue::try_from(self.services.node.id.as_str()) {
                head.headers.set(HeaderName::from_static("x-envoy-downstream-service-node"), node);
            }
            if !head.headers.has(&header::USER_AGENT) {
                head.headers.set(header::USER_AGENT, agent.clone());
            }
        }
        self.response.add_via(&mut head.headers);
        self.request_ids.apply(&mut head.headers, &origin, exchange.random);
        self.client_cert.apply(&mut head.headers, &connection);
        if origin.client != connection.remote {
            exchange.info.remote = Some(origin.client);
        }
        let table = self.routes.table(&exchange.request.head);
        if let Some(table) = table.as_ref().filter(|_| !origin.internal) {
            for name in &table.internal_only {
                exchange.request.head.headers.remove(name);
            }
        }
        exchange.route = table.and_then(|table| table.find(&Input::of(exchange)));
        if let Some(hit) = &exchange.route {
            hit.note(&mut exchange.info);
        }
        self.trace(exchange);
        self.upgrade(exchange)
    }

    /// Begins the span of the request, if this connection manager traces.
    fn trace(&self, exchange: &mut Exchange) {
        let Some(tracing) = &self.tracing else { return };
        let hit = exchange.route.clone();
        let route = hit.as_ref().and_then(|hit| hit.route().tracing.as_deref());
        let overrides = route.map(|route| Overrides {
            operation: route.operation.as_deref(),
            propagate: route.propagate,
            client: route.client,
            random: route.random,
            overall: route.overall,
        });
        tracing.begin(exchange, overrides.unwrap_or_default(), self.request_ids.pack_trace_reason);
    }

    /// Waits until what the control plane gives is there, or has been waited for long enough.
    pub async fn ready(&self) {
        self.routes.ready().await;
    }

    /// The route that the request takes now.
    pub fn find_route(&self, exchange: &Exchange) -> Option<RouteHit> {
        self.routes.table(&exchange.request.head)?.find(&Input::of(exchange))
    }

    fn check(&self, head: &mut RequestHead) -> Result<(), Box<Reply>> {
        let refuse = |status: StatusCode, details: &str| Err(Box::new(Reply::new(status, details, "")));
        match self.underscores {
            Underscores::Drop => head.headers.retain(|name, _| !name.as_str().contains('_')),
            Underscores::Reject if head.headers.iter().any(|(name, _)| name.as_str().contains('_')) => {
                let reply = Reply::new(StatusCode::BAD_REQUEST, "http1.unexpected_underscore", "Bad Request");
                return Err(Box::new(reply));
            }
            Underscores::Reject | Underscores::Allow => {}
        }
        if head.authority.is_empty() && head.version == Version::Http10 {
            head.authority.clone_from(&self.http1.default_host);
        }
        if head.authority.is_empty() {
            return refuse(StatusCode::BAD_REQUEST, "missing_host_header");
        }
        let connect = head.method == Method::CONNECT;
        if head.path.is_empty() && !connect {
            return refuse(StatusCode::NOT_FOUND, "missing_path_rejected");
        }
        let usable = head.path.starts_with('/') || head.path == "*" || connect && head.path.is_empty();
        if !usable {
            self.stats.non_relative_path.inc();
            return refuse(StatusCode::NOT_FOUND, "absolute_path_rejected");
        }
        Ok(())
    }

    fn normalize(&self, head: &mut RequestHead) -> Result<(), Box<Reply>> {
        match self.paths.apply(&head.path) {
            Normalized::Path(std::borrow::Cow::Borrowed(_)) => Ok(()),
            Normalized::Path(std::borrow::Cow::Owned(path)) => {
                head.path = path;
                Ok(())
            }
            Normalized::Redirect(path) if !head.is_grpc() => {
                let mut reply = Reply::new(StatusCode::TEMPORARY_REDIRECT, "path_normalization_failed", "");
                if let Ok(location) = HeaderValue::try_from(path) {
                    reply.headers.set(header::LOCATION, location);
                }
                Err(Box::new(reply))
            }
            Normalized::Redirect(_) | Normalized::Refuse => {
                Err(Box::new(Reply::new(StatusCode::BAD_REQUEST, "path_normalization_failed", "")))
            }
        }
    }

    /// Refuses an upgrade that neither connection manager nor route allow.
    fn upgrade<'h>(&'h self, exchange: &Exchange) -> Result<Option<&'h Filters>, Box<Reply>> {
        let head = &exchange.request.head;
        let kind = match &head.upgrade {
            Some(kind) => kind.as_str(),
            None if head.method == Method::CONNECT => "CONNECT",
            None => return Ok(None),
        };
        if head.method == Method::CONNECT && exchange.route.is_none() {
            // The router says that there is no route.
            return Ok(None);
        }
        let known = upgrade::find(&self.upgrades, kind);
        let route = exchange.route.as_ref().and_then(|hit| hit.forward()?.allows_upgrade(kind));
        if !route.or(known.map(|upgrade| upgrade.enabled)).unwrap_or(false) {
            return Err(Box::new(Reply::new(StatusCode::FORBIDDEN, "upgrade_failed", "")));
        }
        self.stats.upgrades.inc();
        Ok(known.and_then(|upgrade| upgrade.filters.as_ref()))
    }

    /// Turns a local reply into a response and notes what it means.
    fn reply(&self, exchange: &mut Exchange, mut reply: Reply) -> Response {
        if let Some(hit) = exchange.route.as_ref().filter(|hit| hit.edits_replies()) {
            let mut head = ResponseHead::new(reply.status);
            hit.edit_response(exchange, &mut head);
            for (name, value) in std::mem::replace(&mut reply.headers, head.headers) {
                reply.headers.add(name, value);
            }
        }
        self.local_replies.apply(exchange, &mut reply);
        if let Some(flag) = reply.flag {
            exchange.info.flags.set(flag);
        }
        exchange.info.code = Some(reply.status.as_u16());
        exchange.info.details = Some(reply.details.clone());
        if exchange.scratch.get::<RepliesAsHttp>().is_some() {
            return reply.into_http(&exchange.request.head.method);
        }
        reply.into_response(&exchange.request.head)
    }
}

fn begin(connection: &Arc<Connection>, request: Request) -> Box<Exchange> {
    let mut info = StreamInfo::begin();
    if request.body.is_empty() {
        info.request_received = Some(info.started);
    }
    info.metadata.clone_from(&connection.metadata);
    info.state.clone_from(&connection.state);
    info.shared.clone_from(&connection.shared);
    Box::new(Exchange {
        request,
        connection: connection.clone(),
        route: None,
        route_stale: false,
        info,
        random: fastrand::u64(..),
        scratch: Scratch::default(),
    })
}

/// Counts the bytes of a request's body where its codec does not.
fn count(request: &mut Request) -> Option<Arc<AtomicU64>> {
    if request.body.is_empty() || request.head.version != Version::Http2 {
        return None;
    }
    let body = &mut request.body;
    let received = Arc::new(AtomicU64::new(0));
    let counter = received.clone();
    *body = std::mem::take(body).tapped(move |frame| {
        if let Frame::Data(data) = frame {
            counter.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
    });
    Some(received)
}
