//! Filters that decide, in a chain before a TCP proxy.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::cluster::testing::{apply, assignment, build};
use crate::net::{Drain, Io};
use crate::proto::{Defects, Reader, from_json};
use crate::services::Build;

fn filter(message: &str, config: &Value) -> Value {
    let mut config = config.clone();
    config["@type"] = json!(format!("type.googleapis.com/{message}"));
    json!({"name": message, "typed_config": config})
}

fn envoy(name: &str, message: &str, config: &Value) -> Value {
    filter(&format!("envoy.extensions.filters.network.{name}.v3.{message}"), config)
}

fn read(filters: &[Value], build: &Build) -> Result<NetworkChain, String> {
    let defects = Defects::new();
    let message = from_json("envoy.config.listener.v3.FilterChain", &json!({"filters": filters}))?;
    let reader = Reader::new(message, "", &defects);
    let chain = NetworkChain::read(&reader.list("filters"), build);
    drop(reader);
    defects.verdict(chain).map_err(|defects| defects[0].to_string())
}

fn tcp(cluster: &str) -> Value {
    envoy("tcp_proxy", "TcpProxy", &json!({"stat_prefix": "t", "cluster": cluster}))
}

/// A cluster that says its name and closes.
async fn server(name: &'static str, build: &Build) {
    let listen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listen.local_addr().unwrap().port();
    apply(&json!({"name": name, "load_assignment": assignment(&[("127.0.0.1", port, 1)])}), build);
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listen.accept().await {
            let _ = tcp.write_all(name.as_bytes()).await;
        }
    });
}

fn session(sni: Option<&str>, remote: &str) -> Session {
    let mut connection = Connection::plain("10.0.0.2:80".parse().unwrap(), remote.parse().unwrap());
    connection.sni = sni.map(str::to_string);
    Session::new(connection)
}

/// What a client reads to the end.
async fn read_all(mut client: DuplexStream) -> String {
    let mut text = String::new();
    client.shutdown().await.unwrap();
    client.read_to_string(&mut text).await.unwrap();
    text
}

async fn serve(chain: &NetworkChain, session: Session) -> String {
    let (client, io) = tokio::io::duplex(100);
    tokio::join!(read_all(client), chain.serve(Io::Memory(io), session, Drain::never())).0
}

#[tokio::test]
async fn the_server_name_names_the_cluster() {
    let build = build();
    server("a", &build).await;
    server("outbound_.80_._.b", &build).await;
    let chain = read(&[envoy("sni_cluster", "SniCluster", &json!({})), tcp("a")], &build).unwrap();
    assert_eq!(serve(&chain, session(None, "1.1.1.1:1")).await, "a");
    assert_eq!(serve(&chain, session(Some("outbound_.80_._.b"), "1.1.1.1:1")).await, "outbound_.80_._.b");
    assert_eq!(serve(&chain, session(Some("unknown"), "1.1.1.1:1")).await, "");
}

#[tokio::test(start_paused = true)]
async fn policies_close_connections_before_anything_upstream() {
    let build = build();
    server("a", &build).await;
    let allow = |ip: &str| {
        json!({"action": "ALLOW", "policies": {"p": {
        "permissions": [{"any": true}], "principals": [{"direct_remote_ip": {"address_prefix": ip, "prefix_len": 32}}]}}})
    };
    let rbac = envoy(
        "rbac",
        "RBAC",
        &json!({"stat_prefix": "tcp.", "rules": allow("1.1.1.1"), "shadow_rules": allow("2.2.2.2"), "delay_deny": "3s"}),
    );
    let log = tempfile::NamedTempFile::new().unwrap();
    let file = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
    let format = "%DOWNSTREAM_REMOTE_ADDRESS% %CONNECTION_TERMINATION_DETAILS% %UPSTREAM_CLUSTER%\n";
    let logged = envoy(
        "tcp_proxy",
        "TcpProxy",
        &json!({"stat_prefix": "t", "cluster": "a", "access_log": [{"name": "f", "typed_config": {
        "@type": file, "path": log.path(), "log_format": {"text_format_source": {"inline_string": format}}}}]}),
    );
    let chain = read(&[rbac, logged], &build).unwrap();
    assert_eq!(serve(&chain, session(None, "1.1.1.1:1")).await, "a");
    let began = Instant::now();
    assert_eq!(serve(&chain, session(None, "2.2.2.2:1")).await, "");
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    let all = build.services.stats.all();
    for (name, wanted) in
        [("tcp.rbac.allowed", 1), ("tcp.rbac.denied", 1), ("tcp.rbac.shadow_allowed", 1), ("tcp.rbac.shadow_denied", 1)]
    {
        let seen = all.iter().find(|seen| seen.name.to_string() == name).map(|seen| seen.sample.clone());
        assert!(
            matches!(seen, Some(crate::telemetry::stats::Sample::Counter(counter)) if counter.value() == wanted),
            "{name}"
        );
    }
}

#[tokio::test]
async fn places_are_limited_at_once_and_in_a_time() {
    let build = build();
    server("a", &build).await;
    let limit = envoy("connection_limit", "ConnectionLimit", &json!({"stat_prefix": "c", "max_connections": 1}));
    let chain = read(&[limit, tcp("a")], &build).unwrap();
    let (client, io) = tokio::io::duplex(100);
    let first = chain.serve(Io::Memory(io), session(None, "1.1.1.1:1"), Drain::never());
    let second = async {
        tokio::task::yield_now().await;
        let refused = serve(&chain, session(None, "1.1.1.1:1")).await;
        (refused, read_all(client).await)
    };
    let (served, ()) = tokio::join!(second, first);
    assert_eq!(served, (String::new(), "a".into()));
    assert_eq!(serve(&chain, session(None, "1.1.1.1:1")).await, "a", "the place is free again");
    let bucket = json!({"stat_prefix": "r", "token_bucket": {"max_tokens": 2, "fill_interval": "3600s"}});
    let chain = read(&[envoy("local_ratelimit", "LocalRateLimit", &bucket), tcp("a")], &build).unwrap();
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(serve(&chain, session(None, "1.1.1.1:1")).await);
    }
    assert_eq!(answers, ["a", "a", ""]);
}

#[tokio::test]
async fn filter_state_chooses_the_cluster() {
    let build = build();
    server("b", &build).await;
    let entry = json!({"object_key": "envoy.tcp_proxy.cluster", "format_string": {"text_format_source": {"inline_string": "%REQUESTED_SERVER_NAME%"}}, "skip_if_empty": true});
    let chain =
        read(&[envoy("set_filter_state", "Config", &json!({"on_new_connection": [entry]})), tcp("a")], &build).unwrap();
    assert_eq!(serve(&chain, session(Some("b"), "1.1.1.1:1")).await, "b");
}

#[tokio::test]
async fn chains_end_with_a_filter_that_serves() {
    let build = build();
    let sni = envoy("sni_cluster", "SniCluster", &json!({}));
    let istio =
        filter("envoy.tcp.metadataexchange.config.MetadataExchange", &json!({"protocol": "istio-peer-exchange"}));
    assert!(read(&[istio, sni.clone(), tcp("a")], &build).is_ok());
    assert!(read(std::slice::from_ref(&sni), &build).unwrap_err().starts_with("filters[0]: the last filter must"));
    assert!(read(&[tcp("a"), sni], &build).unwrap_err().starts_with("filters[0]: a filter that serves"));
    let unknown = filter("envoy.config.core.v3.Node", &json!({}));
    assert_eq!(
        read(&[unknown, tcp("a")], &build).unwrap_err(),
        "filters[0].typed_config: the proxy does not have the network filter envoy.config.core.v3.Node"
    );
}
