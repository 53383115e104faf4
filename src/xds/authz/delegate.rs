//! Requests that an external service decides about.

use envoy_types::pb::envoy::config::core::v3::{
    GrpcService, HeaderValue, HttpUri,
    grpc_service::{EnvoyGrpc, TargetSpecifier},
    http_uri::HttpUpstreamType,
};
use envoy_types::pb::envoy::extensions::filters::http::ext_authz::v3::{
    AuthorizationRequest, AuthorizationResponse, ExtAuthz, HttpService, ext_authz::Services,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;
use envoy_types::pb::envoy::r#type::matcher::v3::{
    ListStringMatcher, MetadataMatcher, ValueMatcher,
    metadata_matcher::{PathSegment, path_segment::Segment},
    value_matcher::MatchPattern,
};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use std::time::Duration;

use super::message::{Entry, Filter, Rules};
use crate::ir::{Authorizer, Name, ProviderKind, Remote, TextMatch, TextTest};
use crate::xds::View;
use crate::xds::hcm::http_filter;
use crate::xds::outbound::cluster_name;
use crate::xds::proto::{any, duration, text_match};

/// What stands before the names of policies, and by which the second filter knows that it is to ask.
const NAME: &str = "istio-ext-authz-";
const SHADOW: &str = "istio_ext_authz_";
const DENY: i32 = 1;
const TIMEOUT: Duration = Duration::from_secs(600);

/// A filter that finds the requests, and one that asks. When the mesh has no such provider, they are refused.
pub fn filters(view: &View<'_>, provider: &Name, entries: Vec<Entry>) -> Vec<HttpFilter> {
    let known = view.mesh.settings.providers.iter().find(|known| known.name == *provider);
    let authorizer = match known.map(|known| &known.kind) {
        Some(ProviderKind::Authorizer(authorizer)) if view.host(&authorizer.remote.host).is_some() => authorizer,
        _ => {
            let rules = Rules { action: DENY, policies: entries };
            let refuse = Filter { rules: Some(rules), ..Filter::default() };
            return vec![http_filter("envoy.filters.http.rbac", refuse.http())];
        }
    };
    // The provider stands in the names, so that each filter asks about its own requests only.
    let prefix = format!("{NAME}{provider}-");
    let named = |entry: Entry| Entry { name: format!("{prefix}{}", entry.name), ..entry };
    let rules = Rules { action: DENY, policies: entries.into_iter().map(named).collect() };
    let find = Filter { shadow: Some(rules), shadow_prefix: SHADOW, ..Filter::default() };
    vec![
        http_filter("envoy.filters.http.rbac", find.http()),
        http_filter("envoy.filters.http.ext_authz", any(&ask(authorizer, &prefix))),
    ]
}

fn ask(authorizer: &Authorizer, prefix: &str) -> ExtAuthz {
    ExtAuthz {
        transport_api_version: envoy_types::pb::envoy::config::core::v3::ApiVersion::V3.into(),
        failure_mode_allow: authorizer.fail_open,
        status_on_error: authorizer.status_on_error.map(|status| HttpStatus { code: status.into() }),
        clear_route_cache: authorizer.clear_route_cache,
        filter_enabled_metadata: Some(marked(prefix)),
        services: Some(if authorizer.grpc { grpc(&authorizer.remote) } else { http(authorizer) }),
        ..ExtAuthz::default()
    }
}

/// True for requests that the filter before found.
fn marked(prefix: &str) -> MetadataMatcher {
    let segment = PathSegment { segment: Some(Segment::Key(format!("{SHADOW}shadow_effective_policy_id"))) };
    let text = text_match(&TextMatch::of(TextTest::Prefix(prefix.into())));
    MetadataMatcher {
        filter: "envoy.filters.http.rbac".into(),
        path: vec![segment],
        value: Some(ValueMatcher { match_pattern: text.map(MatchPattern::StringMatch) }),
        invert: false,
    }
}

fn timeout(remote: &Remote) -> Duration {
    remote.timeout_ms.map_or(TIMEOUT, Duration::from_millis)
}

fn grpc(remote: &Remote) -> Services {
    Services::GrpcService(GrpcService {
        timeout: Some(duration(timeout(remote))),
        target_specifier: Some(TargetSpecifier::EnvoyGrpc(EnvoyGrpc {
            cluster_name: cluster_name(remote.port, None, &remote.host),
            authority: remote.host.to_string(),
            ..EnvoyGrpc::default()
        })),
        ..GrpcService::default()
    })
}

fn http(authorizer: &Authorizer) -> Services {
    let remote = &authorizer.remote;
    let header = |(name, value): &(Name, Name)| HeaderValue {
        key: name.to_string(),
        value: value.to_string(),
        ..HeaderValue::default()
    };
    Services::HttpService(HttpService {
        server_uri: Some(HttpUri {
            uri: format!("http://{}:{}", remote.host, remote.port),
            timeout: Some(duration(timeout(remote))),
            http_upstream_type: Some(HttpUpstreamType::Cluster(cluster_name(remote.port, None, &remote.host))),
        }),
        path_prefix: authorizer.path_prefix.to_string(),
        authorization_request: Some(request(authorizer, authorizer.extra_headers.iter().map(header).collect())),
        authorization_response: Some(AuthorizationResponse {
            allowed_upstream_headers: list(&authorizer.allow_upstream),
            allowed_client_headers: list(&authorizer.deny_downstream),
            allowed_client_headers_on_success: list(&authorizer.allow_downstream),
            ..AuthorizationResponse::default()
        }),
        ..HttpService::default()
    })
}

#[allow(deprecated, reason = "every Envoy reads the list of headers here, the newer place only new ones")]
fn request(authorizer: &Authorizer, headers_to_add: Vec<HeaderValue>) -> AuthorizationRequest {
    AuthorizationRequest { allowed_headers: list(&authorizer.request_headers), headers_to_add }
}

/// Names, which may have a `*` at one end.
fn list(names: &[Name]) -> Option<ListStringMatcher> {
    let one = |name: &Name| {
        let test = match (name.strip_prefix('*'), name.strip_suffix('*')) {
            (Some(end), _) => TextTest::Suffix(end.into()),
            (None, Some(start)) => TextTest::Prefix(start.into()),
            (None, None) => TextTest::Exact(name.clone()),
        };
        text_match(&TextMatch { test, ignore_case: true })
    };
    (!names.is_empty()).then(|| ListStringMatcher { patterns: names.iter().filter_map(one).collect() })
}
