//! The files that the proxies read: one bootstrap for Envoy and for us, and HAProxy's equivalent.

use std::error::Error;
use std::net::TcpListener;
use std::path::Path;

use serde_json::{Value, json};

/// What a proxy is configured to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// HTTP/1 in, HTTP/1 out, a small answer.
    Http1,
    /// The same with an answer of 64 KiB.
    Http1Large,
    /// The same with RBAC, fault, CORS, local rate limit, header edits and an access log.
    Filters,
    /// Two proxies with mTLS over HTTP/2 between them.
    Pair,
    /// HTTP/2 in and out.
    Grpc,
    /// Bytes in, bytes out.
    Tcp,
}

/// Ports of one measurement, picked by the system.
#[derive(Debug)]
pub struct Ports {
    /// The proxy's listener.
    pub proxy: u16,
    /// The second proxy's listener, of a pair.
    pub second: u16,
    /// The origin: HTTP/1, small answer.
    pub origin: u16,
    /// The origin: HTTP/1, 64 KiB.
    pub large: u16,
    /// The origin: HTTP/2.
    pub h2: u16,
}

impl Ports {
    /// Five free ports.
    pub fn pick() -> Result<Self, Box<dyn Error>> {
        let held: Vec<TcpListener> = (0..5).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>()?;
        let ports: Vec<u16> = held.iter().map(|held| held.local_addr().map(|a| a.port())).collect::<Result<_, _>>()?;
        Ok(Self { proxy: ports[0], second: ports[1], origin: ports[2], large: ports[3], h2: ports[4] })
    }
}

/// The origin: HAProxy that answers itself.
pub fn origin(ports: &Ports) -> String {
    let payload = "x".repeat(64 * 1024);
    format!(
        "global\n  nbthread 1\n  tune.bufsize 131072\ndefaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n\
         frontend small\n  bind 127.0.0.1:{}\n  http-request return status 200 content-type text/plain string hello\n\
         frontend large\n  bind 127.0.0.1:{}\n  http-request return status 200 content-type text/plain string {payload}\n\
         frontend h2\n  bind 127.0.0.1:{} proto h2\n  http-request return status 200 content-type application/grpc string hello\n",
        ports.origin, ports.large, ports.h2
    )
}

fn cluster(name: &str, port: u16, more: &Value) -> Value {
    let mut cluster = json!({
        "name": name, "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [{"endpoint": {"address":
            {"socket_address": {"address": "127.0.0.1", "port_value": port}}}}]}]},
        "circuit_breakers": {"thresholds": [{"max_connections": 100_000, "max_pending_requests": 100_000,
            "max_requests": 100_000}]},
    });
    if let (Some(cluster), Some(more)) = (cluster.as_object_mut(), more.as_object()) {
        cluster.extend(more.clone());
    }
    cluster
}

fn http2() -> Value {
    json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}}}})
}

fn tls(folder: &Path, upstream: bool) -> Value {
    let file = |name: &str| json!({"filename": folder.join(name)});
    let mut validation = json!({"trusted_ca": file("ca.pem")});
    if upstream {
        validation["match_typed_subject_alt_names"] =
            json!([{"san_type": "URI", "matcher": {"exact": "spiffe://bench/ns/a/sa/b"}}]);
    }
    let common = json!({
        "tls_certificates": [{"certificate_chain": file("cert.pem"), "private_key": file("key.pem")}],
        "validation_context": validation, "alpn_protocols": ["h2"],
    });
    let kind = if upstream { "UpstreamTlsContext" } else { "DownstreamTlsContext" };
    let mut config = json!({
        "@type": format!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}"),
        "common_tls_context": common,
    });
    if !upstream {
        config["require_client_certificate"] = json!(true);
    }
    json!({"name": "envoy.transport_sockets.tls", "typed_config": config})
}

fn filters() -> Vec<Value> {
    let filter = |name: &str, kind: &str, mut config: Value| {
        config["@type"] = json!(format!("type.googleapis.com/envoy.extensions.filters.http.{kind}"));
        json!({"name": name, "typed_config": config})
    };
    vec![
        filter("envoy.filters.http.cors", "cors.v3.Cors", json!({})),
        filter("envoy.filters.http.fault", "fault.v3.HTTPFault", json!({})),
        filter(
            "envoy.filters.http.rbac",
            "rbac.v3.RBAC",
            json!({"rules": {"action": "ALLOW", "policies": {
            "get": {"permissions": [{"header": {"name": ":method", "string_match": {"exact": "GET"}}}],
                    "principals": [{"any": true}]}}}}),
        ),
        filter(
            "envoy.filters.http.local_ratelimit",
            "local_ratelimit.v3.LocalRateLimit",
            json!({
            "stat_prefix": "rl", "token_bucket": {"max_tokens": 1_000_000_000, "fill_interval": "1s"},
            "filter_enabled": {"default_value": {"numerator": 100}},
            "filter_enforced": {"default_value": {"numerator": 100}}}),
        ),
    ]
}

fn listener(shape: Shape, log: &Path, transport: Option<Value>, cluster: &str, port: u16) -> Value {
    let mut hcm = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench", "codec_type": "AUTO",
        "route_config": {"name": "bench", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config":
            {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
    });
    if shape == Shape::Filters {
        let mut chain = filters();
        chain.extend(hcm["http_filters"].as_array().into_iter().flatten().cloned());
        hcm["http_filters"] = json!(chain);
        hcm["route_config"]["virtual_hosts"][0]["request_headers_to_add"] =
            json!([{"header": {"key": "x-bench", "value": "%REQ(:METHOD)%"}}]);
        hcm["access_log"] = json!([{"name": "envoy.access_loggers.file", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog", "path": log}}]);
    }
    let network = if shape == Shape::Tcp {
        json!({"name": "envoy.filters.network.tcp_proxy", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "bench", "cluster": cluster}})
    } else {
        json!({"name": "envoy.filters.network.http_connection_manager", "typed_config": hcm})
    };
    let mut chain = json!({"filters": [network]});
    if let Some(transport) = transport {
        chain["transport_socket"] = transport;
    }
    json!({"name": "bench", "filter_chains": [chain],
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}})
}

fn bootstrap(listener: &Value, cluster: &Value) -> Value {
    json!({"node": {"id": "bench", "cluster": "bench"},
        "static_resources": {"listeners": [listener], "clusters": [cluster]}})
}

/// The bootstraps of the proxies that the shape needs: one, or two for a pair.
pub fn bootstraps(shape: Shape, folder: &Path, ports: &Ports) -> Vec<Value> {
    let log = folder.join("access.log");
    let none = json!({});
    if shape == Shape::Pair {
        let out = json!({"transport_socket": tls(folder, true), "typed_extension_protocol_options": http2()});
        return vec![
            bootstrap(&listener(shape, &log, None, "second", ports.proxy), &cluster("second", ports.second, &out)),
            bootstrap(
                &listener(shape, &log, Some(tls(folder, false)), "origin", ports.second),
                &cluster("origin", ports.origin, &none),
            ),
        ];
    }
    let (port, more) = match shape {
        Shape::Grpc => (ports.h2, json!({"typed_extension_protocol_options": http2()})),
        Shape::Http1Large => (ports.large, none),
        _ => (ports.origin, none),
    };
    vec![bootstrap(&listener(shape, &log, None, "origin", ports.proxy), &cluster("origin", port, &more))]
}

/// HAProxy's configurations; none where it has no equivalent.
pub fn haproxy(shape: Shape, folder: &Path, ports: &Ports) -> Option<Vec<String>> {
    let head = |mode: &str| {
        format!(
            "global\n  nbthread 1\n  maxconn 4000\ndefaults\n  mode {mode}\n  timeout client 60s\n  timeout server 60s\n  \
             timeout connect 5s\n  http-reuse always\n"
        )
    };
    let ca = folder.join("ca.pem");
    let both = folder.join("both.pem");
    let (ca, both) = (ca.display(), both.display());
    let one = |mode: &str, bind: &str, server: &str| {
        let head = head(mode);
        let head = if mode == "tcp" { head.replace("  http-reuse always\n", "") } else { head };
        format!("{head}frontend in\n  {bind}\n  default_backend out\nbackend out\n  {server}\n")
    };
    let proxy = format!("bind 127.0.0.1:{}", ports.proxy);
    let server = |port: u16, more: &str| format!("server s 127.0.0.1:{port} {more}");
    Some(match shape {
        Shape::Http1 => vec![one("http", &proxy, &server(ports.origin, ""))],
        Shape::Http1Large => vec![one("http", &proxy, &server(ports.large, ""))],
        Shape::Filters => return None,
        Shape::Grpc => vec![one("http", &format!("{proxy} proto h2"), &server(ports.h2, "proto h2"))],
        Shape::Tcp => vec![one("tcp", &proxy, &server(ports.origin, ""))],
        Shape::Pair => vec![
            one(
                "http",
                &proxy,
                &server(
                    ports.second,
                    &format!("ssl verify required ca-file {ca} crt {both} alpn h2 verifyhost bench.local"),
                ),
            ),
            one(
                "http",
                &format!("bind 127.0.0.1:{} ssl crt {both} ca-file {ca} verify required alpn h2", ports.second),
                &server(ports.origin, ""),
            ),
        ],
    })
}
