//! Which HTTP is spoken to the hosts of a cluster, and its limits:
//! `envoy.extensions.upstreams.http.v3.HttpProtocolOptions`, or the older fields of `Cluster` that say the same.

use std::time::Duration;

use http::HeaderName;

use crate::hcm::Http2Options;
use crate::http::Version;
use crate::http::h1::ClientOptions;
use crate::proto::Reader;

/// Key and type of the options in `typed_extension_protocol_options`.
pub(super) const TYPE: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Envoy's default for connections that no request uses.
const IDLE: Duration = Duration::from_hours(1);

/// Which version of HTTP is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1
    #[default]
    Http1,
    /// HTTP/2, by prior knowledge or ALPN.
    Http2,
    /// What the peer chooses by ALPN; HTTP/1.1 when it chooses nothing.
    Auto,
    /// What the client speaks.
    Downstream,
}

/// Limits of connections and streams, from `envoy.config.core.v3.HttpProtocolOptions`.
#[derive(Debug, Clone, PartialEq)]
pub struct CommonOptions {
    /// A connection without requests is closed after this time (1 h).
    pub idle_timeout: Option<Duration>,
    /// A connection takes no more requests after this time.
    pub max_connection: Option<Duration>,
    /// Up to this share of `max_connection` is added to it by chance.
    pub max_connection_jitter: f64,
    /// Requests on one connection.
    pub max_requests: Option<u64>,
    /// Most response header fields (100).
    pub max_fields: usize,
    /// Largest response head, bytes (60 KiB).
    pub max_head: usize,
    /// Longest exchange; the router watches it.
    pub max_stream: Option<Duration>,
}

/// Server name and certificate check that follow the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutoNames {
    /// The server name is the request's host.
    pub sni: bool,
    /// The certificate must hold the request's host.
    pub san: bool,
    /// A field to take instead of the host.
    pub header: Option<HeaderName>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpOptions {
    /// Version.
    pub protocol: Protocol,
    /// Options of HTTP/1.
    pub http1: ClientOptions,
    /// Options of HTTP/2.
    pub http2: Http2Options,
    /// Limits.
    pub common: CommonOptions,
    /// Names from the request.
    pub names: AutoNames,
}

impl Default for CommonOptions {
    fn default() -> Self {
        let http1 = ClientOptions::default();
        Self {
            idle_timeout: Some(IDLE),
            max_connection: None,
            max_connection_jitter: 0.0,
            max_requests: None,
            max_fields: http1.max_fields,
            max_head: http1.max_head,
            max_stream: None,
        }
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            protocol: Protocol::Http1,
            http1: ClientOptions::default(),
            http2: Http2Options::default(),
            common: CommonOptions::default(),
            names: AutoNames::default(),
        }
    }
}

impl HttpOptions {
    /// Reads the typed options.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let mut options = Self::default();
        if let Some(common) = reader.message("common_http_protocol_options") {
            options.common = CommonOptions::read(&common);
        }
        if let Some(names) = reader.message("upstream_http_protocol_options") {
            options.names = AutoNames::read(&names)?;
        }
        for filter in reader.list("http_filters") {
            // The only filter that has to be there is the codec, which is always last.
            filter.ignore(&["name"]);
            match filter.any("typed_config") {
                Some((name, _)) if name.ends_with(".upstream_codec.v3.UpstreamCodec") => {}
                Some((name, _)) => {
                    filter.defect("typed_config", format!("the proxy does not have the upstream filter {name}"));
                }
                None => {}
            }
        }
        let Some(choice) = reader.choice("upstream_protocol_options") else {
            reader.defect("upstream_protocol_options", "must be set");
            return None;
        };
        let chosen = reader.message(&choice)?;
        options.protocol = match choice.as_str() {
            "explicit_http_config" => match chosen.choice("protocol_config").as_deref() {
                Some("http_protocol_options") => Protocol::Http1,
                Some("http2_protocol_options") => Protocol::Http2,
                Some(_) => return None,
                None => {
                    chosen.defect("protocol_config", "must be set");
                    return None;
                }
            },
            "auto_config" => Protocol::Auto,
            _ => Protocol::Downstream,
        };
        options.versions(&chosen)?;
        Some(options.settled())
    }

    /// Reads the older fields of `envoy.config.cluster.v3.Cluster`.
    pub(super) fn read_old(cluster: &Reader<'_>) -> Option<Self> {
        let mut options = Self::default();
        if let Some(common) = cluster.message("common_http_protocol_options") {
            options.common = CommonOptions::read(&common);
        }
        if let Some(names) = cluster.message("upstream_http_protocol_options") {
            options.names = AutoNames::read(&names)?;
        }
        options.protocol = match cluster.word("protocol_selection").as_str() {
            "USE_DOWNSTREAM_PROTOCOL" => Protocol::Downstream,
            _ if cluster.has("http2_protocol_options") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        options.versions(cluster)?;
        Some(options.settled())
    }

    /// Options of the versions, which have the same names wherever they stand.
    fn versions(&mut self, reader: &Reader<'_>) -> Option<()> {
        if let Some(http1) = reader.message("http_protocol_options") {
            self.http1.trailers = read_http1(&http1);
        }
        if let Some(http2) = reader.message("http2_protocol_options") {
            self.http2 = Http2Options::read(&http2)?;
        }
        Some(())
    }

    fn settled(mut self) -> Self {
        self.http1.max_fields = self.common.max_fields;
        self.http1.max_head = self.common.max_head;
        self
    }

    /// The version for a request that came in `version`; none: ALPN decides.
    pub fn version(&self, version: Version) -> Option<Version> {
        match self.protocol {
            Protocol::Http1 => Some(Version::Http11),
            Protocol::Http2 => Some(Version::Http2),
            Protocol::Auto => None,
            Protocol::Downstream => Some(if version == Version::Http2 { Version::Http2 } else { Version::Http11 }),
        }
    }
}

/// Reads `envoy.config.core.v3.Http1ProtocolOptions` of an upstream: whether trailers are passed on.
fn read_http1(reader: &Reader<'_>) -> bool {
    // These concern requests that come in, or how strictly errors are told apart there; the upstream side has no use
    // for them. A chunked message with a length is taken as chunked.
    reader.ignore(&[
        "allow_absolute_url",
        "accept_http_10",
        "default_host_for_http_10",
        "allow_chunked_length",
        "override_stream_error_on_invalid_http_message",
        "use_balsa_parser",
        "allow_custom_methods",
        "ignore_http_11_upgrade",
    ]);
    reader.flag("enable_trailers")
}

impl CommonOptions {
    fn read(reader: &Reader<'_>) -> Self {
        // Only requests of clients are looked at, as in Envoy.
        reader.ignore(&["headers_with_underscores_action"]);
        let default = Self::default();
        let set = |field: &str| reader.duration(field).filter(|duration| !duration.is_zero());
        let idle_timeout = if reader.has("idle_timeout") { set("idle_timeout") } else { default.idle_timeout };
        let jitter = reader.message("max_connection_duration_jitter").and_then(|percent| percent.float("value"));
        let size = |field: &str| reader.u32(field).map(|number| number as usize);
        Self {
            idle_timeout,
            max_connection: set("max_connection_duration"),
            max_connection_jitter: jitter.unwrap_or(0.0) / 100.0,
            max_requests: reader.number("max_requests_per_connection").filter(|most| *most > 0),
            max_fields: size("max_headers_count").unwrap_or(default.max_fields),
            max_head: size("max_response_headers_kb").map_or(default.max_head, |kib| kib << 10),
            max_stream: set("max_stream_duration"),
        }
    }

    /// How long a fresh connection may be used.
    pub(super) fn lifetime(&self) -> Option<Duration> {
        let jitter = self.max_connection_jitter.clamp(0.0, 1.0) * fastrand::f64();
        self.max_connection.map(|most| most.mul_f64(1.0 + jitter))
    }
}

impl AutoNames {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let header = match reader.opt_text("override_auto_sni_header") {
            Some(name) => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => Some(name),
                Err(_) => {
                    reader.defect("override_auto_sni_header", "is no name of a header field");
                    return None;
                }
            },
            None => None,
        };
        Some(Self { sni: reader.flag("auto_sni"), san: reader.flag("auto_san_validation"), header })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::proto::{Defect, Defects, from_json};

    fn read(value: &Value) -> Result<HttpOptions, Vec<Defect>> {
        let message = from_json(TYPE, value).unwrap();
        let defects = Defects::new();
        let options = HttpOptions::read(&Reader::new(message, "", &defects));
        defects.verdict(options)
    }

    #[test]
    fn the_version_is_chosen_or_left_to_others() {
        let explicit =
            read(&json!({"explicit_http_config": {"http2_protocol_options": {"max_concurrent_streams": 3}}}));
        let explicit = explicit.unwrap();
        assert_eq!(explicit.version(Version::Http11), Some(Version::Http2));
        assert_eq!(explicit.http2.max_concurrent_streams, 3);
        let auto = read(&json!({"auto_config": {"http_protocol_options": {"enable_trailers": true}}})).unwrap();
        assert_eq!((auto.version(Version::Http2), auto.http1.trailers), (None, true));
        let same = read(&json!({"use_downstream_protocol_config": {}})).unwrap();
        assert_eq!(same.version(Version::Http2), Some(Version::Http2));
        assert_eq!(same.version(Version::Http10), Some(Version::Http11));
    }

    #[test]
    fn limits_reach_both_codecs() {
        let options = read(&json!({
            "common_http_protocol_options": {
                "idle_timeout": "0s", "max_requests_per_connection": 5, "max_headers_count": 7, "max_response_headers_kb": 2,
            },
            "explicit_http_config": {"http_protocol_options": {}},
        }));
        let options = options.unwrap();
        assert_eq!((options.common.idle_timeout, options.common.max_requests), (None, Some(5)));
        assert_eq!((options.http1.max_fields, options.http1.max_head), (7, 2048));
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert_eq!(read(&json!({})).unwrap_err()[0].path, "upstream_protocol_options");
        let http3 = json!({"explicit_http_config": {"http3_protocol_options": {}}});
        assert_eq!(read(&http3).unwrap_err()[0].path, "explicit_http_config.http3_protocol_options");
    }
}
