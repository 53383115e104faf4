//! The router against upstreams on loopback.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderName, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::testing::{build, exchange};
use super::Router;
use crate::cluster::testing::{apply, assignment};
use crate::http::{Body, BodyStream, Frame, Reply, Response, StreamError};
use crate::proto::{Defects, Reader, from_json};
use crate::route::Input;
use crate::services::Build;
use crate::stream::{Exchange, Flag};

/// What an upstream received, one text a request.
type Seen = Arc<Mutex<Vec<String>>>;

/// An upstream that answers request number N with `script(N)`: text to send, nothing to close, none to keep silent.
async fn upstream(script: fn(usize) -> Option<&'static str>) -> (u16, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Seen::default();
    let all = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, all.clone(), script));
        }
    });
    (port, seen)
}

async fn serve(mut stream: TcpStream, seen: Seen, script: fn(usize) -> Option<&'static str>) {
    let mut bytes = Vec::new();
    while let Some(end) = request_end(&mut stream, &mut bytes).await {
        let request: Vec<u8> = bytes.drain(..end).collect();
        let number = {
            let mut seen = seen.lock();
            seen.push(String::from_utf8_lossy(&request).into_owned());
            seen.len() - 1
        };
        match script(number) {
            Some("") => return,
            Some(text) => stream.write_all(text.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
    }
}

/// Reads up to the end of a request.
async fn request_end(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<usize> {
    loop {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
            let chunked = text.contains("transfer-encoding: chunked");
            let end = match (length, chunked) {
                (Some(length), _) => Some(head + 4 + length.parse::<usize>().unwrap()),
                (None, true) => text.find("0\r\n\r\n").map(|last| last + 5),
                (None, false) => Some(head + 4),
            };
            if let Some(end) = end.filter(|end| bytes.len() >= *end) {
                return Some(end);
            }
        }
        if stream.read_buf(bytes).await.ok()? == 0 {
            return None;
        }
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const UNAVAILABLE: &str = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";

struct Bench {
    build: Build,
    router: Router,
}

impl Bench {
    fn new() -> Self {
        let build = build();
        let name = "envoy.extensions.filters.http.router.v3.Router";
        let defects = Defects::new();
        let router = Router::read(&Reader::new(from_json(name, &json!({})).unwrap(), "", &defects), &build).unwrap();
        Self { build, router }
    }

    fn cluster(&self, name: &str, port: u16) -> Arc<crate::cluster::Cluster> {
        apply(&json!({"name": name, "load_assignment": assignment(&[("127.0.0.1", port, 1)])}), &self.build)
    }

    /// An exchange on a route; `host` is what the virtual host has beside it.
    fn exchange(&self, route: &Value, host: &Value) -> Exchange {
        let mut virtual_host = json!({"name": "v", "domains": ["*"], "routes": [route]});
        virtual_host.as_object_mut().unwrap().extend(host.as_object().unwrap().clone());
        let config = json!({"name": "t", "virtual_hosts": [virtual_host]});
        let table = crate::route::tests::table(&config, &self.build).unwrap();
        let mut exchange = exchange("POST", "/p?q", &[]);
        exchange.route = table.find(&Input::of(&exchange));
        exchange
    }

    async fn serve(&self, exchange: &mut Exchange) -> Result<Response, Box<Reply>> {
        self.router
            .serve(&self.build.services, exchange)
            .await
            .map(|response| response.expect("no redirect is followed"))
    }

    fn counter(&self, name: &str) -> u64 {
        crate::telemetry::stats::Scope::root(&self.build.services.stats).counter(name).value()
    }
}

fn to(action: &Value) -> Value {
    json!({"match": {"prefix": "/"}, "route": action})
}

fn text(headers: &crate::http::Headers, name: &'static str) -> Option<String> {
    headers.text(&HeaderName::from_static(name)).map(str::to_string)
}

/// A body that comes in pieces.
struct Pieces(Vec<&'static str>);

impl BodyStream for Pieces {
    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame, StreamError>>> {
        let piece = (!self.0.is_empty()).then(|| self.0.remove(0));
        std::task::Poll::Ready(piece.map(|piece| Ok(Frame::Data(Bytes::from_static(piece.as_bytes())))))
    }
}

#[tokio::test]
async fn a_response_comes_back_with_what_the_route_adds() {
    let bench = Bench::new();
    let (port, seen) = upstream(|_| Some(OK)).await;
    let cluster = bench.cluster("c", port);
    let route = json!({"match": {"prefix": "/p"}, "route": {"cluster": "c", "prefix_rewrite": "/new", "host_rewrite_literal": "h"},
        "response_headers_to_add": [{"header": {"key": "x-code", "value": "%RESPONSE_CODE%"}}]});
    let host = json!({"include_request_attempt_count": true, "include_attempt_count_in_response": true});
    let mut exchange = bench.exchange(&route, &host);
    let mut response = bench.serve(&mut exchange).await.unwrap();
    assert_eq!(response.body.collect(10).await.unwrap(), (Bytes::from("ok"), true));
    let headers = &response.head.headers;
    assert_eq!(text(headers, "x-code").as_deref(), Some("200"));
    assert_eq!(text(headers, "x-envoy-attempt-count").as_deref(), Some("1"));
    assert!(text(headers, "x-envoy-upstream-service-time").is_some());
    let sent = seen.lock()[0].clone();
    for line in [
        "POST /new?q HTTP/1.1",
        "host: h",
        "x-envoy-original-path: /p?q",
        "x-envoy-original-host: example.com",
        "x-envoy-expected-rq-timeout-ms: 15000",
        "x-envoy-attempt-count: 1",
    ] {
        assert!(sent.lines().any(|sent| sent == line), "{line} in {sent}");
    }
    assert_eq!(exchange.info.details.as_deref(), Some("via_upstream"));
    let value = |name: &str| cluster.scope.counter(name).value();
    assert_eq!((value("upstream_rq_completed"), value("external.upstream_rq_completed")), (1, 1));
    assert_eq!(cluster.scope.histogram("upstream_rq_time").buckets().iter().sum::<u64>(), 1);
}

#[tokio::test]
async fn a_retry_sends_the_whole_body_again() {
    let bench = Bench::new();
    let (port, seen) = upstream(|number| Some(if number == 0 { UNAVAILABLE } else { OK })).await;
    let cluster = bench.cluster("c", port);
    let action = json!({"cluster": "c", "retry_policy": {"retry_on": "5xx", "num_retries": 3}});
    let mut exchange = bench.exchange(&to(&action), &json!({}));
    exchange.request.body = Body::stream(Pieces(vec!["ab", "c"]));
    let response = bench.serve(&mut exchange).await.unwrap();
    assert_eq!((response.head.status, exchange.info.attempts), (StatusCode::OK, 2));
    let seen = seen.lock();
    assert!(seen.iter().all(|request| request.contains("ab") && request.contains('c')), "{seen:?}");
    let requests = &cluster.requests;
    assert_eq!((requests.retry.value(), requests.retry_success.value()), (1, 1));
    assert_eq!(cluster.scope.sub("retry").counter("upstream_rq_completed").value(), 1);
}

#[tokio::test]
async fn a_body_that_is_not_kept_is_not_sent_again() {
    let bench = Bench::new();
    let (port, seen) = upstream(|_| Some(UNAVAILABLE)).await;
    let cluster = bench.cluster("c", port);
    let mut route = to(&json!({"cluster": "c", "retry_policy": {"retry_on": "5xx"}}));
    route["per_request_buffer_limit_bytes"] = json!(2);
    let mut exchange = bench.exchange(&route, &json!({}));
    exchange.request.body = Body::stream(Pieces(vec!["ab", "c"]));
    let response = bench.serve(&mut exchange).await.unwrap();
    assert_eq!((response.head.status.as_u16(), seen.lock().len()), (503, 1));
    assert_eq!(cluster.requests.retry_or_shadow_abandoned.value(), 1);
}

#[tokio::test]
async fn failures_are_told_in_envoys_words() {
    let bench = Bench::new();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    bench.cluster("refused", closed);
    let (port, _) = upstream(|_| Some("")).await;
    bench.cluster("closes", port);
    apply(&json!({"name": "empty", "load_assignment": {"cluster_name": "empty"}}), &bench.build);
    let fail = async |action: Value| {
        let mut exchange = bench.exchange(&to(&action), &json!({"include_attempt_count_in_response": true}));
        let reply = bench.serve(&mut exchange).await.unwrap_err();
        let mut flags = exchange.info.flags;
        reply.flag.into_iter().for_each(|flag| flags.set(flag));
        (reply.status.as_u16(), flags.to_string(), reply.details.clone(), text(&reply.headers, "x-envoy-attempt-count"))
    };
    let one = Some("1".to_string());
    assert_eq!(fail(json!({"cluster": "none"})).await, (503, "NC".into(), "cluster_not_found".into(), None));
    let missing = json!({"cluster": "none", "cluster_not_found_response_code": "NOT_FOUND"});
    assert_eq!(fail(missing).await.0, 404);
    assert_eq!(fail(json!({"cluster": "empty"})).await, (503, "UH".into(), "no_healthy_upstream".into(), one.clone()));
    let (status, flags, details, _) = fail(json!({"cluster": "refused"})).await;
    assert_eq!((status, flags.as_str()), (503, "UF"));
    assert!(details.starts_with("upstream_reset_before_response_started{remote_connection_failure|"), "{details}");
    let closes = (503, "UC".into(), "upstream_reset_before_response_started{connection_termination}".into(), one);
    assert_eq!(fail(json!({"cluster": "closes"})).await, closes);
    let retried =
        fail(json!({"cluster": "refused", "retry_policy": {"retry_on": "connect-failure", "num_retries": 2}})).await;
    assert_eq!((retried.1.as_str(), retried.3.as_deref()), ("URX,UF", Some("3")));
}

#[tokio::test(start_paused = true)]
async fn time_runs_out_for_the_whole_or_for_one_try() {
    let bench = Bench::new();
    let (port, seen) = upstream(|_| None).await;
    let cluster = bench.cluster("c", port);
    let fail = async |action: Value, host: Value| {
        let mut exchange = bench.exchange(&to(&action), &host);
        let began = exchange.info.started;
        let reply = bench.serve(&mut exchange).await.unwrap_err();
        assert_eq!((reply.status.as_u16(), reply.flag), (504, Some(Flag::UpstreamRequestTimeout)));
        assert_eq!(reply.body, "upstream request timeout");
        (reply.details.clone(), began.elapsed().as_millis() / 100, exchange.info.attempts)
    };
    assert_eq!(fail(json!({"cluster": "c", "timeout": "1s"}), json!({})).await, ("response_timeout".into(), 10, 1));
    let retry = json!({"retry_on": "5xx", "num_retries": 1, "per_try_timeout": "0.4s"});
    let host = json!({"include_is_timeout_retry_header": true});
    let outcome = fail(json!({"cluster": "c", "retry_policy": retry}), host).await;
    assert_eq!((outcome.0.as_str(), outcome.1, outcome.2), ("upstream_per_try_timeout", 8, 2));
    assert!(seen.lock()[2].contains("x-envoy-is-timeout-retry: true"));
    let idle = json!({"cluster": "c", "retry_policy": {"per_try_idle_timeout": "0.4s"}});
    assert_eq!(fail(idle, json!({})).await.0, "upstream_per_try_idle_timeout");
    let requests = &cluster.requests;
    assert_eq!(
        (requests.timeout.value(), requests.per_try_timeout.value(), requests.per_try_idle_timeout.value()),
        (1, 2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_response_that_stops_in_the_middle_times_out_too() {
    let bench = Bench::new();
    let (port, _) = upstream(|_| Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab")).await;
    let cluster = bench.cluster("c", port);
    let mut exchange = bench.exchange(&to(&json!({"cluster": "c", "timeout": "1s"})), &json!({}));
    let mut response = bench.serve(&mut exchange).await.unwrap();
    assert_eq!(response.body.collect(10).await, Err(StreamError::Timeout));
    assert_eq!(cluster.requests.timeout.value(), 1);
    assert_eq!(bench.counter("rq_reset_after_downstream_response_started"), 1);
}

#[tokio::test]
async fn copies_go_elsewhere_with_the_whole_body() {
    let bench = Bench::new();
    let (port, _) = upstream(|_| Some(OK)).await;
    let (copies, seen) = upstream(|_| Some(OK)).await;
    bench.cluster("c", port);
    bench.cluster("m", copies);
    let never = json!({"cluster": "m", "runtime_fraction": {"default_value": {"numerator": 0}}});
    let action = json!({"cluster": "c", "request_mirror_policies": [{"cluster": "m"}, never, {"cluster": "unknown"}]});
    let mut exchange = bench.exchange(&to(&action), &json!({}));
    exchange.request.body = Body::stream(Pieces(vec!["ab", "c"]));
    let mut response = bench.serve(&mut exchange).await.unwrap();
    response.body.collect(10).await.unwrap();
    while seen.lock().is_empty() {
        tokio::task::yield_now().await;
    }
    let copy = seen.lock()[0].clone();
    assert!(
        copy.contains("host: example.com-shadow\r\n") && copy.contains("ab") && copy.ends_with("0\r\n\r\n"),
        "{copy}"
    );
    assert_eq!(seen.lock().len(), 1);
}

#[tokio::test]
async fn configured_answers_come_from_the_router() {
    let bench = Bench::new();
    let answer = async |route: Value| {
        let mut exchange =
            bench.exchange(&route, &json!({"response_headers_to_add": [{"header": {"key": "x", "value": "y"}}]}));
        let reply = bench.serve(&mut exchange).await.unwrap_err();
        assert_eq!((reply.details.as_str(), reply.flag), ("direct_response", None));
        assert_eq!(text(&reply.headers, "x").as_deref(), Some("y"));
        (reply.status.as_u16(), reply.body.clone(), text(&reply.headers, "location"))
    };
    let matched = json!({"prefix": "/"});
    let direct =
        |status: u16| json!({"match": matched, "direct_response": {"status": status, "body": {"inline_string": "b"}}});
    assert_eq!(answer(direct(200)).await, (200, Bytes::from("b"), None));
    assert_eq!(answer(direct(201)).await, (201, Bytes::from("b"), Some("http://example.com/p?q".into())));
    let redirect = json!({"match": matched, "redirect": {"https_redirect": true, "response_code": "FOUND"}});
    assert_eq!(answer(redirect).await, (302, Bytes::new(), Some("https://example.com/p?q".into())));
    assert_eq!(bench.counter("rq_direct_response"), 3);
    let mut nowhere = exchange("GET", "/", &[]);
    let reply = bench.serve(&mut nowhere).await.unwrap_err();
    assert_eq!((reply.status.as_u16(), reply.flag), (404, Some(Flag::NoRouteFound)));
}

#[tokio::test]
async fn a_redirect_is_followed_as_often_as_the_route_allows() {
    let bench = Bench::new();
    let (port, seen) =
        upstream(|_| Some("HTTP/1.1 302 Found\r\nlocation: http://other/new?x\r\ncontent-length: 0\r\n\r\n")).await;
    let cluster = bench.cluster("c", port);
    let mut exchange = bench.exchange(&to(&json!({"cluster": "c", "internal_redirect_policy": {}})), &json!({}));
    exchange.request.body = Body::Full("ab".into());
    let services = &bench.build.services;
    assert!(bench.router.serve(services, &mut exchange).await.unwrap().is_none(), "the filters come again");
    let head = &exchange.request.head;
    assert_eq!((head.authority.as_str(), head.path.as_str(), exchange.info.attempts), ("other", "/new?x", 0));
    let response = bench.serve(&mut exchange).await.unwrap();
    assert_eq!(response.head.status, StatusCode::FOUND);
    let second = seen.lock()[1].clone();
    assert!(second.starts_with("POST /new?x") && second.contains("ab"), "{second}");
    assert!(second.contains("x-envoy-original-url: http://example.com/p?q"));
    let requests = &cluster.requests;
    assert_eq!((requests.internal_redirect_succeeded.value(), requests.internal_redirect_failed.value()), (1, 1));
}
