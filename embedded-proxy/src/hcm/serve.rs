//! One exchange from head to end, whatever codec carries it.

use std::sync::Arc;

use http::StatusCode;

use crate::filters::http::Chain;
use crate::http::{Reply, Request, Response, ResponseHead};
use crate::stream::{Connection, Exchange, Flag, StreamInfo};

use super::{Codec, Http1Options, Http2Options, Timeouts};

/// A connection manager: shared by all connections of its filter chain.
#[derive(Debug)]
pub struct Hcm {
    /// Versions of HTTP it speaks.
    pub codec: Codec,
    /// Options of HTTP/1.
    pub http1: Http1Options,
    /// Options of HTTP/2.
    pub http2: Http2Options,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Largest request head, bytes (Envoy's default: 60 KiB).
    pub max_head: usize,
    /// Most request header fields (Envoy's default: 100).
    pub max_fields: usize,
    /// Filters before the router.
    pub chain: Chain,
}

/// What a codec sends, and where it reports what happened to it.
#[derive(Debug)]
pub struct Served {
    /// The response. The codec takes its body.
    pub response: Response,
    exchange: Box<Exchange>,
    hcm: Arc<Hcm>,
    ended: bool,
}

impl Hcm {
    /// Takes one request through the filters to its response. The codec then sends the response and tells [`Served`].
    /// Dropping the future before it is done means that the client went away.
    pub async fn serve(self: &Arc<Self>, connection: &Arc<Connection>, request: Request) -> Served {
        let mut exchange = Box::new(Exchange {
            request,
            connection: connection.clone(),
            route: None,
            route_stale: false,
            info: StreamInfo::begin(),
            random: fastrand::u64(..),
            scratch: crate::stream::Scratch::default(),
        });
        let reply = match self.chain.request(&mut exchange).await {
            Ok(()) => Box::new(Reply::new(http::StatusCode::NOT_FOUND, "route_not_found", "").flag(Flag::NoRouteFound)),
            Err(reply) => reply,
        };
        let response = reply.into_response(&exchange.request.head);
        Served { response, exchange, hcm: self.clone(), ended: false }
    }

    /// The answer to bytes that are no request: for codecs. The connection is closed afterwards.
    pub fn refuse(self: &Arc<Self>, connection: &Arc<Connection>, reply: Reply) -> Response {
        let _ = (self, connection);
        Response::full(reply.status, crate::http::Headers::new(), reply.body)
    }
}

impl Served {
    /// The record, for the codec to fill: times, bytes.
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
        self.end();
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            let head = std::mem::replace(&mut self.response.head, ResponseHead::new(StatusCode::OK));
            self.exchange.info.response = Some(head);
            self.hcm.chain.end(&self.exchange);
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if !self.ended {
            self.exchange.info.flags.set(Flag::DownstreamConnectionTermination);
            self.end();
        }
    }
}
