//! A scenario file: what to add to the common bootstrap, and the requests.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::origin::Ports;

/// A scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Virtual hosts of the route table; one catch-all to the cluster `origin` when missing.
    #[serde(default)]
    pub virtual_hosts: Option<Value>,
    /// Fields to add to the route table.
    #[serde(default)]
    pub route_config: Option<Value>,
    /// HTTP filters before the router: `typed_config` objects.
    #[serde(default)]
    pub filters: Vec<Value>,
    /// Fields to add to the router filter's configuration.
    #[serde(default)]
    pub router: Option<Value>,
    /// Fields to add to the connection manager.
    #[serde(default)]
    pub hcm: Option<Value>,
    /// Fields to add to the listener.
    #[serde(default)]
    pub listener: Option<Value>,
    /// Network filters instead of the connection manager.
    #[serde(default)]
    pub network_filters: Option<Value>,
    /// More clusters.
    #[serde(default)]
    pub clusters: Vec<Value>,
    /// More listeners; `{{inner}}` is a free port for one of them.
    #[serde(default)]
    pub listeners: Vec<Value>,
    /// Fields to add to the bootstrap.
    #[serde(default)]
    pub bootstrap: Option<Value>,
    /// Fields to add to the cluster `origin`.
    #[serde(default)]
    pub origin: Option<Value>,
    /// Filter of the access log.
    #[serde(default)]
    pub log_filter: Option<Value>,
    /// Do not compare access logs (their order is not certain).
    #[serde(default)]
    pub no_logs: bool,
    /// The requests.
    pub requests: Vec<Request>,
}

/// A request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// Bytes to send as they are (`\r\n` written out); the rest is ignored then.
    pub raw: Option<String>,
    /// Parts of `raw` that are sent with pauses between.
    pub parts: Vec<String>,
    /// Method, GET when missing.
    pub method: Option<String>,
    /// Target.
    pub path: String,
    /// Host, `test.local` when missing.
    pub host: Option<String>,
    /// Header fields as `name: value`.
    pub headers: Vec<String>,
    /// Body.
    pub body: Option<String>,
    /// Body sent in chunks of one byte to ten.
    pub chunked: bool,
    /// Trailers after a body over HTTP/2.
    pub trailers: Vec<String>,
    /// Speak HTTP/2 with prior knowledge.
    pub h2: bool,
    /// Send it so many times on one connection and compare all answers.
    pub times: Option<usize>,
    /// Close our writing side after sending.
    pub half_close: bool,
}

impl Request {
    /// For messages.
    pub fn title(&self) -> String {
        match &self.raw {
            Some(raw) => format!("raw {:?}", raw.chars().take(60).collect::<String>()),
            None if !self.parts.is_empty() => format!("parts {:?}", self.parts[0].chars().take(60).collect::<String>()),
            None => {
                let version = if self.h2 { " h2" } else { "" };
                format!(
                    "{} {}{version} {}",
                    self.method.as_deref().unwrap_or("GET"),
                    self.path,
                    self.headers.join(", ")
                )
            }
        }
    }
}

impl Scenario {
    /// Reads a file.
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("readable");
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The bootstrap: ports are picked by the system. The clusters `origin`, `other` and `grpc` (HTTP/2) lead to the origins.
    pub fn bootstrap(&self, ports: Ports, log: &Path) -> Value {
        let hosts = self.virtual_hosts.clone().unwrap_or_else(|| {
            json!([{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "origin"}}]}])
        });
        let mut routes = json!({"name": "routes", "virtual_hosts": hosts});
        merge(&mut routes, self.route_config.as_ref());
        let mut filters: Vec<Value> = self.filters.iter().map(named_filter).collect();
        let mut router = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"});
        merge(&mut router, self.router.as_ref());
        filters.push(json!({"name": "envoy.filters.http.router", "typed_config": router}));
        let format = "%REQ(:METHOD)% %REQ(X-CASE)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% \
                      %UPSTREAM_CLUSTER% %ROUTE_NAME% %PROTOCOL% %BYTES_RECEIVED% %BYTES_SENT%\n";
        let file = json!(log);
        let mut log = json!([{"name": "envoy.access_loggers.file", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": log, "log_format": {"text_format_source": {"inline_string": format}}}}]);
        if let Some(filter) = &self.log_filter {
            log[0]["filter"] = filter.clone();
        }
        let mut hcm = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "test", "codec_type": "AUTO", "route_config": routes, "http_filters": filters,
            "access_log": log,
        });
        merge(&mut hcm, self.hcm.as_ref());
        let network = self
            .network_filters
            .clone()
            .unwrap_or_else(|| json!([{"name": "envoy.filters.network.http_connection_manager", "typed_config": hcm}]));
        let mut listener = json!({
            "name": "main", "address": address(0), "filter_chains": [{"filters": network}],
        });
        merge(&mut listener, self.listener.as_ref());
        let mut first = cluster("origin", ports.one);
        merge(&mut first, self.origin.as_ref());
        let mut clusters = vec![first, cluster("other", ports.two), cluster("nobody", 1), grpc(ports.grpc)];
        clusters.extend(self.clusters.iter().cloned());
        let mut listeners = vec![listener];
        listeners.extend(self.listeners.iter().cloned());
        let mut bootstrap = json!({
            "node": {"id": "test", "cluster": "test"},
            "admin": {"address": address(0)},
            "static_resources": {"listeners": listeners, "clusters": clusters},
        });
        merge(&mut bootstrap, self.bootstrap.as_ref());
        let places = [
            ("{{origin}}", json!(ports.one)),
            ("{{other}}", json!(ports.two)),
            ("{{inner}}", json!(free())),
            ("{{log}}", file),
        ];
        replace(&mut bootstrap, &places);
        bootstrap
    }
}

fn named_filter(config: &Value) -> Value {
    if config.get("typed_config").is_some() {
        return config.clone();
    }
    let kind = config["@type"].as_str().expect("a filter has @type");
    json!({"name": kind.rsplit('.').next().expect("a name"), "typed_config": config})
}

fn address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}

fn cluster(name: &str, port: u16) -> Value {
    json!({
        "name": name, "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [
            {"endpoint": {"address": address(port)}}]}]},
    })
}

/// The services that speak gRPC.
fn grpc(port: u16) -> Value {
    let mut cluster = cluster("grpc", port);
    cluster["typed_extension_protocol_options"] = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http2_protocol_options": {} } } });
    cluster
}

/// Lays `more` over `base`: objects are merged, everything else is replaced.
pub fn merge(base: &mut Value, more: Option<&Value>) {
    let Some(Value::Object(more)) = more else { return };
    for (key, value) in more {
        let slot = &mut base[key.as_str()];
        if slot.is_object() && value.is_object() {
            merge(slot, Some(value));
        } else {
            *slot = value.clone();
        }
    }
}

/// A port that nobody listens on.
fn free() -> u16 {
    let bound = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    bound.expect("loopback").port()
}

/// Puts values where a placeholder is the whole text.
fn replace(value: &mut Value, places: &[(&str, Value)]) {
    match value {
        Value::String(text) => {
            if let Some((_, place)) = places.iter().find(|(name, _)| name == text) {
                *value = place.clone();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, places)),
        Value::Object(entries) => entries.values_mut().for_each(|item| replace(item, places)),
        _ => {}
    }
}
