//! What is checked inside the namespace.

use std::net::{IpAddr, SocketAddr};

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::server::{Options, Server};
use serde_json::{Value, json};

use super::net::{ask, ask_from, must, server};

/// Where applications talk from: the rules redirect what comes from here, and the proxy uses other addresses.
const APPLICATION: &str = "10.9.0.2";
const APPLICATION6: &str = "fd09::2";

fn kind(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

fn address(ip: &str, port: u16) -> Value {
    json!({"socket_address": {"address": ip, "port_value": port}})
}

fn at(ip: &str, port: u16) -> SocketAddr {
    SocketAddr::new(ip.parse().unwrap(), port)
}

fn chain(cluster: &str, asks: &Value) -> Value {
    let config =
        json!({"@type": kind("filters.network.tcp_proxy.v3.TcpProxy"), "stat_prefix": cluster, "cluster": cluster});
    json!({"name": cluster, "filter_chain_match": asks, "filters": [{"name": "tcp", "typed_config": config}]})
}

fn original_dst() -> Value {
    json!({"name": "od", "typed_config": {"@type": kind("filters.listener.original_dst.v3.OriginalDst")}})
}

fn proxy_protocol() -> Value {
    json!({"name": "pp", "typed_config": {"@type": kind("filters.listener.proxy_protocol.v3.ProxyProtocol")}})
}

fn fixed(name: &str, ip: &str, port: u16) -> Value {
    json!({"name": name, "type": "STATIC", "load_assignment": {"cluster_name": name, "endpoints": [
        {"lb_endpoints": [{"endpoint": {"address": address(ip, port)}}]}]}})
}

/// A cluster that connects to where the client wanted to go, from an address of its own as Istio's inbound one does.
fn passthrough(name: &str, from: &str) -> Value {
    json!({"name": name, "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED",
           "upstream_bind_config": {"source_address": {"address": from, "port_value": 0}}})
}

/// A fixed cluster that tells the server who the client is.
fn telling(name: &str, ip: &str, port: u16, version: &str) -> Value {
    let mut cluster = fixed(name, ip, port);
    cluster["transport_socket"] = json!({"name": "pp", "typed_config": {
        "@type": kind("transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport"),
        "config": {"version": version},
        "transport_socket": {"name": "raw", "typed_config": {"@type": kind("transport_sockets.raw_buffer.v3.RawBuffer")}},
    }});
    cluster
}

fn start() -> Server {
    let ranges = |ip: &str, length: u32| json!({"prefix_ranges": [{"address_prefix": ip, "prefix_len": length}]});
    let mut exact = ranges("10.9.0.1", 32);
    exact["destination_port"] = json!(81);
    let from = json!({"source_prefix_ranges": [{"address_prefix": "9.0.0.0", "prefix_len": 8}]});
    let listeners = json!([
        // As Istio's virtualOutbound: everything comes here, and goes to the listener of its destination.
        {"name": "outbound", "address": address("0.0.0.0", 15001), "use_original_dst": true,
         "additional_addresses": [{"address": address("::", 15001)}],
         "filter_chains": [chain("passthrough", &json!({}))]},
        {"name": "known", "address": address("10.9.0.1", 80), "bind_to_port": false,
         "filter_chains": [chain("known", &json!({}))]},
        {"name": "any", "address": address("0.0.0.0", 90), "bind_to_port": false,
         "filter_chains": [chain("v1", &json!({}))]},
        // As Istio's virtualInbound: chains by original destination.
        {"name": "inbound", "address": address("0.0.0.0", 15006), "listener_filters": [original_dst()],
         "filter_chains": [chain("exact", &exact), chain("range", &ranges("10.9.1.0", 24))],
         "default_filter_chain": chain("passthrough", &json!({}))},
        // Redirected, and with a PROXY header.
        {"name": "header", "address": address("0.0.0.0", 15007), "listener_filters": [original_dst(), proxy_protocol()],
         "filter_chains": [chain("v2", &from)], "default_filter_chain": chain("known", &json!({}))},
    ]);
    let clusters = json!([
        passthrough("passthrough", "10.9.0.6"),
        fixed("known", "10.9.0.1", 8080),
        fixed("exact", "10.9.0.1", 8081),
        fixed("range", "10.9.0.1", 8082),
        telling("v1", "10.9.0.1", 8080, "V1"),
        telling("v2", "10.9.0.1", 8080, "V2"),
    ]);
    let bootstrap = json!({"static_resources": {"listeners": listeners, "clusters": clusters}});
    let server = Bootstrap::from_json(&bootstrap).and_then(|all| Server::start(all, &Options::default()));
    let server = server.unwrap_or_else(|defects| panic!("the bootstrap is refused: {defects:?}"));
    server.initialised();
    server
}

/// Addresses of the machine, and the rules that Istio's would be like.
fn prepare() {
    must("ip", &["link", "set", "lo", "up"]);
    // Ports that the system picks are none of those that rules of their own redirect.
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "50000 60000").unwrap();
    for ip in ["10.9.0.1/32", "10.9.0.2/32", "10.9.0.6/32", "10.9.1.7/32", "10.9.2.7/32"] {
        must("ip", &["addr", "add", ip, "dev", "lo"]);
    }
    for ip in ["fd09::1/128", "fd09::2/128"] {
        must("ip", &["-6", "addr", "add", ip, "dev", "lo", "nodad"]);
    }
    for (family, application) in [("ip", APPLICATION), ("ip6", APPLICATION6)] {
        let own = format!("add rule {family} t o {family} saddr {application} tcp");
        let rules = format!(
            "add table {family} t; add chain {family} t o {{ type nat hook output priority -100; }}; \
             {own} sport 40000-40999 redirect to :15006; {own} sport 41000-41999 redirect to :15007; \
             {own} dport != 22 redirect to :15001"
        );
        must("nft", &[&rules]);
    }
}

/// Asks from a port of a range that a rule of its own redirects.
fn from_port(port: u16, to: SocketAddr, bytes: &[u8]) -> String {
    ask_from(at(APPLICATION, port), to, bytes).1
}

/// All checks: one proxy, many clients.
pub fn run() {
    prepare();
    for (name, ip, port) in [
        ("known", "10.9.0.1", 8080),
        ("exact", "10.9.0.1", 8081),
        ("range", "10.9.0.1", 8082),
        ("real", "10.9.2.7", 7000),
        ("six", "fd09::1", 7000),
    ] {
        server(name, at(ip, port));
    }
    let proxy = start();
    let application: IpAddr = APPLICATION.parse().unwrap();

    // Outbound: the listener of the destination, the listener of its port, the destination itself.
    let (_, answer) = ask(application, at("10.9.0.1", 80), b"hi");
    assert!(answer.starts_with("known from 10.9.0.1:") && answer.ends_with(": hi"), "{answer}");
    let (own, answer) = ask(application, at("10.9.1.7", 90), b"hi");
    let header = format!("PROXY TCP4 10.9.0.2 10.9.1.7 {} 90\r\nhi", own.port());
    assert!(answer.ends_with(&format!(": {header}")), "the server is told who asks: {answer}");
    let (_, answer) = ask(application, at("10.9.2.7", 7000), b"hi");
    assert!(answer.starts_with("real from 10.9.0.6:"), "passed through from the cluster's address: {answer}");
    let (_, answer) = ask(APPLICATION6.parse().unwrap(), at("fd09::1", 7000), b"hi");
    assert!(answer.starts_with("six from ") && answer.ends_with(": hi"), "{answer}");

    // Inbound: the chain of the original destination.
    let answer = from_port(40_001, at("10.9.0.1", 81), b"hi");
    assert!(answer.starts_with("exact from "), "{answer}");
    let answer = from_port(40_002, at("10.9.1.7", 9999), b"hi");
    assert!(answer.starts_with("range from "), "{answer}");
    let answer = from_port(40_003, at("10.9.2.7", 7000), b"hi");
    assert!(answer.starts_with("real from 10.9.0.6:"), "{answer}");

    // A PROXY header counts before the redirect.
    let answer = from_port(41_001, at("10.9.0.1", 81), b"PROXY TCP4 9.8.7.6 10.9.0.1 1000 81\r\nhi");
    assert!(answer.ends_with("hi"), "{answer}");
    let signature = "\r\n\r\n\0\r\nQUIT\n!\u{11}\0\u{c}\u{9}\u{8}\u{7}\u{6}";
    assert!(answer.contains(signature), "version 2 to the server, with the client of the header: {answer:?}");
    let answer = from_port(41_002, at("10.9.0.1", 81), b"PROXY TCP4 8.8.7.6 10.9.0.1 1000 81\r\nhi");
    assert!(answer.starts_with("known from ") && answer.ends_with(": hi"), "{answer}");
    proxy.shutdown();
}
