//! The configuration of the filter and of its routes.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;

use super::http::HttpService;
use crate::grpc::Channel;
use crate::matching::{MetadataMatcher, StringMatcher};
use crate::proto::{Fraction, Reader};
use crate::services::Build;

/// Envoy's default time for an answer.
const TIMEOUT: Duration = Duration::from_millis(200);

/// `BufferSettings`: how much of the body the service gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BodySettings {
    /// At most this many bytes.
    pub(super) limit: usize,
    /// A larger body is cut off instead of refused.
    pub(super) partial: bool,
    /// As bytes instead of text.
    pub(super) as_bytes: bool,
}

impl BodySettings {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let Some(limit) = reader.u32("max_request_bytes").filter(|limit| *limit > 0) else {
            reader.defect("max_request_bytes", "must be greater than 0");
            return None;
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Some(Self { limit, partial: reader.flag("allow_partial_message"), as_bytes: reader.flag("pack_as_bytes") })
    }
}

/// Something could not be read, and a defect was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad;

/// Who is asked.
#[derive(Debug)]
pub(super) enum Service {
    /// A gRPC service, and how long it may take.
    Grpc(Channel, Duration),
    /// An HTTP service.
    Http(Box<HttpService>),
}

impl Service {
    /// Reads `grpc_service` or `http_service`. An error: a defect was noted; none: neither is there.
    fn read(reader: &Reader<'_>, build: &Build) -> Result<Option<Self>, Bad> {
        if let Some(grpc) = reader.message("grpc_service") {
            let timeout = grpc.duration("timeout").filter(|timeout| !timeout.is_zero()).unwrap_or(TIMEOUT);
            // A service is tried once here; a retry policy in it is not taken, and so a defect.
            return Ok(Some(Self::Grpc(Channel::read(&grpc, build).ok_or(Bad)?, timeout)));
        }
        match reader.message("http_service") {
            Some(http) => Ok(Some(Self::Http(Box::new(HttpService::read(&http).ok_or(Bad)?)))),
            None => Ok(None),
        }
    }
}

/// A list of matchers of names; none when it is not there.
pub(super) fn names(reader: &Reader<'_>, field: &str) -> Result<Option<Vec<StringMatcher>>, Bad> {
    let list = reader.message(field).map(|list| StringMatcher::read_all(&list.list("patterns")).ok_or(Bad));
    list.transpose()
}

/// What is said about requests whichever service is asked.
#[derive(Debug)]
pub(super) struct Shared {
    /// Fields that are sent; none: all of them.
    pub(super) allowed: Option<Vec<StringMatcher>>,
    /// Fields that are not sent nevertheless.
    pub(super) disallowed: Vec<StringMatcher>,
    pub(super) body: Option<BodySettings>,
    pub(super) namespaces: Vec<String>,
    pub(super) route_namespaces: Vec<String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) peer_certificate: bool,
    pub(super) tls_session: bool,
    pub(super) raw_headers: bool,
}

/// What an HTTP service gets in any case.
const HTTP_NAMES: [&str; 4] = ["authorization", ":method", ":path", ":authority"];

impl Shared {
    /// Whether the service gets the field of that name.
    pub(super) fn sends(&self, name: &str) -> bool {
        let hits = |matchers: &[StringMatcher]| matchers.iter().any(|matcher| matcher.matches(name));
        !hits(&self.disallowed) && self.allowed.as_ref().is_none_or(|allowed| hits(allowed))
    }

    fn read(reader: &Reader<'_>, build: &Build, service: &Service) -> Option<Self> {
        let mut allowed = names(reader, "allowed_headers").ok()?;
        if let Service::Http(http) = service {
            if allowed.is_some() && http.allowed.is_some() {
                reader.defect("allowed_headers", "stand in http_service.authorization_request too");
            }
            let listed = allowed.take().or_else(|| http.allowed.clone()).unwrap_or_default();
            let always = HTTP_NAMES.iter().map(|name| StringMatcher::exact(name));
            allowed = Some(listed.into_iter().chain(always).collect());
        }
        let key = reader.text("bootstrap_metadata_labels_key");
        let labels = build.services.node.metadata.get(&key).and_then(|labels| labels.as_object());
        let labels =
            labels.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.into())));
        // There is no typed metadata in this proxy, so that there is never any of these namespaces.
        reader.ignore(&["typed_metadata_context_namespaces", "route_typed_metadata_context_namespaces"]);
        let body = match reader.message("with_request_body") {
            Some(body) => Some(BodySettings::read(&body)?),
            None => None,
        };
        Some(Self {
            allowed,
            disallowed: names(reader, "disallowed_headers").ok()?.unwrap_or_default(),
            body,
            namespaces: reader.texts("metadata_context_namespaces"),
            route_namespaces: reader.texts("route_metadata_context_namespaces"),
            labels: labels.collect(),
            peer_certificate: reader.flag("include_peer_certificate"),
            tls_session: reader.flag("include_tls_session"),
            raw_headers: reader.flag("encode_raw_headers"),
        })
    }
}

/// `ExtAuthz`.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) service: Service,
    pub(super) shared: Shared,
    pub(super) failure_allowed: bool,
    pub(super) failure_header: bool,
    pub(super) clear_route: bool,
    pub(super) error_status: StatusCode,
    pub(super) validate: bool,
    pub(super) enabled: Fraction,
    pub(super) enabled_metadata: Option<MetadataMatcher>,
    pub(super) deny_disabled: bool,
    pub(super) take_metadata: bool,
    pub(super) longest_denial: usize,
    pub(super) cluster_stats: bool,
}

impl Config {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        if reader.word("transport_api_version") == "V2" {
            reader.defect("transport_api_version", "must be V3");
        }
        let Some(service) = Service::read(reader, build).ok()? else {
            reader.defect("services", "must be set");
            return None;
        };
        let shared = Shared::read(reader, build, &service)?;
        let error_status = match reader.message("status_on_error") {
            Some(status) => read_status(&status)?,
            None => StatusCode::FORBIDDEN,
        };
        let enabled_metadata = match reader.message("filter_enabled_metadata") {
            Some(matcher) => Some(MetadataMatcher::read(&matcher)?),
            None => None,
        };
        let deny_disabled = reader.message("deny_at_disable").is_some_and(|flag| {
            // The key of the runtime: there are no values at run time.
            flag.ignore(&["runtime_key"]);
            flag.opt_flag("default_value").unwrap_or(false)
        });
        // Spans of the call itself are not made: the call is a part of the request's own span.
        reader.ignore(&["emit_client_span"]);
        let longest = reader.u32("max_denied_response_body_bytes").unwrap_or(0);
        Some(Self {
            service,
            shared,
            failure_allowed: reader.flag("failure_mode_allow"),
            failure_header: reader.flag("failure_mode_allow_header_add"),
            clear_route: reader.flag("clear_route_cache"),
            error_status,
            validate: reader.flag("validate_mutations"),
            enabled: reader.fraction("filter_enabled").unwrap_or(Fraction::ALL),
            enabled_metadata,
            deny_disabled,
            take_metadata: reader.opt_flag("enable_dynamic_metadata_ingestion").unwrap_or(true),
            longest_denial: if longest == 0 { usize::MAX } else { usize::try_from(longest).unwrap_or(usize::MAX) },
            cluster_stats: reader.opt_flag("charge_cluster_response_stats").unwrap_or(true),
        })
    }
}

/// Reads `envoy.type.v3.HttpStatus`.
fn read_status(reader: &Reader<'_>) -> Option<StatusCode> {
    // The enum's values are its numbers.
    let word = reader.word("code");
    let code = reader.raw().get_field_by_name("code").and_then(|code| code.as_enum_number()).unwrap_or(0);
    let status = u16::try_from(code).ok().and_then(|code| StatusCode::from_u16(code).ok());
    if status.is_none() {
        reader.defect("code", format!("{word} is no status"));
    }
    status
}

/// What a route says about bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum RouteBody {
    /// Nothing.
    #[default]
    Unsaid,
    /// They are not read.
    Off,
    /// They are read like this.
    On(BodySettings),
}

/// `ExtAuthzPerRoute`.
#[derive(Debug)]
pub(super) enum Route {
    /// Nobody is asked.
    Disabled,
    /// Asked with these settings.
    Settings {
        extensions: BTreeMap<String, String>,
        /// How much of the body the service gets.
        body: RouteBody,
        service: Option<Service>,
    },
}

impl Route {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        if reader.flag("disabled") {
            return Some(Self::Disabled);
        }
        let settings = reader.need("check_settings")?;
        settings.ignore(&["emit_client_span"]); // As for the filter itself.
        let own = match settings.message("with_request_body") {
            Some(body) => RouteBody::On(BodySettings::read(&body)?),
            None => RouteBody::Unsaid,
        };
        let off = settings.flag("disable_request_body_buffering");
        if off && own != RouteBody::Unsaid {
            settings.defect("disable_request_body_buffering", "contradicts with_request_body");
        }
        Some(Self::Settings {
            extensions: settings.text_map("context_extensions"),
            body: if off { RouteBody::Off } else { own },
            service: Service::read(&settings, build).ok()?,
        })
    }
}
