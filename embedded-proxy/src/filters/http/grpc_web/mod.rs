//! `envoy.filters.http.grpc_web`: browsers, which cannot read trailers, call gRPC services. The request becomes gRPC, the
//! trailers of the response become a last message of its body, and an answer that is no gRPC becomes a `grpc-message`.

mod text;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderName, HeaderValue, StatusCode, header};

use self::text::{Decoder, Encoder};
use super::counters::Counters;
use super::{HttpFilter, Step};
use crate::http::{
    Body, BodyStream, Frame, Headers, Reply, Response, StreamError, Version, grpc_status, percent_encode,
};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::{Exchange, RepliesAsHttp};
use crate::telemetry::stats::Scope;

const GRPC: &str = "application/grpc";
const WEB_PROTO: &str = "application/grpc-web+proto";
const WEB_TEXT_PROTO: &str = "application/grpc-web-text+proto";
const BINARY: [&str; 2] = ["application/grpc-web", WEB_PROTO];
const TEXT: [&str; 2] = ["application/grpc-web-text", WEB_TEXT_PROTO];

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// How much of a foreign body goes into `grpc-message`.
const MESSAGE: usize = 16384;

/// The flag of the message that holds the trailers.
const TRAILERS: u8 = 0x80;

struct GrpcWeb {
    services: Arc<Services>,
    counters: Arc<Counters>,
}

/// A call of this kind. Kept in the exchange's scratch.
#[derive(Clone)]
struct Call {
    /// The client wants base64.
    text: bool,
    count: Option<Count>,
}

/// Where the status of a call is counted.
#[derive(Clone)]
struct Count {
    scope: Scope,
    key: Arc<str>,
    counters: Arc<Counters>,
}

impl Count {
    fn status(&self, headers: &Headers) {
        let Some(status) = headers.text(&GRPC_STATUS) else { return };
        for name in [status, if status == "0" { "success" } else { "failure" }, "total"] {
            self.counters.add(&format!("{}{name}", self.key), 1, || self.scope.counter(name));
        }
    }
}

/// Makes the filter.
#[allow(clippy::unnecessary_wraps)] // The registry wants it so.
pub(super) fn make(_: &Reader<'_>, build: &Build, _: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    Some(Arc::new(GrpcWeb { services: build.services.clone(), counters: Arc::default() }))
}

impl GrpcWeb {
    fn count(&self, exchange: &Exchange) -> Option<Count> {
        let cluster = self.services.clusters.get(exchange.route.as_ref()?.cluster()?)?;
        let (service, method) = exchange.request.head.path_only().strip_prefix('/')?.split_once('/')?;
        if service.is_empty() || method.is_empty() || method.contains('/') {
            return None;
        }
        let scope = cluster.scope.sub("grpc-web").variable("envoy_grpc_bridge_service", service);
        let scope = scope.variable("envoy_grpc_bridge_method", method);
        let key = format!("{} {service}/{method} ", cluster.name).into();
        Some(Count { scope, key, counters: self.counters.clone() })
    }
}

/// Makes the head that of a gRPC call. Returns whether the body is text.
fn to_grpc(headers: &mut Headers) -> bool {
    let text = headers.text(&header::CONTENT_TYPE).is_some_and(|kind| TEXT.contains(&kind));
    // The length is that of the text, and of a message with another framing.
    headers.remove(&header::CONTENT_LENGTH);
    headers.set(header::CONTENT_TYPE, HeaderValue::from_static(GRPC));
    headers.set(header::TE, HeaderValue::from_static("trailers"));
    if !headers.has(&GRPC_ACCEPT_ENCODING) {
        headers.add(GRPC_ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    text
}

/// The answer to a body that is no base64, with the word for why.
fn refuse(details: &str, version: Version) -> Box<Reply> {
    let text = "Bad gRPC-web request, invalid base64 data.";
    let mut reply = Reply::new(StatusCode::BAD_REQUEST, details, text);
    // Envoy has not read all of the request by then.
    if version != Version::Http2 {
        reply.headers.set(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Box::new(reply)
}

/// Decodes a body that is all here; a longer one is decoded on its way.
async fn decode(exchange: &mut Exchange) -> Result<(), Box<Reply>> {
    let limit = usize::try_from(exchange.connection.buffer_limit).unwrap_or(usize::MAX);
    let mut body = std::mem::take(&mut exchange.request.body);
    let Ok((bytes, trailers, whole)) = body.read_ahead(limit).await else {
        return Err(Box::new(Reply::new(StatusCode::BAD_REQUEST, "downstream_body_error", "")));
    };
    if whole && bytes.len() % 4 != 0 {
        return Err(refuse("grpc_base_64_decode_failed_bad_size", exchange.request.head.version));
    }
    let sent = if whole { Body::ended(bytes, trailers) } else { body.behind(bytes, None) };
    let mut decoded = Decoder::wrap(sent);
    exchange.request.body = if whole {
        match decoded.read_ahead(limit).await {
            Ok((bytes, trailers, _)) => Body::ended(bytes, trailers),
            Err(_) => return Err(refuse("grpc_base_64_decode_failed", exchange.request.head.version)),
        }
    } else {
        decoded
    };
    Ok(())
}

/// Whether a response is gRPC, or what a server that speaks gRPC-Web itself says.
fn is_ours(response: &Response) -> bool {
    let head = &response.head;
    if response.body.is_empty() && head.headers.has(&GRPC_STATUS) {
        return true;
    }
    let kind = head.headers.text(&header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim_end();
    let web = BINARY.iter().any(|own| own.eq_ignore_ascii_case(kind));
    head.status == StatusCode::OK && (head.is_grpc() || web)
}

/// Reads a body that is no gRPC and says it in `grpc-message`.
async fn tell(response: &mut Response) {
    let (mut message, mut trailers) = (BytesMut::new(), None);
    while let Some(Ok(frame)) = response.body.frame().await {
        match frame {
            Frame::Data(data) => message.extend_from_slice(&data[..data.len().min(MESSAGE - message.len())]),
            Frame::Trailers(sent) => {
                trailers = Some(sent);
                break;
            }
        }
    }
    let headers = &mut response.head.headers;
    if let Ok(message) = HeaderValue::try_from(percent_encode(&message)) {
        headers.set(GRPC_MESSAGE, message);
    }
    headers.set(GRPC_STATUS, grpc_status(response.head.status).into());
    response.body = Body::ended(Bytes::new(), trailers);
}

/// A response's body with its trailers as its last message.
struct Answer {
    body: Body,
    text: Option<Encoder>,
    count: Option<Count>,
    ended: bool,
}

impl Answer {
    fn trailers(&mut self, trailers: &Headers) -> Bytes {
        if let Some(count) = &self.count {
            count.status(trailers);
        }
        let mut lines = Vec::new();
        for (name, value) in trailers.iter() {
            lines.extend_from_slice(name.as_str().as_bytes());
            lines.push(b':');
            lines.extend_from_slice(value.as_bytes());
            lines.extend_from_slice(b"\r\n");
        }
        let mut message = BytesMut::with_capacity(lines.len() + 5);
        message.put_u8(TRAILERS);
        message.put_u32(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        message.extend_from_slice(&lines);
        match &mut self.text {
            Some(_) => Encoder::default().encode(&message),
            None => message.freeze(),
        }
    }
}

impl BodyStream for Answer {
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame, StreamError>>> {
        use std::task::Poll;
        if self.ended {
            return Poll::Ready(None);
        }
        loop {
            let frame = match std::task::ready!(self.body.poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                other => return Poll::Ready(other),
            };
            let data = match frame {
                Frame::Data(data) => match &mut self.text {
                    Some(encoder) => encoder.encode(&data),
                    None => data,
                },
                Frame::Trailers(trailers) => {
                    self.ended = true;
                    self.trailers(&trailers)
                }
            };
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::Data(data))));
            }
        }
    }
}

impl HttpFilter for GrpcWeb {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let headers = &exchange.request.head.headers;
        let says = |name, kinds: &[&str]| headers.text(name).is_some_and(|kind| kinds.contains(&kind));
        let ours = says(&header::CONTENT_TYPE, &BINARY) || says(&header::CONTENT_TYPE, &TEXT);
        if !ours || exchange.request.head.path.is_empty() {
            return Step::Next;
        }
        let text = says(&header::ACCEPT, &TEXT);
        let count = self.count(exchange);
        exchange.scratch.put(Call { text, count });
        exchange.scratch.put(RepliesAsHttp);
        if !to_grpc(&mut exchange.request.head.headers) || exchange.request.body.is_empty() {
            return Step::Next;
        }
        // What is not forwarded needs no body.
        if exchange.route.as_ref().and_then(|hit| hit.cluster()).is_none() {
            exchange.request.body = Decoder::wrap(std::mem::take(&mut exchange.request.body));
            return Step::Next;
        }
        Step::Wait(Box::pin(decode(exchange)))
    }

    fn wait_response<'f>(
        &'f self,
        exchange: &'f Exchange,
        response: &'f mut Response,
    ) -> Option<Pin<Box<dyn Future<Output = ()> + Send + 'f>>> {
        exchange.scratch.get::<Call>()?;
        if response.body.is_empty() || is_ours(response) {
            return None;
        }
        Some(Box::pin(tell(response)))
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        let Some(call) = exchange.scratch.get::<Call>() else { return };
        let headers = &mut response.head.headers;
        if let Some(count) = &call.count {
            count.status(headers);
        }
        headers.remove(&header::CONTENT_LENGTH);
        let kind = if call.text { WEB_TEXT_PROTO } else { WEB_PROTO };
        headers.set(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if response.body.is_empty() {
            headers.set(header::CONTENT_LENGTH, 0.into());
            return;
        }
        let body = std::mem::take(&mut response.body);
        let text = call.text.then(Encoder::default);
        response.body = Body::stream(Answer { body, text, count: call.count.clone(), ended: false });
    }
}

#[cfg(test)]
mod tests;
