//! `envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`.

use std::sync::Arc;

use super::{
    ClientCert, Codec, Filters, Forwarding, HcmStats, HostRules, Http1Options, Http2Options, LocalReplies, PathRules,
    RequestIds, ResponseRules, RouteSource, Timeouts, Underscores, Upgrade,
};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::telemetry::access_log::AccessLogs;
use crate::telemetry::stats::Scope;
use crate::telemetry::trace::Tracing;

/// Envoy's default of `max_request_headers_kb`.
const HEAD_KIB: u32 = 60;
/// Envoy's default of `max_headers_count`.
const FIELDS: u32 = 100;

/// A connection manager: shared by all connections of its filter chain.
#[derive(Debug)]
pub struct Hcm {
    /// Versions of HTTP it speaks.
    pub codec: Codec,
    /// Options of HTTP/1.
    pub http1: Http1Options,
    /// Options of HTTP/2.
    pub http2: Http2Options,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Largest request head, bytes.
    pub max_head: usize,
    /// Most request header fields.
    pub max_fields: usize,
    /// Requests after which a connection is closed.
    pub max_requests: Option<u32>,
    /// Header names with underscores.
    pub underscores: Underscores,
    /// Send `100 Continue` of the upstream instead of an own one.
    pub forward_continue: bool,
    /// Filters and router.
    pub filters: Filters,
    /// Upgrades.
    pub upgrades: Vec<Upgrade>,
    /// Where routes come from.
    pub routes: RouteSource,
    /// Stats.
    pub stats: Arc<HcmStats>,
    pub(super) paths: PathRules,
    pub(super) hosts: HostRules,
    pub(super) forwarding: Forwarding,
    pub(super) client_cert: ClientCert,
    pub(super) request_ids: RequestIds,
    pub(super) response: ResponseRules,
    pub(super) user_agent: Option<http::HeaderValue>,
    pub(super) local_replies: LocalReplies,
    pub(super) access_logs: AccessLogs,
    pub(super) tracing: Option<Arc<Tracing>>,
    pub(super) services: Arc<Services>,
}

impl Hcm {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let prefix = reader.need_text("stat_prefix")?;
        let codec = match reader.word("codec_type").as_str() {
            "AUTO" => Codec::Auto,
            "HTTP1" => Codec::Http1,
            "HTTP2" => Codec::Http2,
            _ => {
                reader.defect("codec_type", "the proxy does not speak HTTP/3");
                return None;
            }
        };
        let common = reader.message("common_http_protocol_options");
        let common = common.as_ref();
        if let Some(common) = common {
            // Spreads the ends of connections; they begin at different times anyway.
            common.ignore(&["max_connection_duration_jitter"]);
        }
        harmless(reader);
        let of_listener = build.scope.tagged("http", "envoy_http_conn_manager_prefix", &prefix);
        let build = &Build {
            services: build.services.clone(),
            scope: Scope::root(&build.services.stats).tagged("http", "envoy_http_conn_manager_prefix", &prefix),
        };
        let filters = Filters::read(reader, "http_filters", build);
        let routes = RouteSource::read(reader, build);
        let upgrades = Upgrade::read_all(reader, build);
        let http1 = reader.message("http_protocol_options").map(|http1| Http1Options::read(&http1));
        let http2 = match reader.message("http2_protocol_options") {
            Some(http2) => Http2Options::read(&http2),
            None => Some(Http2Options::default()),
        };
        let local_replies = LocalReplies::read(reader);
        let access_logs = AccessLogs::read(&reader.list("access_log"), build);
        let tracing = match reader.message("tracing") {
            Some(tracing) => Some(Arc::new(Tracing::read(&tracing, build)?)),
            None => None,
        };
        let agent = reader.flag("add_user_agent").then(|| build.services.node.cluster.clone());
        Some(Self {
            codec,
            http1: http1.unwrap_or_default(),
            http2: http2?,
            timeouts: Timeouts::read(reader, common),
            max_head: reader.u32("max_request_headers_kb").unwrap_or(HEAD_KIB) as usize * 1024,
            max_fields: common.and_then(|common| common.u32("max_headers_count")).unwrap_or(FIELDS) as usize,
            max_requests: common.and_then(|common| common.u32("max_requests_per_connection")),
            underscores: common.map_or(Underscores::Allow, Underscores::read),
            forward_continue: reader.flag("proxy_100_continue"),
            filters: filters?,
            upgrades: upgrades?,
            routes: routes?,
            stats: Arc::new(HcmStats::new(&build.scope, &of_listener)),
            paths: PathRules::read(reader),
            hosts: HostRules::read(reader),
            forwarding: Forwarding::read(reader),
            client_cert: ClientCert::read(reader),
            request_ids: RequestIds::read(reader),
            response: ResponseRules::read(reader),
            user_agent: agent.and_then(|agent| http::HeaderValue::try_from(agent).ok()),
            local_replies: local_replies?,
            access_logs: access_logs?,
            tracing,
            services: build.services.clone(),
        })
    }
}

/// Fields whose effect is given, or cannot be seen by anybody.
fn harmless(reader: &Reader<'_>) {
    reader.ignore(&[
        // A client gets its answer before a connection ends in every case.
        "http1_safe_max_connection_duration",
        // Spreads GOAWAY frames of a drain.
        "drain_timeout_jitter",
        // In HTTP/1 the connection ends, in HTTP/2 the stream: both are what this option at its safest does.
        "stream_error_on_invalid_http_message",
    ]);
}

#[cfg(test)]
impl Hcm {
    /// What it was built with.
    pub(crate) fn services(&self) -> &std::sync::Arc<crate::services::Services> {
        &self.services
    }

    /// A connection manager without routes, with `config` over it; needs a runtime.
    pub(crate) fn for_tests(config: &serde_json::Value) -> Self {
        let mut all = serde_json::json!({
            "stat_prefix": "test", "route_config": {},
            "http_filters": [{"name": "router", "typed_config":
                {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
        });
        if let (Some(all), Some(config)) = (all.as_object_mut(), config.as_object()) {
            all.extend(config.clone());
        }
        let name = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";
        let defects = crate::proto::Defects::new();
        let message = crate::proto::from_json(name, &all).unwrap();
        let reader = Reader::new(message, "", &defects);
        let hcm = Self::read(&reader, &crate::services::for_tests());
        drop(reader);
        defects.verdict(hcm).unwrap()
    }
}
