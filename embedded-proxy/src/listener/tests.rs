//! Whole listeners over loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::inspect::client_hello::tests::records;
use super::*;
use crate::cluster::testing::{apply as cluster, assignment, build};
use crate::net::Address;
use crate::proto::{Defects, Reader, from_json};
use crate::services::Build;

fn read(value: &Value, build: &Build) -> Result<ListenerConfig, String> {
    let defects = Defects::new();
    let reader = Reader::new(from_json("envoy.config.listener.v3.Listener", value)?, "", &defects);
    let config = ListenerConfig::read(&reader, build);
    drop(reader);
    defects.verdict(config).map_err(|defects| defects[0].to_string())
}

fn apply(value: &Value, build: &Build) -> SocketAddr {
    let config = read(value, build).unwrap();
    let name = config.name.clone();
    build.services.listeners.apply(config, build).unwrap();
    let all = build.services.listeners.all();
    all.iter().find(|view| view.config.name == name).unwrap().addresses[0].socket().unwrap()
}

/// A filter chain to a cluster, with what it asks of connections.
fn chain(to: &str, asks: &Value) -> Value {
    let tcp = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    json!({"name": to, "filter_chain_match": asks, "filters": [
        {"name": "tcp", "typed_config": {"@type": tcp, "stat_prefix": to, "cluster": to}},
    ]})
}

fn inspector(name: &str, message: &str, more: &Value) -> Value {
    let mut config =
        json!({"@type": format!("type.googleapis.com/envoy.extensions.filters.listener.{name}.v3.{message}")});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"name": name, "typed_config": config})
}

fn listener(filters: &[Value], chains: &[Value]) -> Value {
    json!({"name": "l", "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
           "listener_filters": filters, "filter_chains": chains})
}

/// A cluster whose server says its name first, then echoes.
async fn server(name: &'static str, build: &Build) {
    let listen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listen.local_addr().unwrap().port();
    cluster(&json!({"name": name, "load_assignment": assignment(&[("127.0.0.1", port, 1)])}), build);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listen.accept().await {
            tokio::spawn(async move {
                tcp.write_all(name.as_bytes()).await.unwrap();
                let (mut read, mut write) = tcp.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });
}

async fn talk(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(bytes).await.unwrap();
    tcp.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(5), tcp.read_to_end(&mut answer)).await.expect("an answer");
    answer
}

#[tokio::test]
async fn inspectors_choose_the_chain_and_lose_no_byte() {
    let build = build();
    for name in ["tls", "http", "other"] {
        server(name, &build).await;
    }
    let filters = [
        inspector("tls_inspector", "TlsInspector", &json!({})),
        inspector("http_inspector", "HttpInspector", &json!({})),
    ];
    let chains = [
        chain(
            "tls",
            &json!({"transport_protocol": "tls", "server_names": ["*.example.com"], "application_protocols": ["h2"]}),
        ),
        chain("http", &json!({"application_protocols": ["http/1.1", "h2c"]})),
        chain("other", &json!({})),
    ];
    let address = apply(&listener(&filters, &chains), &build);
    let hello = records("a.example.com", &["h2"], 500, 100);
    assert_eq!(talk(address, &hello).await, [b"tls", &hello[..]].concat());
    assert_eq!(talk(address, b"GET / HTTP/1.1\r\n\r\n").await, b"httpGET / HTTP/1.1\r\n\r\n");
    assert_eq!(talk(address, b"SSH-2.0").await, b"otherSSH-2.0");
    assert_eq!(talk(address, b"GE").await, b"otherGE", "cut off, and still answered");
    let wrong = records("a.example.com", &["x"], 0, 16384);
    assert_eq!(talk(address, &wrong).await, b"", "no chain takes it");
    let mut names = Vec::new();
    for seen in build.services.stats.all() {
        if let crate::telemetry::stats::Sample::Counter(counter) = seen.sample {
            names.push((seen.name.to_string(), counter.value()));
        }
    }
    let count = |wanted: &str| names.iter().find(|(name, _)| name.ends_with(wanted)).map(|(_, value)| *value);
    assert_eq!(count("no_filter_chain_match"), Some(1));
    assert_eq!((count("tls_inspector.tls_found"), count("http_inspector.http11_found")), (Some(2), Some(1)));
}

#[tokio::test]
async fn a_client_that_waits_for_the_server_is_not_kept_waiting() {
    let build = build();
    server("other", &build).await;
    let filters = [
        inspector("tls_inspector", "TlsInspector", &json!({})),
        inspector("http_inspector", "HttpInspector", &json!({})),
    ];
    let address = apply(&listener(&filters, &[chain("other", &json!({}))]), &build);
    let began = Instant::now();
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let mut greeting = [0; 5];
    tcp.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"other");
    assert!(began.elapsed() < SILENCE * 3, "{:?}: one silence for both inspectors", began.elapsed());
}

#[tokio::test]
async fn where_only_tls_is_served_the_timeout_decides() {
    let build = build();
    server("tls", &build).await;
    let filters = [inspector("tls_inspector", "TlsInspector", &json!({}))];
    let mut config = listener(&filters, &[chain("tls", &json!({"transport_protocol": "tls"}))]);
    config["listener_filters_timeout"] = json!("0.4s");
    let address = apply(&config, &build);
    let began = Instant::now();
    let mut tcp = TcpStream::connect(address).await.unwrap();
    assert_eq!(tcp.read(&mut [0]).await.unwrap(), 0);
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn a_listener_logs_connections_that_no_chain_takes() {
    let build = build();
    server("a", &build).await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut config = listener(&[], &[chain("a", &json!({"destination_port": 1}))]);
    config["access_log"] = json!([{"name": "f",
        "filter": {"response_flag_filter": {"flags": ["NR"]}},
        "typed_config": {"@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": log.path(),
            "log_format": {"text_format_source": {"inline_string": "%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n"}}}}]);
    let address = apply(&config, &build);
    assert_eq!(talk(address, b"x").await, b"");
    let mut text = String::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        text = std::fs::read_to_string(log.path()).unwrap();
        if !text.is_empty() {
            break;
        }
    }
    assert_eq!(text, "NR filter_chain_not_found\n");
}

#[tokio::test]
async fn proxy_headers_change_the_addresses() {
    let build = build();
    for name in ["far", "near"] {
        server(name, &build).await;
    }
    let chains = [
        chain("far", &json!({"source_prefix_ranges": [{"address_prefix": "9.0.0.0", "prefix_len": 8}]})),
        chain("near", &json!({})),
    ];
    let filter = |more: &Value| [inspector("proxy_protocol", "ProxyProtocol", more)];
    let address = apply(&listener(&filter(&json!({})), &chains), &build);
    assert_eq!(talk(address, b"PROXY TCP4 9.1.1.1 5.6.7.8 80 443\r\nhi").await, b"farhi");
    assert_eq!(talk(address, b"PROXY UNKNOWN\r\nhi").await, b"nearhi");
    assert_eq!(talk(address, b"hi").await, b"", "a header must come");
    let optional = json!({"allow_requests_without_proxy_protocol": true, "disallowed_versions": ["V1"]});
    let address = apply(&listener(&filter(&optional), &chains), &build);
    assert_eq!(talk(address, b"hi").await, b"nearhi");
    assert_eq!(talk(address, b"PROXY TCP4 9.1.1.1 5.6.7.8 80 443\r\nhi").await, b"");
}

#[tokio::test]
async fn connections_go_on_when_their_chain_stays() {
    let build = build();
    for name in ["a", "b"] {
        server(name, &build).await;
    }
    let port = |port: u16| json!({"source_ports": [port]});
    let keep = chain("a", &json!({}));
    let address = apply(&listener(&[], &[keep.clone(), chain("b", &port(1))]), &build);
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.read_exact(&mut [0]).await.unwrap();
    let again = apply(&listener(&[], &[chain("b", &port(2)), keep]), &build);
    assert_eq!(address, again, "the socket stays");
    let listeners = &build.services.listeners;
    let config = listeners.all()[0].config.clone();
    assert!(config.chains().all(|chain| !chain.drain.drain().draining()));
    listeners.configure(GlobalLimit::default(), Duration::from_millis(100));
    apply(&listener(&[], &[chain("b", &json!({}))]), &build);
    assert_eq!(
        tcp.read(&mut [0]).await.unwrap(),
        0,
        "the chain is gone, and so is its connection after the drain time"
    );
    assert!(talk(address, b"").await.starts_with(b"b"), "new connections take the new chain");
    assert!(listeners.remove("l", &build.services));
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(address).await.is_err());
    listeners.idle().await;
}

#[tokio::test]
async fn redirected_connections_go_to_the_listener_of_their_destination() {
    let build = build();
    let entry = |name: &str, ip: &str, port: u16| {
        json!({"name": name, "address": {"socket_address": {"address": ip, "port_value": port}}, "bind_to_port": false,
               "filter_chains": [chain("a", &json!({}))]})
    };
    for value in [entry("exact", "10.0.0.1", 80), entry("port", "0.0.0.0", 80), entry("six", "::", 90)] {
        apply(&value, &build);
    }
    let at = |address: &str| {
        build.services.listeners.at(&Address::Ip(address.parse().unwrap())).map(|config| config.name.to_string())
    };
    assert_eq!(at("10.0.0.1:80").as_deref(), Some("exact"));
    assert_eq!(at("10.0.0.2:80").as_deref(), Some("port"));
    assert_eq!(at("[fe80::1]:80"), None);
    assert_eq!(at("10.0.0.2:90").as_deref(), Some("six"));
    assert_eq!(at("10.0.0.2:91"), None);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed() {
    let build = build();
    server("a", &build).await;
    build.services.listeners.configure(GlobalLimit { most: Some(1), overload_manager: false }, Duration::from_secs(1));
    let address = apply(&listener(&[], &[chain("a", &json!({}))]), &build);
    let mut first = TcpStream::connect(address).await.unwrap();
    first.read_exact(&mut [0]).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    assert_eq!(second.read(&mut [0]).await.unwrap_or(0), 0);
    drop(first);
    build.services.listeners.idle().await;
    assert_eq!(talk(address, b"x").await, b"ax");
}

#[tokio::test]
async fn what_cannot_be_listened_on_is_an_error() {
    let build = build();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut value = listener(&[], &[chain("a", &json!({}))]);
    value["address"]["socket_address"]["port_value"] = json!(port);
    let error = build.services.listeners.apply(read(&value, &build).unwrap(), &build).unwrap_err();
    assert!(error.starts_with(&format!("cannot bind '127.0.0.1:{port}'")), "{error}");
    assert!(build.services.listeners.all().is_empty());
    let unknown = json!({"name": "x", "typed_config": {"@type": "type.googleapis.com/envoy.config.core.v3.Node"}});
    let error = read(&listener(std::slice::from_ref(&unknown), &[chain("a", &json!({}))]), &build).unwrap_err();
    assert!(
        error.starts_with("listener_filters[0].typed_config: the proxy does not have the listener filter"),
        "{error}"
    );
    let same = listener(&[], &[chain("a", &json!({})), chain("b", &json!({}))]);
    assert!(read(&same, &build).unwrap_err().starts_with("filter_chains[1]: has the same matching rules"));
    let _: Arc<ListenerConfig> = Arc::new(read(&listener(&[], &[chain("a", &json!({}))]), &build).unwrap());
}
