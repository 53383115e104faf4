//! The bootstrap that both proxies get, and certificates for it.

use std::net::SocketAddr;

use embedded_proxy::xds::Kind;
use serde_json::{Value, json};

use super::plane::Served;

/// A type of Envoy's extensions.
pub fn kind(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

/// An address.
pub fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// A port of loopback.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A port that nobody has a moment before.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind(loopback(0)).unwrap().local_addr().unwrap().port()
}

/// A certificate that signs itself, and its key.
pub fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_string()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A cluster with hosts at loopback ports.
pub fn cluster(name: &str, ports: &[u16], fields: &Value) -> Value {
    let hosts: Vec<Value> =
        ports.iter().map(|port| json!({ "endpoint": { "address": address(loopback(*port)) } })).collect();
    let mut cluster = json!({ "name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": {
        "cluster_name": name, "endpoints": [{ "lb_endpoints": hosts }],
    } });
    add(&mut cluster, fields);
    cluster
}

/// A connection manager.
pub fn hcm(fields: &Value) -> Value {
    let mut hcm = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "main",
        "http_filters": [{ "name": "router", "typed_config": { "@type": kind("filters.http.router.v3.Router") } }],
    });
    add(&mut hcm, fields);
    hcm
}

/// A listener with one filter.
pub fn listener(name: &str, port: u16, filter: &Value, fields: &Value) -> Value {
    let mut chain = json!({ "filters": [{ "name": "only", "typed_config": filter }] });
    if let Some(socket) = fields.get("transport_socket") {
        chain["transport_socket"] = socket.clone();
    }
    let mut listener = json!({ "name": name, "address": address(loopback(port)), "filter_chains": [chain] });
    add(&mut listener, fields);
    if let Some(all) = listener.as_object_mut() {
        all.remove("transport_socket");
    }
    listener
}

fn add(to: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().cloned().unwrap_or_default() {
        to[name] = value;
    }
}

/// TLS with this certificate, as a server.
pub fn server_tls((certificate, key): &(String, String)) -> Value {
    json!({ "name": "tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.DownstreamTlsContext"),
        "common_tls_context": { "tls_certificates": [
            { "certificate_chain": { "inline_string": certificate }, "private_key": { "inline_string": key } },
        ] },
    } })
}

/// TLS that trusts this certificate, as a client.
pub fn client_tls((certificate, _): &(String, String)) -> Value {
    json!({ "name": "tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.UpstreamTlsContext"), "sni": "localhost",
        "common_tls_context": { "tls_params": { "tls_maximum_protocol_version": "TLSv1_3" }, "validation_context": { "trusted_ca": { "inline_string": certificate } } },
    } })
}

/// Everything static: plain HTTP, TLS behind it, TCP, secrets, runtime.
pub fn fixed(origin: u16, secure: u16, pair: &(String, String)) -> Value {
    let to = |cluster: &str| json!({ "cluster": cluster });
    let routes = json!({ "route_config": { "name": "local", "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [
        { "name": "direct", "match": { "path": "/direct" }, "direct_response": { "status": 404 } },
        { "name": "moved", "match": { "path": "/moved" }, "redirect": { "path_redirect": "/there" } },
        { "name": "tls", "match": { "prefix": "/tls" }, "route": to("secure") },
        { "name": "down", "match": { "prefix": "/down" }, "route": to("down") },
        { "name": "rest", "match": { "prefix": "/" }, "route": to("origin"),
          "metadata": { "filter_metadata": { "istio": { "config": "/apis/x" } } } },
    ] }] } });
    let behind = json!({ "stat_prefix": "behind", "route_config": { "name": "behind", "virtual_hosts": [
        { "name": "all", "domains": ["*"], "routes": [{ "match": { "prefix": "/" }, "route": to("origin") }] } ] } });
    let tcp =
        json!({ "@type": kind("filters.network.tcp_proxy.v3.TcpProxy"), "stat_prefix": "tcp", "cluster": "origin" });
    let breakers = json!({ "circuit_breakers": { "thresholds": [{ "max_connections": 7, "track_remaining": true }] },
        "outlier_detection": { "consecutive_5xx": 3 } });
    json!({
        "node": { "id": "sidecar~10.0.0.1~a.b~b.svc.cluster.local", "cluster": "shop",
            "locality": { "region": "r", "zone": "z" }, "metadata": { "NAMESPACE": "b", "LABELS": { "app": "a" } } },
        "admin": { "address": address(loopback(0)) },
        "stats_flush_on_admin": true,
        "layered_runtime": { "layers": [{ "name": "fixed", "static_layer": { "overload.global_downstream_max_connections": 50000 } }] },
        "static_resources": {
            "listeners": [
                listener("main", 0, &hcm(&routes), &json!({ "traffic_direction": "INBOUND" })),
                listener("secure", secure, &hcm(&behind), &json!({ "transport_socket": server_tls(pair) })),
                listener("tcp", 0, &tcp, &json!({ "traffic_direction": "OUTBOUND" })),
            ],
            "clusters": [
                cluster("origin", &[origin], &breakers),
                cluster("secure", &[secure], &json!({ "transport_socket": client_tls(pair), "alt_stat_name": "safe" })),
                cluster("down", &[], &json!({})),
                cluster("named", &[], &json!({ "type": "STRICT_DNS", "dns_lookup_family": "V4_ONLY", "load_assignment": {
                    "cluster_name": "named", "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address":
                        { "socket_address": { "address": "localhost", "port_value": origin } } } }] }] } })),
            ],
            "secrets": [
                { "name": "pair", "tls_certificate": { "certificate_chain": { "inline_string": pair.0 },
                    "private_key": { "inline_string": pair.1 } } },
                { "name": "token", "generic_secret": { "secret": { "inline_string": "hidden" } } },
            ],
        },
    })
}

fn from_ads() -> Value {
    json!({ "ads": {}, "resource_api_version": "V3" })
}

/// A bootstrap that gets everything from a control plane.
pub fn dynamic(plane: SocketAddr) -> Value {
    let http2 = json!({ "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": { "http2_protocol_options": {} },
    } } });
    json!({
        "node": { "id": "sidecar~10.0.0.1~a.b~b.svc.cluster.local", "cluster": "shop" },
        "admin": { "address": address(loopback(0)) },
        "stats_flush_on_admin": true,
        "dynamic_resources": {
            "ads_config": { "api_type": "GRPC", "transport_api_version": "V3",
                "grpc_services": [{ "envoy_grpc": { "cluster_name": "control" } }] },
            "cds_config": from_ads(), "lds_config": from_ads(),
        },
        "static_resources": { "clusters": [cluster("control", &[plane.port()], &http2)] },
    })
}

/// What the control plane serves: everything that it can, and what nobody takes.
pub fn served(origin: u16, pair: &(String, String)) -> Served {
    let eds = json!({ "name": "origin", "type": "EDS", "connect_timeout": "1s",
        "eds_cluster_config": { "eds_config": from_ads() } });
    let assignment = json!({ "cluster_name": "origin", "endpoints": [{ "locality": { "region": "r" }, "lb_endpoints": [
        { "endpoint": { "address": address(loopback(origin)) }, "load_balancing_weight": 3,
          "metadata": { "filter_metadata": { "istio": { "workload": "a" } } } } ] }] });
    let filters = json!([
        { "name": "given", "config_discovery": { "config_source": from_ads(),
            "type_urls": [kind("filters.http.cors.v3.Cors")] } },
        { "name": "router", "typed_config": { "@type": kind("filters.http.router.v3.Router") } },
    ]);
    let manager = hcm(&json!({ "http_filters": filters,
        "rds": { "route_config_name": "table", "config_source": from_ads() } }));
    let mut tls = server_tls(pair);
    tls["typed_config"]["common_tls_context"] =
        json!({ "tls_certificate_sds_secret_configs": [{ "name": "pair", "sds_config": from_ads() }] });
    let plain = listener("main", 0, &manager, &json!({ "traffic_direction": "OUTBOUND" }));
    let secure = listener("secure", 0, &manager, &json!({ "transport_socket": tls }));
    let table = json!({ "name": "table", "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [
        { "match": { "prefix": "/" }, "route": { "cluster": "origin" } }] }] });
    let secret = json!({ "name": "pair", "tls_certificate": { "certificate_chain": { "inline_string": pair.0 },
        "private_key": { "inline_string": pair.1 } } });
    let cors = json!({ "name": "given", "typed_config": { "@type": kind("filters.http.cors.v3.Cors") } });
    let broken = listener("broken", 0, &hcm(&json!({ "stat_prefix": "" })), &json!({}));
    let negative = json!({ "name": "negative", "type": "STATIC", "connect_timeout": "-1s" });
    Served {
        good: vec![
            (Kind::Cluster, eds),
            (Kind::Endpoint, assignment),
            (Kind::Listener, plain),
            (Kind::Listener, secure),
            (Kind::Route, table),
            (Kind::Secret, secret),
            (Kind::Extension, cors),
        ],
        bad: vec![(Kind::Listener, broken), (Kind::Cluster, negative)],
    }
}
