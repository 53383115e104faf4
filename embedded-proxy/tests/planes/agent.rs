//! The bootstrap that Istio's agent writes, over unix sockets to the agent.

use std::path::Path;

use embedded_proxy::server::Options;
use serde_json::{Value, json};

use super::plane::Plane;
use super::support::{Ca, answering, certificate, kind, local, over_tls, soon, start};
use crate::faults::support::{ask, origin};

/// The bootstrap with the sockets of the agent in `folder` and its status port.
fn bootstrap(folder: &Path, agent: u16) -> Value {
    let text = include_str!("pilot_agent.json");
    let text = text.replace("@FOLDER@", folder.to_str().unwrap()).replace("\"@AGENT@\"", &agent.to_string());
    serde_json::from_str(&text).unwrap()
}

/// Where a listener's certificate comes from: the agent's second socket.
fn downstream_tls() -> Value {
    json!({ "transport_socket": { "name": "tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.DownstreamTlsContext"),
        "common_tls_context": { "tls_certificate_sds_secret_configs": [{ "name": "default", "sds_config": {
            "api_config_source": {
                "api_type": "GRPC", "transport_api_version": "V3", "set_node_on_first_message_only": true,
                "grpc_services": [{ "envoy_grpc": { "cluster_name": "sds-grpc" } }],
            },
            "initial_fetch_timeout": "0s", "resource_api_version": "V3",
        } }] },
    } } })
}

#[test]
fn the_bootstrap_of_the_agent_starts_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let (xds, sds) = (Plane::start(&folder.path().join("XDS")), Plane::start(&folder.path().join("SDS")));
    let (one, two) = (Ca::new("one"), Ca::new("two"));
    let agent = origin(crate::faults::support::friendly).port();
    let server = start(&bootstrap(folder.path(), agent), &Options::default());
    xds.serve("envoy.config.cluster.v3.Cluster", &[]);
    let listener = answering("secure", &local(0), "hello", &downstream_tls());
    xds.serve("envoy.config.listener.v3.Listener", &[("secure", listener)]);
    soon("the agent is asked for the certificate", || {
        sds.seen().iter().any(|seen| seen.node.as_deref() == Some("sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local"))
    });
    assert!(!server.ready(), "the listener waits for its certificate");
    sds.serve(
        "envoy.extensions.transport_sockets.tls.v3.Secret",
        &[("default", certificate("default", &one.leaf("a.example")))],
    );
    soon("the proxy is ready", || server.ready());
    let secure = server.address("secure").unwrap();
    assert_eq!(over_tls(secure, &one.pem, "a.example").as_deref(), Ok("hello"));

    // The agent rotates the certificate: the listener stays.
    sds.serve(
        "envoy.extensions.transport_sockets.tls.v3.Secret",
        &[("default", certificate("default", &two.leaf("a.example")))],
    );
    soon("the new certificate is shown", || over_tls(secure, &two.pem, "a.example").is_ok());
    assert_eq!(server.address("secure"), Some(secure));

    // The static listeners lead to the admin interface and to the agent.
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let scraped = ask(server.address("prometheus").unwrap(), get("/stats/prometheus").as_bytes());
    assert!(scraped.contains("envoy_cluster_manager_active_clusters"), "{scraped}");
    let health = ask(server.address("health").unwrap(), get("/healthz/ready").as_bytes());
    assert!(health.starts_with("HTTP/1.1 200 OK"), "{health}");
}
