//! The configuration of the filter and of its routes.

use std::time::Duration;

use http::StatusCode;

use crate::filters::http::limits::HostLimits;
use crate::filters::http::local_ratelimit::read_status;
use crate::grpc::Channel;
use crate::proto::{Fraction, Reader};
use crate::route::{Edits, RateLimits};
use crate::services::Build;

/// Envoy's default time for an answer.
const TIMEOUT: Duration = Duration::from_millis(20);

/// Which requests the service is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Internal,
    External,
    Both,
}

/// `RateLimit`.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) channel: Channel,
    pub(super) timeout: Duration,
    pub(super) domain: String,
    pub(super) stage: u32,
    pub(super) asked: Asked,
    deny: bool,
    deny_share: Option<Fraction>,
    pub(super) exhausted: bool,
    pub(super) tells: bool,
    pub(super) says_limited: bool,
    pub(super) limited_status: StatusCode,
    pub(super) error_status: StatusCode,
    pub(super) response: Edits,
    pub(super) prefix: String,
    pub(super) enabled: Fraction,
    pub(super) enforced: Fraction,
    pub(super) own: RateLimits,
    pub(super) namespace: String,
}

impl Config {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let service = reader.need("rate_limit_service")?;
        if service.word("transport_api_version") == "V2" {
            service.defect("transport_api_version", "must be V3");
        }
        let asked = match reader.text("request_type").as_str() {
            "internal" => Asked::Internal,
            "external" => Asked::External,
            "" | "both" => Asked::Both,
            other => {
                reader.defect("request_type", format!("{other:?} is none of internal, external and both"));
                return None;
            }
        };
        let namespace = reader.opt_text("metadata_namespace");
        let timeout = reader.duration("timeout").filter(|timeout| !timeout.is_zero());
        Some(Self {
            channel: Channel::read(&service.need("grpc_service")?, build)?,
            timeout: timeout.unwrap_or(TIMEOUT),
            domain: reader.need_text("domain")?,
            stage: reader.u32("stage").unwrap_or(0),
            asked,
            deny: reader.flag("failure_mode_deny"),
            deny_share: reader.fraction("failure_mode_deny_percent"),
            exhausted: reader.flag("rate_limited_as_resource_exhausted"),
            tells: reader.word("enable_x_ratelimit_headers") == "DRAFT_VERSION_03",
            says_limited: !reader.flag("disable_x_envoy_ratelimited_header"),
            limited_status: read_status(reader, "rate_limited_status"),
            error_status: super::error_status(reader),
            response: Edits::additions(reader, "response_headers_to_add")?,
            prefix: reader.text("stat_prefix"),
            enabled: reader.fraction("filter_enabled").unwrap_or(Fraction::ALL),
            enforced: reader.fraction("filter_enforced").unwrap_or(Fraction::ALL),
            own: RateLimits::read(reader, "rate_limits")?,
            namespace: namespace.unwrap_or_else(|| "envoy.filters.http.ratelimit".into()),
        })
    }

    /// Whether a request is refused when the service cannot be asked.
    pub(super) fn denies_failures(&self) -> bool {
        self.deny_share.map_or(self.deny, |share| share.hits(fastrand::u64(..)))
    }
}

/// `RateLimitPerRoute`.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) host_limits: HostLimits,
    pub(super) rate_limits: RateLimits,
    pub(super) domain: Option<String>,
}

impl Route {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let older = HostLimits::read(reader, "vh_rate_limits");
        let newer = reader.word("override_option");
        let host_limits = if newer == "DEFAULT" { older } else { HostLimits::read(reader, "override_option") };
        let rate_limits = RateLimits::read(reader, "rate_limits")?;
        Some(Self { host_limits, rate_limits, domain: reader.opt_text("domain") })
    }
}
