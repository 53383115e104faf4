//! Updates of listeners with open connections, under a control plane that the test plays.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Kind;
use super::client_tests::{end, eventually};
use super::fake::{ControlPlane, bootstrap, eds_cluster, endpoints, tcp_listener, whole};
use crate::bootstrap::Bootstrap;
use crate::server::{Options, Server};
use crate::telemetry::stats::Sample;

/// An echo server that says its name first.
async fn echo(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = connection.write_all(name.as_bytes()).await;
                let (mut read, mut write) = connection.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
    address
}

/// A connection, and the name that the server behind it said.
async fn open(to: SocketAddr) -> (TcpStream, String) {
    let mut connection = TcpStream::connect(to).await.unwrap();
    let mut name = [0];
    connection.read_exact(&mut name).await.unwrap();
    (connection, String::from_utf8(name.to_vec()).unwrap())
}

/// Whether a connection still passes bytes.
async fn lives(connection: &mut TcpStream) -> bool {
    let mut back = [0];
    connection.write_all(b"x").await.is_ok() && matches!(connection.read(&mut back).await, Ok(1))
}

/// Whether a connection is ended within the drain time.
async fn ends(connection: &mut TcpStream) -> bool {
    let ended = tokio::time::timeout(Duration::from_secs(10), connection.read(&mut [0])).await;
    matches!(ended, Ok(Ok(0) | Err(_)))
}

fn count(server: &Server, name: &str) -> u64 {
    let all = server.services().stats.all();
    match all.iter().find(|seen| *seen.name == format!("listener_manager.{name}")).map(|seen| &seen.sample) {
        Some(Sample::Counter(counter)) => counter.value(),
        _ => 0,
    }
}

/// A listener on a port of ours with a chain for clients from 127.0.0.1 and one for all others.
fn listener(port: u16, near: &str, far: &str) -> Value {
    let mut listener = tcp_listener("in", near);
    listener["address"]["socket_address"]["port_value"] = json!(port);
    let mut chain = listener["filter_chains"][0].clone();
    listener["filter_chains"][0]["filter_chain_match"] =
        json!({ "source_prefix_ranges": [{ "address_prefix": "127.0.0.1", "prefix_len": 32 }] });
    chain["filters"][0]["typed_config"]["cluster"] = json!(far);
    listener["default_filter_chain"] = chain;
    listener
}

/// A connection from another loopback address: the default chain takes it.
async fn open_far(to: SocketAddr) -> (TcpStream, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut connection = socket.connect(to).await.unwrap();
    let mut name = [0];
    connection.read_exact(&mut name).await.unwrap();
    (connection, String::from_utf8(name.to_vec()).unwrap())
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn an_update_ends_the_connections_that_it_concerns() {
    let mut control = ControlPlane::start("127.0.0.1:0".parse().unwrap());
    let options = Options { drain_time: Duration::from_millis(200), ..Options::default() };
    let server = Server::start(Bootstrap::from_json(&bootstrap(control.address, "GRPC")).unwrap(), &options).unwrap();
    let mut stream = control.stream().await;
    let names = ["a", "b", "c"];
    stream.about(Kind::Cluster).await;
    stream.respond(whole(Kind::Cluster, "1", &names.map(eds_cluster)));
    stream.about(Kind::Endpoint).await;
    let mut hosts = Vec::new();
    for name in names {
        hosts.push(endpoints(name, echo(name).await));
    }
    stream.respond(whole(Kind::Endpoint, "1", &hosts));
    stream.about(Kind::Listener).await;
    let port = free_port().await;
    let to = SocketAddr::from(([127, 0, 0, 1], port));
    stream.respond(whole(Kind::Listener, "1", &[listener(port, "a", "b")]));
    stream.about(Kind::Listener).await;
    eventually("the listener is there", || server.address("in").is_some()).await;
    let ((mut near, a), (mut far, b)) = (open(to).await, open_far(to).await);
    assert_eq!((a.as_str(), b.as_str()), ("a", "b"));

    // The same again: nothing happens.
    stream.respond(whole(Kind::Listener, "2", &[listener(port, "a", "b")]));
    stream.about(Kind::Listener).await;
    assert_eq!((count(&server, "listener_added"), count(&server, "listener_modified")), (1, 0));

    // One chain changes: its connections end, those of the other go on, and so does the socket.
    stream.respond(whole(Kind::Listener, "3", &[listener(port, "a", "c")]));
    stream.about(Kind::Listener).await;
    assert!(ends(&mut far).await, "the chain to b is gone");
    assert!(lives(&mut near).await, "the chain to a has not changed");
    let (mut far, c) = open_far(to).await;
    assert_eq!(c, "c");
    assert_eq!((count(&server, "listener_modified"), count(&server, "listener_in_place_updated")), (1, 1));

    // Something else than the chains changes: what was accepted under the old rules ends.
    let mut other = listener(port, "a", "c");
    other["per_connection_buffer_limit_bytes"] = json!(4096);
    stream.respond(whole(Kind::Listener, "4", &[other]));
    stream.about(Kind::Listener).await;
    assert!(ends(&mut near).await && ends(&mut far).await, "the listener has changed");
    assert_eq!((count(&server, "listener_modified"), count(&server, "listener_in_place_updated")), (2, 1));
    let (mut near, _) = open(to).await;

    // Another address: the new one serves, the old one does not, its connections end.
    let moved = free_port().await;
    stream.respond(whole(Kind::Listener, "5", &[listener(moved, "a", "c")]));
    stream.about(Kind::Listener).await;
    assert!(ends(&mut near).await, "the listener has moved");
    let (_near, a) = open(SocketAddr::from(([127, 0, 0, 1], moved))).await;
    assert_eq!(a, "a");
    assert!(TcpStream::connect(to).await.is_err(), "nobody listens at the old address");

    // An address that cannot be bound is refused, and the listener serves on.
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    stream.respond(whole(Kind::Listener, "6", &[listener(taken.local_addr().unwrap().port(), "a", "c")]));
    let refused = stream.about(Kind::Listener).await.error_detail.unwrap().message;
    assert!(refused.contains("cannot bind"), "{refused}");
    open(SocketAddr::from(([127, 0, 0, 1], moved))).await;
    end(server).await;
}
