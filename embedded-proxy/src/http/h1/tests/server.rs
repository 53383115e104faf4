//! The server against clients that send from a script. What answers is one filter that does as the path says.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;

use crate::filters::http::{HttpFilter, Slot, Step};
use crate::hcm::Hcm;
use crate::http::{Body, BodyStream, Frame, Reply, StreamError};
use crate::net::{Drain, DrainControl, Io};
use crate::stream::{Connection, Exchange};

/// A body that a test feeds.
pub(super) fn channel() -> (Feed, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Feed(sender), Body::stream(Fed(receiver)))
}

pub(super) struct Feed(mpsc::UnboundedSender<Result<Frame, StreamError>>);

impl Feed {
    pub fn send(&mut self, data: &'static [u8]) {
        self.0.send(Ok(Frame::Data(Bytes::from_static(data)))).unwrap();
    }

    pub fn fail(&mut self, error: StreamError) {
        self.0.send(Err(error)).unwrap();
    }
}

struct Fed(mpsc::UnboundedReceiver<Result<Frame, StreamError>>);

impl BodyStream for Fed {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        self.0.poll_recv(cx)
    }
}

/// `/body` reads the request's body and answers with it, `/hang` never answers, others are answered at once. Ends are noted.
#[derive(Default)]
struct Script {
    ends: Mutex<Vec<String>>,
}

impl HttpFilter for Arc<Script> {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        match exchange.request.head.path.as_str() {
            "/body" => Step::Wait(Box::pin(async {
                Err(Box::new(match exchange.request.body.collect(1000).await {
                    Ok((body, _)) => Reply::new(StatusCode::OK, "test", body),
                    Err(error) => Reply::new(StatusCode::REQUEST_TIMEOUT, "test", error.to_string()),
                }))
            })),
            "/hang" => Step::Wait(Box::pin(std::future::pending())),
            path => Reply::new(StatusCode::OK, "test", path.to_string()).into(),
        }
    }

    fn on_end(&self, exchange: &Exchange) {
        self.ends.lock().push(format!("{} {}", exchange.request.head.path, exchange.info.flags));
    }
}

fn hcm(http10: bool) -> (Arc<Hcm>, Arc<Script>) {
    let script = Arc::new(Script::default());
    let slot = Slot { name: "script".into(), disabled: false, filter: Arc::new(script.clone()) };
    let config = json!({
        "codec_type": "HTTP1", "http_protocol_options": {"accept_http_10": http10, "default_host_for_http_10": "a"},
        "common_http_protocol_options": {"idle_timeout": "60s"}, "stream_idle_timeout": "30s",
        "request_timeout": "10s", "request_headers_timeout": "1s",
    });
    let mut hcm = Hcm::for_tests(&config);
    hcm.filters.chain.slots.push(slot);
    (Arc::new(hcm), script)
}

struct Served {
    client: DuplexStream,
    script: Arc<Script>,
    task: tokio::task::JoinHandle<()>,
}

fn serve_with(http10: bool, drain: Drain) -> Served {
    let (client, server) = tokio::io::duplex(1 << 16);
    let (hcm, script) = hcm(http10);
    let address = "127.0.0.1:1".parse().unwrap();
    let connection = Arc::new(Connection::plain(address, address));
    let task = tokio::spawn(super::super::serve(Io::Memory(server), connection, hcm, drain));
    Served { client, script, task }
}

fn serve() -> Served {
    serve_with(false, Drain::never())
}

impl Served {
    async fn send(&mut self, text: &str) {
        self.client.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads up to `end`, without the proxy's own fields.
    async fn read(&mut self, end: &str) -> String {
        let mut text = Vec::new();
        while !text.ends_with(end.as_bytes()) {
            match self.client.read_u8().await {
                Ok(byte) => text.push(byte),
                Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&text)),
            }
        }
        without_own(&String::from_utf8(text).unwrap())
    }

    /// Reads to the end of the connection.
    async fn rest(&mut self) -> String {
        let mut text = String::new();
        self.client.read_to_string(&mut text).await.unwrap();
        without_own(&text)
    }
}

/// The text without the fields that the connection manager adds.
fn without_own(text: &str) -> String {
    let own = |line: &&str| !line.starts_with("date: ") && !line.starts_with("server: ");
    text.split_inclusive('\n').filter(own).collect()
}

#[tokio::test]
async fn requests_share_a_connection_one_after_the_other() {
    let mut served = serve();
    served.send("GET /one HTTP/1.1\r\nHost: a\r\n\r\nPOST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n/bodyGET /3 HT").await;
    assert!(served.read("/one").await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(served.read("\r\n\r\n/body").await.starts_with("HTTP/1.1 200 OK\r\n"));
    served.send("TP/1.1\r\nHost: a\r\n\r\n").await;
    let third = served.read("\r\n\r\n/3").await;
    assert!(!third.contains("connection:"), "{third}");
    drop(served.client);
    served.task.await.unwrap();
    assert_eq!(*served.script.ends.lock(), ["/one -", "/body -", "/3 -"]);
}

#[tokio::test]
async fn chunked_bodies_and_expectations() {
    let mut served = serve();
    served.send("POST /body HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    assert_eq!(served.read("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    for part in ["3\r\nab", "c\r\n2\r", "\nde\r\n0\r\nt: 1\r\n", "\r\n"] {
        served.send(part).await;
        tokio::task::yield_now().await;
    }
    assert!(served.read("\r\n\r\nabcde").await.contains("content-length: 5\r\n"));
}

#[tokio::test]
async fn a_close_is_honoured_and_announced() {
    let mut served = serve();
    served.send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(served.rest().await.contains("\r\nconnection: close\r\n"));
    served.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_body_closes_in_the_end() {
    let mut served = serve();
    served.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc").await;
    let text = served.rest().await;
    assert!(text.contains("connection: close\r\n") && text.ends_with("/x"), "{text}");
    // The client may go on for the time of the delayed close.
    served.send("more").await;
    served.task.await.unwrap();
}

#[tokio::test]
async fn head_gets_a_head() {
    let mut served = serve();
    served.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let text = served.read("/y").await;
    assert!(text.contains("content-length: 2\r\n"), "{text}");
    assert!(!text.contains("/x"), "{text}");
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_the_connection_closed() {
    for (text, expected) in [
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"),
        ("GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 426 Upgrade Required\r\n"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n"),
    ] {
        let mut served = serve();
        served.send(text).await;
        let answer = served.rest().await;
        assert!(answer.starts_with(expected) && answer.contains("connection: close\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn http_1_0_when_enabled() {
    let mut served = serve_with(true, Drain::never());
    served.send("GET /one HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    let first = served.read("\r\n\r\n/one").await;
    assert!(first.starts_with("HTTP/1.0 200 OK\r\n") && first.contains("connection: keep-alive\r\n"), "{first}");
    served.send("GET /2 HTTP/1.0\r\n\r\n").await;
    assert!(served.rest().await.contains("connection: close\r\n"));
}

#[tokio::test(start_paused = true)]
async fn slow_clients_are_told_to_hurry() {
    let mut served = serve();
    served.send("GET /x HTTP/1.1\r\nHo").await;
    let start = tokio::time::Instant::now();
    let text = served.rest().await;
    assert!(text.starts_with("HTTP/1.1 408 Request Timeout\r\n") && text.ends_with("request header timeout"), "{text}");
    assert_eq!(start.elapsed().as_secs(), 1);

    let mut served = serve();
    served.send("POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nabc").await;
    let start = tokio::time::Instant::now();
    let text = served.rest().await;
    assert!(text.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{text}");
    assert_eq!(start.elapsed().as_secs(), 10);

    let mut served = serve();
    let start = tokio::time::Instant::now();
    assert_eq!(served.rest().await, "", "an idle connection just ends");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request() {
    let mut served = serve();
    served.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").await;
    tokio::task::yield_now().await;
    drop(served.client);
    served.task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn draining_answers_the_next_request_and_closes() {
    let control = DrainControl::default();
    let mut served = serve_with(false, control.drain());
    served.send("GET /one HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(!served.read("/one").await.contains("connection: close"));
    control.start(None);
    served.send("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(served.rest().await.contains("connection: close"));
    served.task.await.unwrap();

    let mut served = serve_with(false, control.drain());
    served.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n").await;
    tokio::task::yield_now().await;
    control.close();
    assert_eq!(served.rest().await, "", "word to close ends what is in hand");
}

#[tokio::test(start_paused = true)]
async fn a_bad_chunk_ends_the_body_with_an_error() {
    let mut served = serve();
    served.send("POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n").await;
    let begun = tokio::time::Instant::now();
    let answer = served.rest().await;
    assert!(begun.elapsed() <= std::time::Duration::from_secs(1), "the answer does not wait for a timeout");
    assert!(answer.starts_with("HTTP/1.1 408") && answer.ends_with("http1.codec_error"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_body_nobody_reads_is_answered_when_its_time_is_over() {
    let mut served = serve();
    served.send("POST /hang HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab").await;
    let begun = tokio::time::Instant::now();
    let answer = served.rest().await;
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n") && answer.ends_with("request timeout"), "{answer}");
    // The request timeout.
    assert_eq!(begun.elapsed().as_secs(), 10);
    drop(served.client);
    served.task.await.unwrap();
    assert_eq!(*served.script.ends.lock(), ["/hang -"]);
}
