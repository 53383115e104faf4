//! Whole proxies under a control plane that the test plays.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::fake::{ControlPlane, address, bootstrap, changed, eds_cluster, endpoints, tcp_listener, whole};
use super::{Kind, State};
use crate::bootstrap::Bootstrap;
use crate::server::{Options, Server};

pub(super) fn start(bootstrap: &Value) -> Server {
    Server::start(Bootstrap::from_json(bootstrap).unwrap(), &Options::default()).unwrap()
}

/// A server that says its name to each connection.
async fn named(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.write_all(name.as_bytes()).await;
        }
    });
    address
}

/// What the server behind a listener says; waits for the listener.
async fn ask(server: &Server, listener: &str) -> String {
    let mut said = String::new();
    for _ in 0..400 {
        if let Some(address) = server.address(listener)
            && let Ok(mut connection) = TcpStream::connect(address).await
        {
            let _ = connection.read_to_string(&mut said).await;
            if !said.is_empty() {
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    said
}

pub(super) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// Ends a proxy from within a runtime.
pub(super) async fn end(server: Server) {
    tokio::task::spawn_blocking(move || server.shutdown()).await.unwrap();
}

#[tokio::test]
async fn a_proxy_is_configured_updated_and_keeps_the_last_good_configuration() {
    let (first, second) = (named("first").await, named("second").await);
    let mut control = ControlPlane::start("127.0.0.1:0".parse().unwrap());
    let server = start(&bootstrap(control.address, "GRPC"));
    let mut stream = control.stream().await;
    assert_eq!(stream.token.as_deref(), Some("Bearer letmein"));

    // Clusters are asked for first, with the node; listeners only when clusters have their endpoints.
    let request = stream.request().await;
    assert_eq!(request.type_url, Kind::Cluster.url());
    assert_eq!(request.node.unwrap().id, "sidecar~1");
    stream.respond(whole(Kind::Cluster, "1", &[eds_cluster("shop")]));
    assert_eq!(stream.request().await.version_info, "1");
    let request = stream.request().await;
    assert_eq!((request.type_url, request.resource_names), (Kind::Endpoint.url(), vec!["shop".to_string()]));
    assert!(!server.ready());
    stream.respond(whole(Kind::Endpoint, "1", &[endpoints("shop", first)]));
    assert_eq!(stream.about(Kind::Endpoint).await.response_nonce, "nonce-1");
    stream.about(Kind::Listener).await;
    stream.respond(whole(Kind::Listener, "1", &[tcp_listener("in", "shop")]));
    assert_eq!(stream.about(Kind::Listener).await.error_detail, None);
    assert_eq!(ask(&server, "in").await, "first");
    eventually("ready", || server.ready()).await;

    // What cannot be used is refused with resource and path, and what is good in the same response is used.
    let mut odd = eds_cluster("odd");
    odd["lb_policy"] = "CLUSTER_PROVIDED".into();
    stream.respond(whole(Kind::Cluster, "2", &[eds_cluster("shop"), odd]));
    let nack = stream.about(Kind::Cluster).await;
    assert_eq!((nack.version_info.as_str(), nack.response_nonce.as_str()), ("1", "nonce-2"));
    let message = nack.error_detail.unwrap().message;
    assert!(message.starts_with("Error adding/updating cluster(s) odd: lb_policy"), "{message}");
    let refused = server.services().store.of(Kind::Cluster);
    assert!(refused.iter().any(|resource| resource.name == "odd" && resource.refused.is_some()));

    // The control plane goes away: traffic goes on. It comes back: only what changed is taken.
    let address = control.address;
    drop((stream, control));
    assert_eq!(ask(&server, "in").await, "first");
    let mut control = ControlPlane::start(address);
    let mut stream = control.stream().await;
    let request = stream.about(Kind::Cluster).await;
    assert_eq!((request.version_info.as_str(), request.response_nonce.as_str()), ("1", ""));
    assert!(request.node.is_some());
    stream.respond(whole(Kind::Endpoint, "2", &[endpoints("shop", second)]));
    stream.about(Kind::Endpoint).await;
    // The cluster hears of them in a moment.
    let mut tries = 0;
    while ask(&server, "in").await != "second" {
        tries += 1;
        assert!(tries < 500, "the new endpoint is never used");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(server.services().store.version(Kind::Endpoint), "2");

    // A listener that is left out is closed.
    stream.respond(whole(Kind::Listener, "2", &[]));
    stream.about(Kind::Listener).await;
    eventually("the listener is gone", || server.address("in").is_none()).await;
    end(server).await;
}

#[tokio::test]
async fn delta_updates_one_by_one_and_removes_by_name() {
    let host = named("delta").await;
    let mut control = ControlPlane::start("127.0.0.1:0".parse().unwrap());
    let server = start(&bootstrap(control.address, "DELTA_GRPC"));
    let mut stream = control.delta_stream().await;
    let request = stream.request().await;
    assert_eq!((request.type_url, request.resource_names_subscribe.len()), (Kind::Cluster.url(), 0));
    stream.respond(changed(Kind::Cluster, "c1", &[("shop", &eds_cluster("shop"))], &[]));
    let request = stream.about(Kind::Endpoint).await;
    assert_eq!(request.resource_names_subscribe, ["shop"]);
    stream.respond(changed(Kind::Endpoint, "e1", &[("shop", &endpoints("shop", host))], &[]));
    stream.about(Kind::Listener).await;
    let (one, two) = (tcp_listener("one", "shop"), tcp_listener("two", "shop"));
    stream.respond(changed(Kind::Listener, "l1", &[("one", &one), ("two", &two)], &[]));
    assert_eq!(ask(&server, "one").await, "delta");
    let before = server.address("two");
    stream.respond(changed(Kind::Listener, "l2", &[], &["one"]));
    eventually("one is gone", || server.address("one").is_none()).await;
    assert_eq!(server.address("two"), before, "the other one is not touched");
    let shown = || -> Vec<(String, String, State)> {
        let listeners = server.services().store.of(Kind::Listener).into_iter();
        listeners.map(|resource| (resource.name, resource.version, resource.state)).collect()
    };
    let wanted = [("two".to_string(), "l1".to_string(), State::Active)];
    eventually("the dump shows it", || shown() == wanted).await;

    // Removing a cluster unsubscribes from its endpoints.
    stream.respond(changed(Kind::Cluster, "c2", &[], &["shop"]));
    let request = loop {
        let request = stream.about(Kind::Endpoint).await;
        if !request.resource_names_unsubscribe.is_empty() {
            break request;
        }
    };
    assert_eq!(request.resource_names_unsubscribe, ["shop"]);
    end(server).await;
}

/// A listener whose routes come from the aggregated stream.
pub(super) fn http_listener(name: &str, routes: &str) -> Value {
    let manager =
        "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
    serde_json::json!({ "name": name, "address": address("127.0.0.1:0".parse().unwrap()), "filter_chains": [{ "filters": [{
        "name": "http",
        "typed_config": { "@type": manager, "stat_prefix": "in",
            "rds": { "route_config_name": routes, "config_source": { "ads": {}, "resource_api_version": "V3" } },
            "http_filters": [{ "name": "router", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            } }],
        },
    }] }] })
}

/// Routes that answer everything with a status.
fn routes(name: &str, status: u16) -> Value {
    serde_json::json!({ "name": name, "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{
        "match": { "prefix": "/" }, "direct_response": { "status": status },
    }] }] })
}

/// The status line that a connection gets for one more request.
async fn status(connection: &mut TcpStream) -> String {
    connection.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_string()
}

#[tokio::test]
async fn a_listener_waits_for_its_routes_and_connections_live_through_their_updates() {
    let mut control = ControlPlane::start("127.0.0.1:0".parse().unwrap());
    let server = start(&bootstrap(control.address, "GRPC"));
    let mut stream = control.stream().await;
    stream.about(Kind::Cluster).await;
    stream.respond(whole(Kind::Cluster, "1", &[]));
    stream.about(Kind::Listener).await;
    stream.respond(whole(Kind::Listener, "1", &[http_listener("in", "r")]));
    assert_eq!(stream.about(Kind::Route).await.resource_names, ["r"]);
    let state = || server.services().store.of(Kind::Listener).first().map(|resource| resource.state);
    assert_eq!((state(), server.ready()), (Some(State::Warming), false));
    stream.respond(whole(Kind::Route, "1", &[routes("r", 201)]));
    eventually("ready", || server.ready()).await;
    let mut connection = TcpStream::connect(server.address("in").unwrap()).await.unwrap();
    assert_eq!(status(&mut connection).await, "HTTP/1.1 201 Created");
    stream.about(Kind::Route).await;
    stream.respond(whole(Kind::Route, "2", &[routes("r", 202)]));
    assert_eq!(stream.about(Kind::Route).await.version_info, "2");
    assert_eq!(status(&mut connection).await, "HTTP/1.1 202 Accepted", "on the same connection");

    // Routes that cannot be used are refused, and the last good ones stay.
    stream.respond(whole(Kind::Route, "3", &[routes("r", 99)]));
    let nack = stream.about(Kind::Route).await;
    assert_eq!(nack.version_info, "2");
    let message = nack.error_detail.unwrap().message;
    assert!(message.contains("r: virtual_hosts[0].routes[0].direct_response.status: value must be"), "{message}");
    assert_eq!(status(&mut connection).await, "HTTP/1.1 202 Accepted");
    end(server).await;
}

#[tokio::test]
async fn without_a_control_plane_the_proxy_starts_after_its_patience() {
    let nobody: SocketAddr = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let mut config = bootstrap(nobody, "GRPC");
    for source in ["cds_config", "lds_config"] {
        config["dynamic_resources"][source]["initial_fetch_timeout"] = "0.1s".into();
    }
    let server = start(&config);
    eventually("ready", || server.ready()).await;
    end(server).await;
}

#[test]
fn a_control_plane_must_be_told_whom_it_talks_to() {
    let mut config = bootstrap("127.0.0.1:1".parse().unwrap(), "GRPC");
    config["node"] = serde_json::json!({});
    let bootstrap = Bootstrap::from_json(&config).unwrap();
    let paths: Vec<String> = Server::validate(&bootstrap).unwrap_err().into_iter().map(|defect| defect.path).collect();
    assert_eq!(paths, ["node.cluster", "node.id"]);
}
