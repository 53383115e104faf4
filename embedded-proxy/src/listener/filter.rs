//! Listener filters: what is found out about a connection before a filter chain takes it.

use std::sync::Arc;

use super::inspect::client_hello::MAX_HELLO;
use super::predicate::Predicate;
use super::proxy::ProxyProtocol;
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::stats::{Counter, Scope};

/// A listener filter at its place.
#[derive(Debug, Clone)]
pub struct ListenerFilter {
    disabled: Option<Predicate>,
    /// What it does.
    pub kind: Kind,
}

/// Kinds of listener filters.
#[derive(Debug, Clone)]
pub enum Kind {
    /// Asks the system where a redirected connection went.
    OriginalDst,
    /// Looks for a TLS hello.
    Tls(Arc<TlsInspector>),
    /// Looks for a request line.
    Http(Arc<HttpInspector>),
    /// Takes the PROXY header.
    Proxy(Arc<ProxyProtocol>),
}

/// `envoy.filters.listener.tls_inspector`.
#[derive(Debug)]
pub struct TlsInspector {
    /// Largest hello, bytes.
    pub max: usize,
    /// A hello that is broken or too large ends the connection.
    pub close: bool,
    pub(super) found: Arc<Counter>,
    pub(super) not_found: Arc<Counter>,
    pub(super) too_large: Arc<Counter>,
    pub(super) sni: [Arc<Counter>; 2],
    pub(super) alpn: [Arc<Counter>; 2],
}

/// `envoy.filters.listener.http_inspector`.
#[derive(Debug)]
pub struct HttpInspector {
    pub(super) http10: Arc<Counter>,
    pub(super) http11: Arc<Counter>,
    pub(super) http2: Arc<Counter>,
    pub(super) not_found: Arc<Counter>,
}

impl ListenerFilter {
    /// Reads an `envoy.config.listener.v3.ListenerFilter`. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // The type of the configuration says what it is.
        reader.ignore(&["name"]);
        let disabled = match reader.message("filter_disabled") {
            Some(predicate) => Some(Predicate::read(&predicate)?),
            None => None,
        };
        let (name, config) = match reader.any("typed_config") {
            Some(config) => config,
            None if reader.has("config_discovery") => return None,
            None => {
                reader.defect("typed_config", "must be set");
                return None;
            }
        };
        let root = Scope::root(&build.services.stats);
        let kind = match name.strip_prefix("envoy.extensions.filters.listener.").unwrap_or_default() {
            "original_dst.v3.OriginalDst" => Kind::OriginalDst,
            "tls_inspector.v3.TlsInspector" => Kind::Tls(Arc::new(TlsInspector::read(&config, &root))),
            "http_inspector.v3.HttpInspector" => Kind::Http(Arc::new(HttpInspector::new(&root))),
            "proxy_protocol.v3.ProxyProtocol" => Kind::Proxy(Arc::new(ProxyProtocol::read(&config, &root)?)),
            _ => {
                config.ignore_all();
                config.defect("", format!("the proxy does not have the listener filter {name}"));
                return None;
            }
        };
        Some(Self { disabled, kind })
    }

    /// The filter that `use_original_dst` of a listener stands for.
    pub fn original_dst() -> Self {
        Self { disabled: None, kind: Kind::OriginalDst }
    }

    /// Whether the filter runs for connections to this port; none: their address has no port.
    pub fn runs(&self, port: Option<u16>) -> bool {
        !self.disabled.as_ref().is_some_and(|disabled| disabled.holds(port))
    }
}

impl TlsInspector {
    fn read(reader: &Reader<'_>, root: &Scope) -> Self {
        // The buffer grows with what arrives.
        reader.ignore(&["initial_read_buffer_size"]);
        let max = reader.number("max_client_hello_size").and_then(|size| usize::try_from(size).ok());
        let stats = root.sub("tls_inspector");
        Self {
            max: max.unwrap_or(MAX_HELLO).min(MAX_HELLO),
            close: reader.flag("close_connection_on_client_hello_parsing_errors"),
            found: stats.counter("tls_found"),
            not_found: stats.counter("tls_not_found"),
            too_large: stats.counter("client_hello_too_large"),
            sni: [stats.counter("sni_not_found"), stats.counter("sni_found")],
            alpn: [stats.counter("alpn_not_found"), stats.counter("alpn_found")],
        }
    }
}

impl HttpInspector {
    fn new(root: &Scope) -> Self {
        let stats = root.sub("http_inspector");
        Self {
            http10: stats.counter("http10_found"),
            http11: stats.counter("http11_found"),
            http2: stats.counter("http2_found"),
            not_found: stats.counter("http_not_found"),
        }
    }
}
