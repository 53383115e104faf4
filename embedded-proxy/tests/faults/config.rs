//! Bootstraps for these tests, as JSON.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

/// Lines of the access log: status, flags, details.
const LOG: &str = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n";

/// A type of Envoy's extensions.
fn kind(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

/// A port that the system picks.
fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// The cluster `origin`.
fn cluster(to: SocketAddr) -> Value {
    json!({ "name": "origin", "type": "STATIC", "connect_timeout": "2s", "load_assignment": {
        "cluster_name": "origin", "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address(to) } }] }],
    } })
}

/// A connection manager that sends everything to `origin`; `route` and `fields` are added.
pub fn hcm(route: &Value, fields: &Value) -> Value {
    let mut action = json!({ "cluster": "origin" });
    add(&mut action, route);
    let mut hcm = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "test",
        "route_config": { "name": "routes", "virtual_hosts": [{
            "name": "all", "domains": ["*"], "routes": [{ "match": { "prefix": "/" }, "route": action }],
        }] },
        "http_filters": [{ "name": "router", "typed_config": { "@type": kind("filters.http.router.v3.Router") } }],
    });
    add(&mut hcm, fields);
    hcm
}

/// An access log, as a field of [`hcm`].
pub fn log(path: &Path) -> Value {
    json!({ "access_log": [{ "name": "file", "typed_config": {
        "@type": kind("access_loggers.file.v3.FileAccessLog"), "path": path,
        "log_format": { "text_format_source": { "inline_string": LOG } },
    } }] })
}

/// A listener with one filter, which is most often a connection manager.
pub fn listener(name: &str, filter: &Value) -> Value {
    let only = json!({ "filters": [{ "name": "http", "typed_config": filter }] });
    json!({ "name": name, "address": address(any()), "stat_prefix": name, "filter_chains": [only] })
}

/// The same with TLS; the certificate `own` comes from a file of secrets that is watched.
pub fn tls_listener(name: &str, filter: &Value, secrets: &Path) -> Value {
    let mut listener = listener(name, filter);
    listener["filter_chains"][0]["transport_socket"] = json!({ "name": "tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.DownstreamTlsContext"),
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificate_sds_secret_configs": [{ "name": "own", "sds_config": {
                "resource_api_version": "V3", "path_config_source": { "path": secrets },
            } }],
        },
    } });
    listener
}

/// A filter that passes bytes on to `origin`; `fields` are added.
pub fn tcp(fields: &Value) -> Value {
    let mut tcp = json!({
        "@type": kind("filters.network.tcp_proxy.v3.TcpProxy"), "stat_prefix": "test", "cluster": "origin",
    });
    add(&mut tcp, fields);
    tcp
}

/// A bootstrap with an admin interface.
pub fn bootstrap(listeners: &[Value], origin: SocketAddr) -> Value {
    json!({
        "node": { "id": "faults", "cluster": "faults" },
        "admin": { "address": address(any()) },
        "static_resources": { "listeners": listeners, "clusters": [cluster(origin)] },
    })
}

/// The same, and HTTP/2 is spoken with the origin.
pub fn bootstrap_http2(listeners: &[Value], origin: SocketAddr) -> Value {
    let mut bootstrap = bootstrap(listeners, origin);
    let options = json!({ "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": { "http2_protocol_options": {} } });
    bootstrap["static_resources"]["clusters"][0]["typed_extension_protocol_options"] =
        json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options });
    bootstrap
}

/// Adds fields; those of the same name are replaced.
fn add(to: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().expect("an object") {
        to[name.as_str()] = value.clone();
    }
}
