//! Answers HTTP requests: what it saw, and what came of the calls that it made itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;

use super::Shared;
use super::knobs::{Knobs, PREFIX};
use crate::local::client::{self, headers, send};
use crate::local::message::Answer;

/// Longest body that is read.
const BODY: usize = 1 << 20;
/// Headers that go on with the calls of a request: traces, and who the user is.
const HANDED_ON: [&str; 15] = [
    "x-request-id",
    "x-b3-traceid",
    "x-b3-spanid",
    "x-b3-parentspanid",
    "x-b3-sampled",
    "x-b3-flags",
    "b3",
    "traceparent",
    "tracestate",
    "baggage",
    "x-ot-span-context",
    "end-user",
    "authorization",
    "cookie",
    "user-agent",
];

/// One connection.
pub async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, Infallible>(answer(&shared, request).await) }
    });
    // A caller that breaks the connection is none of our business.
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let pod = &shared.pod;
    let key = &pod.workload.key;
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY).collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let knobs = Knobs::read(&head.headers, &head.uri, pod.app(), &key.name);
    tokio::time::sleep(knobs.delay.max(shared.behaviour.delay)).await;
    let status = status(shared, &knobs, &head.headers);
    let calls = if status.is_success() { calls(shared, &head.headers).await } else { Vec::new() };
    let host = head.headers.get("host").and_then(|host| host.to_str().ok()).map(ToOwned::to_owned);
    let answer = Answer {
        service: pod.app().to_owned(),
        workload: key.name.to_string(),
        namespace: key.namespace.to_string(),
        version: pod.version().to_owned(),
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        host: host.or_else(|| head.uri.authority().map(ToString::to_string)).unwrap_or_default(),
        peer: head.headers.get("x-forwarded-client-cert").and_then(|value| peer(value.to_str().ok()?)),
        headers: headers(&head.headers),
        body: String::from_utf8_lossy(&body).into_owned(),
        calls,
    };
    let body = serde_json::to_vec_pretty(&answer).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}

fn status(shared: &Shared, knobs: &Knobs, headers: &HeaderMap) -> StatusCode {
    let number = shared.requests.fetch_add(1, Ordering::Relaxed);
    let share = u64::from(shared.behaviour.fails.min(100));
    // Spread evenly: the count of failures after each request is the share of it.
    let fails_by_share = (number + 1) * share / 100 > number * share / 100;
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    let fails_first = knobs.fail_first > 0 && shared.failing.attempt(id) <= knobs.fail_first;
    let wanted = knobs.status.and_then(|status| StatusCode::from_u16(status).ok());
    match wanted {
        Some(status) => status,
        None if fails_by_share || fails_first => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::OK,
    }
}

async fn calls(shared: &Shared, incoming: &HeaderMap) -> Vec<crate::local::message::Outcome> {
    let handed_on: Vec<(String, String)> = incoming
        .iter()
        .filter(|(name, _)| HANDED_ON.contains(&name.as_str()) || name.as_str().starts_with(PREFIX))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut outcomes = Vec::new();
    for url in &shared.behaviour.calls {
        let request = client::Request { url: url.clone(), headers: handed_on.clone(), ..client::Request::default() };
        // Boxed: the answer of a call is an answer as this one.
        outcomes.push(Box::pin(send(&shared.world, &shared.pod, &request)).await);
    }
    outcomes
}

/// The caller's identity in `x-forwarded-client-cert`: the last element is that of the nearest proxy.
fn peer(value: &str) -> Option<String> {
    let last = value.rsplit(',').next()?;
    let uri = last
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| key.trim().eq_ignore_ascii_case("uri"));
    uri.map(|(_, value)| value.trim_matches('"').to_owned()).find(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_whom_the_nearest_proxy_saw() {
        let value = "By=spiffe://a;URI=spiffe://far,By=spiffe://b;Hash=00;Subject=\"\";URI=spiffe://near";
        assert_eq!(peer(value).as_deref(), Some("spiffe://near"));
        assert_eq!(peer("By=spiffe://a;Hash=00"), None);
        assert_eq!(peer(""), None);
    }
}
