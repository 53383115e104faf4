//! A response on its way to the client, and the end of the exchange.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use tokio::time::Instant;

use super::Hcm;
use crate::http::{Body, Response, ResponseHead, StreamError};
use crate::stream::{Exchange, Flag, StreamInfo};
use crate::telemetry::format::{FormatContext, LogType};
use crate::telemetry::trace;

/// What a codec sends, and where it reports what happened to it.
#[derive(Debug)]
pub struct Served {
    /// The response. The codec takes its body and leaves the head for the logs.
    pub response: Response,
    pub(super) exchange: Box<Exchange>,
    hcm: Arc<Hcm>,
    received: Option<Arc<AtomicU64>>,
    /// There was no request that could be read.
    pub(super) headless: bool,
    ended: bool,
}

impl Served {
    /// An exchange that begins. Dropped before it has a response, it ends with the client's departure.
    pub(super) fn new(hcm: Arc<Hcm>, exchange: Box<Exchange>, received: Option<Arc<AtomicU64>>) -> Self {
        let response = Response { head: ResponseHead::new(StatusCode::OK), body: Body::Empty };
        Self { response, exchange, hcm, received, headless: false, ended: false }
    }

    /// Completes the response of the filters and takes it.
    pub(super) fn respond(&mut self, mut response: Response) {
        let hcm = &self.hcm;
        if hcm.tracing.is_some() {
            trace::respond(&mut self.exchange, &mut response.head.headers);
        }
        hcm.response.apply(&mut response.head.headers, &self.exchange.request.head, hcm.request_ids);
        self.exchange.info.code = Some(response.head.status.as_u16());
        self.exchange.info.response_started = Some(Instant::now());
        self.response = response;
    }

    /// The record, for the codec to fill: times, bytes, trailers.
    pub fn info(&mut self) -> &mut StreamInfo {
        &mut self.exchange.info
    }

    /// All of the response was sent.
    pub fn complete(mut self) {
        self.end();
    }

    /// Sending ended early; `flag` says why.
    pub fn abort(mut self, flag: Flag) {
        self.exchange.info.flags.set(flag);
        if let Some(details) = broken_off(flag) {
            self.exchange.info.details = Some(details.to_string());
        }
        self.end();
    }

    /// The response broke off.
    pub fn broken(mut self, error: StreamError) {
        let details = match error {
            StreamError::Disconnected | StreamError::Protocol(_) => {
                Some("upstream_reset_after_response_started{protocol_error}")
            }
            StreamError::Reset(_) => Some("upstream_reset_after_response_started{remote_reset}"),
            StreamError::Timeout => Some("response_timeout"),
            StreamError::Duration => Some("max_duration_timeout"),
            StreamError::TooLarge | StreamError::IdleTimeout => None,
        };
        let info = &mut self.exchange.info;
        if let Some(flag) = error.response_flag() {
            info.flags.set(flag);
        }
        if let Some(details) = details {
            info.details = Some(details.into());
        }
        self.end();
    }

    fn log(&mut self) {
        let exchange = &mut self.exchange;
        // A filter that answers leaves no trace upstream, but the route says where the request would have gone.
        if exchange.info.upstream.cluster.is_none()
            && let Some(cluster) = exchange.route.as_ref().and_then(|hit| hit.cluster())
            && self.hcm.services.clusters.get(cluster).is_some()
        {
            exchange.info.upstream.cluster = Some(cluster.into());
        }
        let mut context = FormatContext::of(exchange).log_type(LogType::DownstreamEnd);
        if self.headless {
            context.request = None;
        }
        self.hcm.access_logs.log(&context);
    }

    fn end(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let info = &mut self.exchange.info;
        info.response_sent.get_or_insert_with(Instant::now);
        if let Some(received) = &self.received {
            info.bytes_received = received.load(Ordering::Relaxed);
        }
        if info.code.is_some() {
            let head = std::mem::replace(&mut self.response.head, ResponseHead::new(StatusCode::OK));
            info.response = Some(head);
        }
        self.hcm.filters.chain.end(&self.exchange);
        self.hcm.stats.end(&self.exchange.info);
        if let Some(tracing) = &self.hcm.tracing {
            let route = self.exchange.route.as_ref().and_then(|hit| hit.route().tracing.as_deref());
            tracing.end(&self.exchange, route.map_or(&[], |route| &route.tags));
        }
        if !self.hcm.access_logs.is_empty() {
            self.log();
        }
    }
}

thread_local! {
    /// How the client goes whose exchange is being dropped right now.
    static LEAVING: Cell<(Flag, &'static str)> = const { Cell::new(DISCONNECT) };
}

const DISCONNECT: (Flag, &str) = (Flag::DownstreamConnectionTermination, "downstream_remote_disconnect");

/// Drops an exchange whose client reset its stream and kept the connection (HTTP/2), so that its end says that.
pub fn drop_as_reset<T>(exchange: impl FnOnce() -> T) {
    LEAVING.set((Flag::DownstreamRemoteReset, "http2.remote_reset"));
    drop(exchange());
    LEAVING.set(DISCONNECT);
}

/// The details of a response that the upstream, or a limit of the route, broke off.
fn broken_off(flag: Flag) -> Option<&'static str> {
    match flag {
        Flag::UpstreamRequestTimeout => Some("response_timeout"),
        Flag::UpstreamConnectionTermination => Some("upstream_reset_after_response_started{connection_termination}"),
        Flag::UpstreamRemoteReset => Some("upstream_reset_after_response_started{remote_reset}"),
        Flag::UpstreamProtocolError => Some("upstream_reset_after_response_started{protocol_error}"),
        _ => None,
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !self.ended {
            let (flag, details) = LEAVING.get();
            self.exchange.info.flags.set(flag);
            if self.exchange.info.code.is_none() {
                self.exchange.info.details = Some(details.into());
            }
            self.end();
        }
    }
}
