//! What tests of filters need: an exchange without a connection, a filter from JSON.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::{HttpFilter, Step, registry};
use crate::http::{Body, BodyStream, Frame, Headers, Reply, Request, RequestHead, StreamError, Version};
use crate::proto::{Defect, Defects, Reader, from_json};
use crate::services::Build;
use crate::stream::{Connection, Exchange, Scratch, StreamInfo};

/// A plain connection from 10.0.0.1 to 10.0.0.2:8080.
pub(crate) fn connection() -> Connection {
    let client = "10.0.0.1:40000".parse().unwrap();
    let server = "10.0.0.2:8080".parse().unwrap();
    Connection {
        id: 1,
        listener: "test".into(),
        direction: crate::stream::Direction::Inbound,
        ..Connection::plain(server, client)
    }
}

/// A request head for `example.com`.
pub(crate) fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> RequestHead {
    let field = |(name, value): &(&str, &str)| {
        (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap())
    };
    RequestHead {
        method: method.parse().unwrap(),
        scheme: "http",
        authority: "example.com".into(),
        path: path.into(),
        upgrade: None,
        version: Version::Http11,
        headers: fields.iter().map(field).collect::<Headers>(),
    }
}

/// A request without a body on [`connection`].
pub(crate) fn exchange(method: &str, path: &str, fields: &[(&str, &str)]) -> Exchange {
    Exchange {
        request: Request { head: head(method, path, fields), body: Body::Empty },
        connection: Arc::new(connection()),
        route: None,
        route_stale: false,
        info: StreamInfo::begin(),
        random: 0,
        scratch: Scratch::default(),
    }
}

/// Services without clusters; needs a runtime.
pub(crate) fn build() -> Build {
    crate::services::for_tests()
}

/// The filter of a registered kind from JSON, called `test`.
pub(crate) fn filter(kind: &str, config: &Value) -> Result<Arc<dyn HttpFilter>, Vec<Defect>> {
    filter_in(&build(), kind, config)
}

/// The same within services that the test looks at afterwards.
pub(crate) fn filter_in(build: &Build, kind: &str, config: &Value) -> Result<Arc<dyn HttpFilter>, Vec<Defect>> {
    let message = from_json(kind, config).unwrap();
    let defects = Defects::new();
    let reader = Reader::new(message, "", &defects);
    let filter = registry::build(kind, &"test".into(), &reader, build);
    drop(reader);
    defects.verdict(filter)
}

/// Runs the request through one filter.
pub(crate) async fn request(filter: &dyn HttpFilter, exchange: &mut Exchange) -> Result<(), Box<Reply>> {
    match filter.on_request(exchange) {
        Step::Next => Ok(()),
        Step::Reply(reply) => Err(reply),
        Step::Wait(wait) => wait.await,
    }
}

/// A body in pieces of unknown length.
pub(crate) fn pieces(pieces: &[&str]) -> Body {
    struct Pieces(Vec<Bytes>);
    impl BodyStream for Pieces {
        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame, StreamError>>> {
            Poll::Ready(self.0.pop().map(|piece| Ok(Frame::Data(piece))))
        }
    }
    Body::stream(Pieces(pieces.iter().rev().map(|piece| Bytes::copy_from_slice(piece.as_bytes())).collect()))
}

/// Reads one message with `read`.
pub(crate) fn message<T>(kind: &str, json: &Value, read: impl Fn(&Reader<'_>) -> Option<T>) -> Result<T, Vec<Defect>> {
    let defects = Defects::new();
    let reader = Reader::new(from_json(kind, json).unwrap(), "", &defects);
    let value = read(&reader);
    drop(reader);
    defects.verdict(value)
}
