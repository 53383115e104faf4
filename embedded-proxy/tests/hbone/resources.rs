//! The resources that istiod makes for HBONE, as static ones.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::pki::{Pki, identity, named};

/// A type of Envoy's extensions.
fn kind(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

fn filter(name: &str, config: Value) -> Value {
    let mut config = config;
    config["@type"] = kind(name).into();
    json!({"name": name, "typed_config": config})
}

fn address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn original_dst() -> Value {
    json!([filter("filters.listener.original_dst.v3.OriginalDst", json!({}))])
}

fn tcp_proxy(cluster: &str, tunnel: Option<Value>) -> Value {
    let mut config = json!({"stat_prefix": cluster, "cluster": cluster});
    if let Some(tunnel) = tunnel {
        config["tunneling_config"] = tunnel;
    }
    filter("filters.network.tcp_proxy.v3.TcpProxy", config)
}

/// A cluster of one endpoint that is a listener inside the proxy; host metadata say where its connections go.
fn inside(name: &str, listener: &str, destination: Option<SocketAddr>) -> Value {
    let mut endpoint = json!({"endpoint": {"address": {"envoy_internal_address": {"server_listener_name": listener}}}});
    let mut passed = json!([]);
    if let Some(destination) = destination {
        let destination = destination.to_string();
        endpoint["endpoint"]["address"]["envoy_internal_address"]["endpoint_id"] = destination.clone().into();
        endpoint["metadata"] =
            json!({"filter_metadata": {"envoy.filters.listener.original_dst": {"local": destination}}});
        passed = json!([{"kind": {"host": {}}, "name": "envoy.filters.listener.original_dst"}]);
    }
    let raw = filter("transport_sockets.raw_buffer.v3.RawBuffer", json!({}));
    json!({
        "name": name, "type": "STATIC",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "transport_socket": filter(
            "transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
            json!({"passthrough_metadata": passed, "transport_socket": raw}),
        ),
    })
}

fn bootstrap(listeners: &Value, clusters: &Value) -> Value {
    json!({
        "node": {"id": "hbone", "cluster": "hbone"},
        "bootstrap_extensions": [filter("bootstrap.internal_listener.v3.InternalListener", json!({}))],
        "static_resources": {"listeners": listeners, "clusters": clusters},
    })
}

/// The client's proxy: listens at `out`, and leads to `origin` by way of the proxy at `terminate`.
pub fn client(pki: &Pki, account: &str, out: SocketAddr, terminate: SocketAddr, origin: SocketAddr) -> Value {
    let tunnel = json!({
        "hostname": "%DOWNSTREAM_LOCAL_ADDRESS%",
        "headers_to_add": [{"header": {"key": "baggage", "value": "k8s.namespace.name=shop"}}],
    });
    let listeners = json!([
        {"name": "outbound", "address": address(out), "filter_chains": [{"filters": [tcp_proxy("encap", None)]}]},
        {
            "name": "connect_originate", "internal_listener": {}, "listener_filters": original_dst(),
            "filter_chains": [{"filters": [tcp_proxy("connect_originate", Some(tunnel))]}],
        },
    ]);
    let http2 = json!({
        "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": {"http2_protocol_options": {"allow_connect": true}},
    });
    let tls = json!({"common_tls_context": pki.context(account, &[named("server")])});
    let originate = json!({
        "name": "connect_originate", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "connect_timeout": "2s",
        "cleanup_interval": "60s", "original_dst_lb_config": {"upstream_port_override": terminate.port()},
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "transport_socket": filter("transport_sockets.tls.v3.UpstreamTlsContext", tls),
    });
    bootstrap(&listeners, &json!([inside("encap", "connect_originate", Some(origin)), originate]))
}

/// The server's proxy: ends tunnels at `terminate`, and lets `friend` alone in.
pub fn server(pki: &Pki, terminate: SocketAddr) -> Value {
    let value = |key: &str, format: &str, factory: Option<&str>| {
        let mut value = json!({
            "object_key": key, "shared_with_upstream": "ONCE",
            "format_string": {"omit_empty_values": true, "text_format_source": {"inline_string": format}},
        });
        if let Some(factory) = factory {
            value["factory_key"] = factory.into();
        }
        value
    };
    let authority = json!({"on_request_headers": [
        value("envoy.filters.listener.original_dst.local_ip", "%REQ(:AUTHORITY)%", None),
        value("envoy.filters.listener.original_dst.remote_ip", "%DOWNSTREAM_REMOTE_ADDRESS%", None),
        value("io.istio.peer_principal", "%DOWNSTREAM_PEER_URI_SAN%", Some("envoy.hashable_string")),
    ]});
    let upgrades = json!([{"upgrade_type": "CONNECT", "connect_config": {}}]);
    let hcm = json!({
        "stat_prefix": "terminate", "upgrade_configs": [{"upgrade_type": "CONNECT"}],
        "http2_protocol_options": {"allow_connect": true},
        "route_config": {"name": "default", "virtual_hosts": [{"name": "default", "domains": ["*"], "routes": [
            {"match": {"connect_matcher": {}}, "route": {"cluster": "main_internal", "upgrade_configs": upgrades}},
        ]}]},
        "http_filters": [
            filter("filters.http.set_filter_state.v3.Config", authority),
            filter("filters.http.router.v3.Router", json!({})),
        ],
    });
    let tls = json!({"require_client_certificate": true, "common_tls_context": pki.context("server", &[])});
    let friend = json!({"filter_state": {
        "key": "io.istio.peer_principal", "string_match": {"exact": identity("friend")},
    }});
    let rbac = json!({"stat_prefix": "tcp.", "rules": {"policies": {
        "friend": {"permissions": [{"any": true}], "principals": [friend]},
    }}});
    let listeners = json!([
        {
            "name": "connect_terminate", "address": address(terminate),
            "filter_chains": [{
                "filters": [filter("filters.network.http_connection_manager.v3.HttpConnectionManager", hcm)],
                "transport_socket": filter("transport_sockets.tls.v3.DownstreamTlsContext", tls),
            }],
        },
        {
            "name": "main_internal", "internal_listener": {}, "listener_filters": original_dst(),
            "filter_chains": [{"filters": [
                filter("filters.network.rbac.v3.RBAC", rbac),
                tcp_proxy("virtual", None),
            ]}],
        },
    ]);
    let there = json!({"name": "virtual", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED"});
    bootstrap(&listeners, &json!([inside("main_internal", "main_internal", None), there]))
}
