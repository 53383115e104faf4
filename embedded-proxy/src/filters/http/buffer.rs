//! `envoy.filters.http.buffer`: the request goes on when all of it is here, with its length.

use std::sync::Arc;

use http::{HeaderValue, StatusCode, header};

use super::{HttpFilter, PerRoute, Step};
use crate::http::{Body, Reply, Version};
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::Exchange;

/// What a route says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// Nothing is buffered.
    Off,
    /// Up to this many bytes.
    Bytes(usize),
}

#[derive(Debug)]
struct Buffer {
    name: Arc<str>,
    limit: Limit,
}

fn limit(reader: &Reader<'_>) -> Option<Limit> {
    match reader.u32("max_request_bytes") {
        Some(0) | None => {
            reader.defect("max_request_bytes", "must be set and greater than 0");
            None
        }
        Some(bytes) => Some(Limit::Bytes(usize::try_from(bytes).unwrap_or(usize::MAX))),
    }
}

/// Makes the filter.
pub(super) fn make(reader: &Reader<'_>, _: &Build, name: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    Some(Arc::new(Buffer { name: name.clone(), limit: limit(reader)? }))
}

/// Reads `BufferPerRoute`.
pub(super) fn per_route(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    let read = if reader.flag("disabled") { Limit::Off } else { limit(&reader.need("buffer")?)? };
    Some(Arc::new(read))
}

impl HttpFilter for Buffer {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let route = exchange.route.as_ref().and_then(|hit| hit.per_route::<Limit>(&self.name));
        let Limit::Bytes(limit) = route.copied().unwrap_or(self.limit) else { return Step::Next };
        let request = &exchange.request;
        if request.body.is_empty() || request.head.upgrade.is_some() || request.head.method == http::Method::CONNECT {
            return Step::Next;
        }
        Step::Wait(Box::pin(buffer(exchange, limit)))
    }
}

/// The answer to a request that is too large for a filter that holds it.
pub(super) fn too_large(version: Version) -> Reply {
    let mut reply = Reply::new(StatusCode::PAYLOAD_TOO_LARGE, "request_payload_too_large", "Payload Too Large");
    // Nobody wants to read the rest.
    if version != Version::Http2 {
        reply.headers.set(header::CONNECTION, HeaderValue::from_static("close"));
    }
    reply
}

async fn buffer(exchange: &mut Exchange, limit: usize) -> Result<(), Box<Reply>> {
    let (collected, trailers) = match exchange.request.body.read_ahead(limit).await {
        Ok((bytes, trailers, true)) if bytes.len() <= limit => (bytes, trailers),
        Ok(_) => return Err(Box::new(too_large(exchange.request.head.version))),
        Err(_) => return Err(Box::new(Reply::new(StatusCode::BAD_REQUEST, "downstream_body_error", ""))),
    };
    let headers = &mut exchange.request.head.headers;
    // The whole length is known now; a message with trailers stays chunked.
    if trailers.is_none() && !headers.has(&header::CONTENT_LENGTH) {
        headers.remove(&header::TRANSFER_ENCODING);
        headers.add(header::CONTENT_LENGTH, collected.len().into());
    }
    exchange.request.body = Body::ended(collected, trailers);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::filters::http::testing;

    const CONFIG: &str = "envoy.extensions.filters.http.buffer.v3.Buffer";

    #[tokio::test]
    async fn a_body_that_fits_gets_a_length() {
        let filter = testing::filter(CONFIG, &json!({ "max_request_bytes": 5 })).unwrap();
        let mut exchange = testing::exchange("POST", "/", &[]);
        exchange.request.body = testing::pieces(&["ab", "cde"]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert_eq!(exchange.request.head.headers.text(&header::CONTENT_LENGTH), Some("5"));
        assert_eq!(exchange.request.body.collect(9).await.unwrap().0, Bytes::from_static(b"abcde"));
    }

    #[tokio::test]
    async fn a_larger_body_is_413() {
        let filter = testing::filter(CONFIG, &json!({ "max_request_bytes": 4 })).unwrap();
        let mut exchange = testing::exchange("POST", "/", &[]);
        exchange.request.body = testing::pieces(&["ab", "cde"]);
        let reply = testing::request(&*filter, &mut exchange).await.unwrap_err();
        assert_eq!((reply.status.as_u16(), reply.details.as_str()), (413, "request_payload_too_large"));
    }

    #[tokio::test]
    async fn a_limit_must_be_there() {
        let defects = testing::filter(CONFIG, &json!({})).err().unwrap();
        assert_eq!(defects[0].path, "max_request_bytes");
    }
}
