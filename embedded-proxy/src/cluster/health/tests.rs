//! Checks against servers on the loopback interface.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use crate::cluster::host::flag;
use crate::cluster::testing::{apply, assignment, build};
use crate::cluster::{Cluster, Health};

/// Answers every request with the text; counts connections.
async fn answering(answer: Arc<Mutex<String>>, connections: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            connections.fetch_add(1, Ordering::Relaxed);
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                while tcp.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    let answer = answer.lock().clone();
                    if tcp.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

fn cluster(port: u16, check: &Value) -> Arc<Cluster> {
    let mut check = check.clone();
    let common = json!({"timeout": "1s", "interval": "0.01s", "no_traffic_interval": "0.01s",
                        "unhealthy_threshold": 1, "healthy_threshold": 1});
    for (key, value) in common.as_object().unwrap() {
        check[key] = value.clone();
    }
    apply(
        &json!({"name": "c", "load_assignment": assignment(&[("127.0.0.1", port, 1)]), "health_checks": [check]}),
        &build(),
    )
}

async fn until(what: &str, mut met: impl FnMut() -> bool) {
    let wait = async {
        while !met() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(5), wait).await.unwrap_or_else(|_| panic!("{what}"));
}

fn http(status: &str, fields: &str, body: &str) -> String {
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{fields}\r\n{body}", body.len())
}

#[tokio::test]
async fn http_statuses_bodies_and_fields_decide() {
    let answer = Arc::new(Mutex::new(http("200", "", "all is well")));
    let connections = Arc::new(AtomicUsize::new(0));
    let port = answering(answer.clone(), connections.clone()).await;
    let check = json!({"http_health_check": {"path": "/", "receive": [{"text": "77656c6c"}],
                       "expected_statuses": [{"start": 200, "end": 300}]}});
    let cluster = cluster(port, &check);
    assert!(!cluster.is_ready(), "it waits for the first check");
    cluster.ready().await;
    let host = cluster.hosts()[0].clone();
    assert_eq!(host.health(), Health::Healthy);
    for (change, health) in [
        (http("204", "x-envoy-degraded: 1\r\n", ""), Health::Unhealthy),
        (http("201", "x-envoy-degraded: 1\r\n", "well"), Health::Degraded),
        (http("503", "", "well"), Health::Unhealthy),
        (http("200", "", "well"), Health::Healthy),
        (http("500", "x-envoy-immediate-health-check-fail: 1\r\n", "well"), Health::Unhealthy),
    ] {
        *answer.lock() = change;
        until("health follows", || host.health() == health).await;
    }
    assert!(host.has(flag::EXCLUDED_VIA_IMMEDIATE_HC_FAIL));
    assert_eq!(cluster.stats.membership_excluded.value(), 1);
    assert_eq!(connections.load(Ordering::Relaxed), 1, "the connection is kept");
    assert_eq!(cluster.scope.gauge("health_check.healthy").value(), 0);
}

#[tokio::test]
async fn tcp_expects_bytes() {
    let answer = Arc::new(Mutex::new("+PONG\r\n".to_string()));
    let port = answering(answer, Arc::default()).await;
    let check = json!({"tcp_health_check": {"send": {"text": "50494e47"}, "receive": [{"text": "504f4e47"}]}});
    let cluster = cluster(port, &check);
    cluster.ready().await;
    assert!(cluster.hosts()[0].is_healthy());
}

#[tokio::test]
async fn a_port_that_refuses_is_a_network_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let cluster = cluster(port, &json!({"tcp_health_check": {}}));
    cluster.ready().await;
    assert_eq!(cluster.hosts()[0].health(), Health::Unhealthy);
    assert!(cluster.scope.counter("health_check.network_failure").value() > 0);
}

#[tokio::test]
async fn grpc_asks_the_health_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut h2 = h2::server::handshake(tcp).await.unwrap();
                while let Some(Ok((request, mut respond))) = h2.accept().await {
                    assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
                    let head = http::Response::builder().header("content-type", "application/grpc").body(()).unwrap();
                    let mut stream = respond.send_response(head, false).unwrap();
                    stream.send_data(Bytes::from_static(b"\0\0\0\0\x02\x08\x01"), false).unwrap();
                    let trailers =
                        [(http::HeaderName::from_static("grpc-status"), http::HeaderValue::from_static("0"))];
                    stream.send_trailers(trailers.into_iter().collect()).unwrap();
                }
            });
        }
    });
    let cluster = cluster(port, &json!({"grpc_health_check": {"service_name": "x"}}));
    cluster.ready().await;
    assert!(cluster.hosts()[0].is_healthy());
    let host = cluster.hosts()[0].clone();
    cluster.fail_health_check(&host);
    until("live traffic says no", || cluster.scope.counter("health_check.passive_failure").value() > 0).await;
}
