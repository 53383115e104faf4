//! Pages whose keys and codes are those that Envoy 1.40 gave for the same bootstrap.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::listener::Bind;
use crate::proto::{from_json, read_checked};
use crate::services::for_tests;
use crate::xds::{Kind, State};

fn admin() -> Arc<Admin> {
    Arc::new(Admin { services: for_tests().services, options: AdminOptions::default() })
}

fn get(admin: &Admin, target: &str) -> Page {
    admin.page(&Call::new("GET", target))
}

fn get_json(admin: &Admin, target: &str) -> Value {
    let page = get(admin, target);
    assert_eq!((page.status, page.content_type), (200, "application/json"), "{target}");
    serde_json::from_str(&page.body).unwrap()
}

fn put(admin: &Admin, kind: Kind, state: State, version: &str, value: &Value) {
    let name = value["name"].as_str().unwrap();
    let bytes: Bytes = from_json(kind.message(), value).unwrap().encode_to_vec().into();
    admin.services.store.put(kind, name, state, version, bytes);
}

/// The bootstrap of the comparison, delivered partly by a control plane.
fn filled() -> Arc<Admin> {
    let admin = admin();
    let route = json!({"name": "rt", "match": {"prefix": "/"}, "route": {"cluster": "c"},
        "metadata": {"filter_metadata": {"istio": {"config": "/apis/x"}}}});
    let table = json!({"name": "local", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [route]}]});
    let manager = json!({"stat_prefix": "s", "route_config": table,
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"});
    let listener = json!({"name": "l", "filter_chains": [{"filters": [{"name": "hcm", "typed_config": manager}]}]});
    put(&admin, Kind::Listener, State::Static, "", &listener);
    put(&admin, Kind::Cluster, State::Static, "", &json!({"name": "c", "connect_timeout": "1s"}));
    put(&admin, Kind::Cluster, State::Active, "7", &json!({"name": "d", "type": "EDS"}));
    put(&admin, Kind::Listener, State::Active, "8", &json!({"name": "m"}));
    let secret = json!({"name": "tok", "generic_secret": {"secret": {"inline_string": "abc"}}});
    put(&admin, Kind::Secret, State::Static, "", &secret);
    admin.services.store.set_version(Kind::Cluster, "7");
    admin
}

#[tokio::test]
async fn what_changes_something_wants_post() {
    let admin = admin();
    for path in
        ["/logging", "/quitquitquit", "/drain_listeners", "/reset_counters", "/healthcheck/fail", "/reopen_logs"]
    {
        let page = get(&admin, path);
        assert_eq!((page.status, page.body.as_str()), (405, "Method GET not allowed, POST required."), "{path}");
    }
    let post = |path: &str| admin.page(&Call::new("POST", path)).status;
    assert_eq!(post("/healthcheck/fail"), 200);
    assert!(admin.services.life.failing());
    assert_eq!(post("/healthcheck/ok"), 200);
    assert_eq!(post("/runtime_modify?a=b"), 503);
    assert_eq!(post("/cpuprofiler"), 400);
    assert_eq!(post("/nope"), 404);
}

#[tokio::test]
async fn ready_tells_the_stage() {
    let admin = admin();
    let page = get(&admin, "/ready");
    assert_eq!((page.status, page.body.as_str()), (503, "PRE_INITIALIZING\n"));
    admin.services.life.go(crate::server::Stage::Live);
    assert_eq!(get(&admin, "/ready").body, "LIVE\n");
}

#[tokio::test]
async fn the_dump_has_envoys_shape_and_no_secrets() {
    let admin = filled();
    let dump = get_json(&admin, "/config_dump");
    let kinds: Vec<&str> =
        dump["configs"].as_array().unwrap().iter().map(|one| one["@type"].as_str().unwrap()).collect();
    let kind = |name: &str| format!("type.googleapis.com/envoy.admin.v3.{name}");
    let expected = [
        "BootstrapConfigDump",
        "ClustersConfigDump",
        "ListenersConfigDump",
        "ScopedRoutesConfigDump",
        "RoutesConfigDump",
        "SecretsConfigDump",
    ];
    assert_eq!(kinds, expected.map(kind));
    let clusters = &dump["configs"][1];
    assert_eq!(clusters["version_info"], "7");
    assert_eq!(clusters["static_clusters"][0]["cluster"]["name"], "c");
    let dynamic = &clusters["dynamic_active_clusters"][0];
    assert_eq!((&dynamic["version_info"], &dynamic["cluster"]["name"]), (&json!("7"), &json!("d")));
    let active = &dump["configs"][2]["dynamic_listeners"][0];
    assert_eq!((&active["name"], &active["active_state"]["version_info"]), (&json!("m"), &json!("8")));
    let table = &dump["configs"][4]["static_route_configs"][0]["route_config"];
    assert_eq!(table["@type"], Kind::Route.url());
    let origin = &table["virtual_hosts"][0]["routes"][0]["metadata"]["filter_metadata"]["istio"]["config"];
    assert_eq!(origin, "/apis/x", "where it came from is kept");
    let secret = &dump["configs"][5]["static_secrets"][0]["secret"];
    assert_eq!(secret["generic_secret"]["secret"]["inline_string"], "[redacted]");
}

#[tokio::test]
async fn resource_mask_and_names_narrow_the_dump() {
    let admin = filled();
    let masked = get_json(&admin, "/config_dump?resource=static_clusters&mask=cluster.name");
    let expected = json!({"configs": [{
        "@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster",
        "cluster": {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "c"},
    }]});
    assert_eq!(masked, expected);
    let named = get_json(&admin, "/config_dump?name_regex=d");
    assert!(named["configs"][1].get("static_clusters").is_none());
    assert_eq!(named["configs"][1]["dynamic_active_clusters"].as_array().unwrap().len(), 1);
    let page = get(&admin, "/config_dump?resource=nope");
    assert_eq!((page.status, page.body.as_str()), (404, "nope not found in config dump"));
    let page = get(&admin, "/config_dump?mask=nope.x");
    let sentence = "FieldMask nope.x could not be successfully applied to any configs.";
    assert_eq!((page.status, page.body.as_str()), (400, sentence));
    assert_eq!(get(&admin, "/config_dump?name_regex=[").status, 400);
}

#[tokio::test]
async fn pages_have_envoys_keys() {
    let admin = admin();
    let keys = |target: &str| {
        let mut keys: Vec<String> = get_json(&admin, target).as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    let memory =
        ["allocated", "heap_size", "pageheap_free", "pageheap_unmapped", "total_physical_bytes", "total_thread_cache"];
    assert_eq!(keys("/memory"), memory);
    let info = [
        "command_line_options",
        "hot_restart_initializing",
        "hot_restart_version",
        "node",
        "state",
        "uptime_all_epochs",
        "uptime_current_epoch",
        "version",
    ];
    assert_eq!(keys("/server_info"), info);
    assert_eq!(keys("/runtime"), ["entries", "layers"]);
    assert_eq!(keys("/certs"), ["certificates"]);
    assert_eq!(keys("/clusters?format=json"), ["cluster_statuses"]);
    assert_eq!(keys("/listeners?format=json"), ["listener_statuses"]);
    assert_eq!(keys("/stats?format=json"), ["stats"]);
    assert_eq!(get(&admin, "/stats?format=nope").status, 400);
    assert_eq!(get(&admin, "/stats?filter=%5B").status, 400);
    assert!(get(&admin, "/help").body.starts_with("admin commands are:\n  /: "));
    assert!(get(&admin, "/nope").body.starts_with("invalid path. admin commands are:\n"));
}

/// Where an admin interface listens in tests.
fn bind() -> Bind {
    let at = json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}});
    read_checked(from_json("envoy.config.core.v3.Address", &at).unwrap(), "", Bind::read).unwrap()
}

#[tokio::test]
async fn it_answers_over_tcp_and_keeps_the_connection() {
    let (address, task) = serve(&bind(), admin()).unwrap();
    let mut stream = tokio::net::TcpStream::connect(address.socket().unwrap()).await.unwrap();
    stream.write_all(b"GET /hot_restart_version HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    stream
        .write_all(b"POST /healthcheck/fail HTTP/1.1\r\ncontent-length: 2\r\n\r\nabHEAD /ready HTTP/1.1\r\n")
        .await
        .unwrap();
    stream.write_all(b"connection: close\r\n\r\n").await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let lines: Vec<&str> = answers.lines().filter(|line| line.contains("HTTP/1.1")).collect();
    assert_eq!(lines.len(), 3, "{answers}");
    assert!(
        lines[0].starts_with("HTTP/1.1 200") && lines[2].ends_with("HTTP/1.1 503 Service Unavailable"),
        "{answers}"
    );
    assert!(answers.ends_with("connection: close\r\n\r\n"), "a HEAD has no body: {answers}");
    task.abort();
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let (address, task) = serve(&bind(), admin()).unwrap();
    for bytes in [
        "\x01\x02\r\n\r\n",
        "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n",
    ] {
        let mut stream = tokio::net::TcpStream::connect(address.socket().unwrap()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    task.abort();
}
