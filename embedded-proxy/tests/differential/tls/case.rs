//! What a case configures: the TLS contexts of both sides, and what is added around them.

use serde_json::{Value, json};

use super::super::scenario::merge;

const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
const HCM: &str =
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

/// What the server side logs of a request.
const DOWNSTREAM: &str = "%RESPONSE_CODE% %PROTOCOL% %FILTER_CHAIN_NAME% %REQUESTED_SERVER_NAME% %DOWNSTREAM_TLS_VERSION% \
    %DOWNSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_DNS_SAN% %DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_ISSUER% \
    %DOWNSTREAM_PEER_FINGERPRINT_256% %DOWNSTREAM_PEER_FINGERPRINT_1% %DOWNSTREAM_PEER_SERIAL% \
    %DOWNSTREAM_PEER_CERT_V_START% %DOWNSTREAM_PEER_CERT_V_END% %DOWNSTREAM_LOCAL_URI_SAN% %DOWNSTREAM_LOCAL_DNS_SAN% \
    %DOWNSTREAM_LOCAL_SUBJECT% %DOWNSTREAM_PEER_CERT%\n";

/// What the client side logs of a request.
const UPSTREAM: &str = "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_PROTOCOL% %UPSTREAM_TLS_VERSION% \
    %UPSTREAM_PEER_URI_SAN% %UPSTREAM_PEER_DNS_SAN% %UPSTREAM_PEER_SUBJECT% %UPSTREAM_PEER_ISSUER% \
    %UPSTREAM_LOCAL_URI_SAN% reason=%UPSTREAM_TRANSPORT_FAILURE_REASON%\n";

/// A case.
pub struct Case {
    pub name: &'static str,
    /// `UpstreamTlsContext` of the client side.
    client: Value,
    /// Filter chains of the server side: `filter_chain_match` and `DownstreamTlsContext`.
    chains: Vec<(Value, Value)>,
    /// Added to the cluster of the client side.
    cluster: Value,
    /// Added to the connection manager of the server side.
    hcm: Value,
    /// Requests, one after the other, each on a connection of its own to the client side.
    pub requests: usize,
}

impl Case {
    /// A case of one filter chain and one request.
    pub fn new(name: &'static str, client: Value, server: Value) -> Self {
        Self { name, client, chains: vec![(json!({}), server)], cluster: json!({}), hcm: json!({}), requests: 1 }
    }

    /// Filter chains instead of the one.
    pub fn chains(mut self, chains: Vec<(Value, Value)>) -> Self {
        self.chains = chains;
        self
    }

    /// Fields of the cluster.
    pub fn cluster(mut self, more: Value) -> Self {
        self.cluster = more;
        self
    }

    /// Fields of the connection manager.
    pub fn hcm(mut self, more: Value) -> Self {
        self.hcm = more;
        self
    }

    /// More than one request.
    pub fn requests(mut self, requests: usize) -> Self {
        self.requests = requests;
        self
    }

    /// The listener of the server side; requests end in the cluster `origin`.
    pub fn server(&self, log: &std::path::Path) -> Value {
        let chains = self.chains.iter().enumerate().map(|(index, (asks, context))| {
            let mut hcm = hcm(self.name, "origin", log, DOWNSTREAM);
            merge(&mut hcm, Some(&self.hcm));
            json!({
                "name": format!("chain {index}"), "filter_chain_match": asks,
                "filters": [{"name": "http", "typed_config": hcm}],
                "transport_socket": socket("DownstreamTlsContext", context),
            })
        });
        let mut listener = listener(self.name, &chains.collect::<Vec<_>>());
        let inspector = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector";
        listener["listener_filters"] = json!([{"name": "tls", "typed_config": {"@type": inspector}}]);
        listener
    }

    /// Listener and cluster of the client side for a server on that port.
    pub fn client(&self, name: &str, port: u16, log: &std::path::Path) -> (Value, Value) {
        let mut cluster = cluster(name, port);
        cluster["transport_socket"] = socket("UpstreamTlsContext", &self.client);
        merge(&mut cluster, Some(&self.cluster));
        let filters = json!([{"name": "http", "typed_config": hcm(name, name, log, UPSTREAM)}]);
        (listener(name, &[json!({"filters": filters})]), cluster)
    }
}

fn socket(kind: &str, context: &Value) -> Value {
    let mut config = json!({"@type": format!("{TLS}.{kind}")});
    merge(&mut config, Some(context));
    json!({"name": "tls", "typed_config": config})
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}

/// A cluster of one host on this machine.
pub fn cluster(name: &str, port: u16) -> Value {
    json!({
        "name": name, "type": "STATIC", "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": address(port)}}]}]},
    })
}

fn listener(name: &str, chains: &[Value]) -> Value {
    json!({"name": name, "stat_prefix": name, "address": address(0), "filter_chains": chains})
}

fn hcm(prefix: &str, cluster: &str, log: &std::path::Path, format: &str) -> Value {
    let router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
    let file = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
    json!({
        "@type": HCM, "stat_prefix": prefix, "codec_type": "AUTO",
        // What the client sends about certificates has to come through the client side.
        "forward_client_cert_details": "ALWAYS_FORWARD_ONLY",
        "generate_request_id": false,
        "route_config": {"name": "r", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": router}}],
        "access_log": [{"name": "log", "typed_config": {"@type": file, "path": log,
            "log_format": {"text_format_source": {"inline_string": format}}}}],
    })
}

/// A bootstrap with an admin interface.
pub fn bootstrap(listeners: &[Value], clusters: &[Value]) -> Value {
    json!({
        "node": {"id": "tls", "cluster": "tls"},
        "admin": {"address": address(0)},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    })
}
