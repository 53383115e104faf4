//! Whole proxies, started from a bootstrap, with real sockets on the loopback interface.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Options, Server};
use crate::bootstrap::Bootstrap;
use crate::proto::Defect;

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

fn tcp_listener(name: &str) -> Value {
    json!({ "name": name, "address": address("127.0.0.1:0".parse().unwrap()), "filter_chains": [{ "filters": [{
        "name": "tcp",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "tcp", "cluster": "echo",
        },
    }] }] })
}

fn cluster(to: SocketAddr) -> Value {
    json!({ "name": "echo", "type": "STATIC", "load_assignment": { "cluster_name": "echo", "endpoints": [{
        "lb_endpoints": [{ "endpoint": { "address": address(to) } }],
    }] } })
}

fn start(bootstrap: &Value) -> Result<Server, Vec<Defect>> {
    Server::start(Bootstrap::from_json(bootstrap)?, &Options::default())
}

/// A server that sends back what it gets, for one connection.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let mut reader = connection.try_clone().unwrap();
        let _ = std::io::copy(&mut reader, &mut connection);
    });
    address
}

#[test]
fn a_connection_goes_through_and_draining_waits_for_it() {
    let upstream = echo();
    let server = start(&json!({ "static_resources": {
        "clusters": [cluster(upstream)], "listeners": [tcp_listener("in")],
    } }))
    .unwrap();
    let mut client = TcpStream::connect(server.address("in").unwrap()).unwrap();
    client.write_all(b"hello").unwrap();
    let mut answer = [0; 5];
    client.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"hello");
    server.initialised();
    assert!(server.ready());
    server.drain();
    let waiting = std::thread::spawn(move || server.wait());
    std::thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished(), "a connection is in use");
    client.write_all(b"again").unwrap();
    client.read_exact(&mut answer).unwrap();
    drop(client);
    waiting.join().unwrap();
}

#[test]
fn defects_of_all_parts_are_told_at_once_and_nothing_is_bound() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut listener = tcp_listener("in");
    listener["address"] = address(taken.local_addr().unwrap());
    let mut bad = tcp_listener("bad");
    bad["filter_chains"][0]["filters"][0]["typed_config"]["stat_prefix"] = json!("");
    let mut odd = cluster("127.0.0.1:1".parse().unwrap());
    odd["lb_policy"] = json!("CLUSTER_PROVIDED");
    let one = |listeners: Value, clusters: Value| {
        let defects = start(&json!({ "static_resources": { "clusters": clusters, "listeners": listeners } }));
        let paths: Vec<String> = defects.unwrap_err().into_iter().map(|defect| defect.path).collect();
        paths
    };
    let paths = one(json!([listener, bad]), json!([odd]));
    assert!(paths.iter().any(|path| path.starts_with("static_resources.clusters[0]")), "{paths:?}");
    assert!(paths.iter().any(|path| path.starts_with("static_resources.listeners[1].filter_chains[0]")), "{paths:?}");
    assert!(!paths.iter().any(|path| path.starts_with("static_resources.listeners[0]")), "{paths:?}");
    assert_eq!(one(json!([listener]), json!([])), ["static_resources.listeners[0].address"]);
    let twice = json!([tcp_listener("in"), tcp_listener("in")]);
    assert_eq!(one(twice, json!([])), ["static_resources.listeners[1].name"]);
}

#[test]
fn a_secret_that_does_not_exist_is_named() {
    let mut listener = tcp_listener("in");
    listener["filter_chains"][0]["transport_socket"] = json!({ "name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": { "tls_certificate_sds_secret_configs": [{ "name": "mine" }] },
    } });
    let defects = start(&json!({ "static_resources": { "listeners": [listener] } })).unwrap_err();
    assert_eq!(
        defects[0].message,
        "the secret \"mine\" has no sds_config, and static_resources.secrets has none of that name"
    );
}
