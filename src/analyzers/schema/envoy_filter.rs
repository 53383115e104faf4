//! Validation of EnvoyFilters: rules 70 to 72.
//!
//! The patched value is Envoy's own API. What can be told without its full definition is checked: the fields and the name
//! of filters, `typed_config`, and types of the v2 API, which proxies no longer know.

use super::shared::selectors::not_empty;
use super::shared::{Report, regexes};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{
    ApplyTo, EnvoyConfigObjectMatch, EnvoyConfigPatch, EnvoyFilter, FilterChainMatch, Patch, PatchContext,
    PatchOperation,
};
use crate::manifests::source::Span;
use crate::manifests::tree::Node;
use crate::schema::{Any, At, Text};

/// Validates EnvoyFilters as Istio's webhook does.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.EnvoyFilter",
    summary: "EnvoyFilters that Istio refuses or warns about: patches, matches, values",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

/// The filter that holds the HTTP filters, by its name and its old name.
const HTTP_CONNECTION_MANAGER: [&str; 2] =
    ["envoy.filters.network.http_connection_manager", "envoy.http_connection_manager"];

/// Longest `proxyVersion` that istiod compiles.
const PROXY_VERSION_MAX: usize = 1024;

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for filter in &cx.envoy_filters {
        validate(&filter.spec, &mut Report::with_metadata(&filter.meta, sink));
    }
}

fn validate(filter: &EnvoyFilter, report: &mut Report<'_>) {
    report
        .warning(
            report.meta.name_span(),
            "an EnvoyFilter changes internals that may be different in the next Istio version",
        )
        .help("prefer Istio's own APIs (Telemetry, WasmPlugin, DestinationRule, ...); test each one before an upgrade");
    if let Some(selector) = &filter.workload_selector {
        not_empty(report, &selector.labels, selector.place, "the EnvoyFilter");
    }
    for patch in &filter.config_patches {
        validate_patch(patch, report);
    }
}

fn validate_patch(config: &EnvoyConfigPatch, report: &mut Report<'_>) {
    // Istio does not look at patches of waypoints yet; neither do we.
    if config.r#match.as_ref().is_some_and(|m| m.context.is_some_and(|c| c.value == PatchContext::Waypoint)) {
        return;
    }
    let start = Span::new(config.place.start, config.place.start + 1);
    let apply_to = match config.apply_to {
        Some(apply_to) if apply_to.value != ApplyTo::Invalid => apply_to,
        other => {
            report.error(
                other.map_or(start, |word| word.span()),
                "the patch does not say what it changes: set `applyTo`",
            );
            return;
        }
    };
    let Some(patch) = &config.patch else {
        report.error(apply_to.span(), "there is no `patch`, so nothing is changed");
        return;
    };
    let operation = match patch.operation {
        Some(operation) if operation.value != PatchOperation::Invalid => operation,
        other => {
            report.error(other.map_or(start_of(patch), |word| word.span()), "the patch has no `operation`");
            return;
        }
    };
    if operation.value != PatchOperation::Remove && patch.value.is_none() {
        report.error(operation.span(), format!("{} needs a `value`", operation.value.word()));
        return;
    }
    if let Some(matches) = &config.r#match {
        proxy_version(matches, report);
        match_fits(apply_to, matches, report);
    }
    if let Some(value) = &patch.value {
        validate_value(apply_to.value, operation, value, report);
    }
}

fn start_of(patch: &Patch) -> Span {
    patch.place.key_span("patch")
}

fn proxy_version(matches: &EnvoyConfigObjectMatch, report: &mut Report<'_>) {
    let version = matches.proxy.as_ref().and_then(|proxy| proxy.proxy_version.as_ref());
    let Some(version) = version.filter(|version| !version.as_str().is_empty()) else { return };
    if version.as_str().len() > PROXY_VERSION_MAX {
        report.warning(version.span(), format!("a `proxyVersion` over {PROXY_VERSION_MAX} characters is ignored"));
    } else {
        report.verdict(version.span(), regexes::re2(version.as_str()));
    }
}

/// The match against `applyTo` (rule 71).
fn match_fits(apply_to: At<ApplyTo>, matches: &EnvoyConfigObjectMatch, report: &mut Report<'_>) {
    let set: Vec<(&str, Span)> = [
        matches.listener.as_ref().map(|m| ("listener", m.place)),
        matches.route_configuration.as_ref().map(|m| ("routeConfiguration", m.place)),
        matches.cluster.as_ref().map(|m| ("cluster", m.place)),
    ]
    .into_iter()
    .flatten()
    .map(|(name, place)| (name, place.key_span(name)))
    .collect();
    let wanted = match apply_to.value {
        ApplyTo::Listener | ApplyTo::FilterChain | ApplyTo::NetworkFilter | ApplyTo::HttpFilter => "listener",
        ApplyTo::RouteConfiguration | ApplyTo::VirtualHost | ApplyTo::HttpRoute => "routeConfiguration",
        ApplyTo::Cluster => "cluster",
        _ => return,
    };
    if let Some((name, span)) = set.iter().find(|(name, _)| *name != wanted) {
        let word = apply_to.value.word();
        report
            .error(*span, format!("a `{name}` match does not fit `applyTo: {word}`, so the patch is never applied"))
            .help(format!("match with `{wanted}`"));
        return;
    }
    if let Some(chain) = matches.listener.as_ref().and_then(|listener| listener.filter_chain.as_ref()) {
        filter_match(apply_to.value, chain, report);
    }
}

fn filter_match(apply_to: ApplyTo, chain: &FilterChainMatch, report: &mut Report<'_>) {
    let Some(filter) = &chain.filter else { return };
    let key = filter.place.key_span("filter");
    if matches!(apply_to, ApplyTo::Listener | ApplyTo::FilterChain) {
        report.warning(key, format!("a filter match has no effect with `applyTo: {}`", apply_to.word()));
    }
    let name = filter.name.as_ref().map_or("", Text::as_str);
    if name.is_empty() {
        report.error(key, "the filter match has no name");
        return;
    }
    deprecated_name(filter.name.as_ref(), report);
    let Some(inner) = &filter.sub_filter else { return };
    let inner_key = inner.place.key_span("subFilter");
    if apply_to != ApplyTo::HttpFilter {
        report.error(inner_key, "a `subFilter` match only goes with `applyTo: HTTP_FILTER`");
    } else if !HTTP_CONNECTION_MANAGER.contains(&name) {
        let span = filter.name.as_ref().map_or(key, Text::span);
        report
            .error(span, format!("HTTP filters are within {}, not within {name}", HTTP_CONNECTION_MANAGER[0]))
            .help(format!("match the filter {}", HTTP_CONNECTION_MANAGER[0]));
    } else if inner.name.as_ref().is_none_or(|name| name.as_str().is_empty()) {
        report.error(inner_key, "the `subFilter` match has no name");
    } else {
        deprecated_name(inner.name.as_ref(), report);
    }
}

/// Filter names of old Envoy versions and their present names. Source: Envoy's list of well-known names.
const OLD_NAMES: &[(&str, &str)] = &[
    ("envoy.buffer", "envoy.filters.http.buffer"),
    ("envoy.client_ssl_auth", "envoy.filters.network.client_ssl_auth"),
    ("envoy.cors", "envoy.filters.http.cors"),
    ("envoy.csrf", "envoy.filters.http.csrf"),
    ("envoy.ext_authz", "envoy.filters.http.ext_authz"),
    ("envoy.fault", "envoy.filters.http.fault"),
    ("envoy.grpc_http1_bridge", "envoy.filters.http.grpc_http1_bridge"),
    ("envoy.grpc_json_transcoder", "envoy.filters.http.grpc_json_transcoder"),
    ("envoy.grpc_web", "envoy.filters.http.grpc_web"),
    ("envoy.gzip", "envoy.filters.http.compressor"),
    ("envoy.health_check", "envoy.filters.http.health_check"),
    ("envoy.http_connection_manager", "envoy.filters.network.http_connection_manager"),
    ("envoy.http_dynamo_filter", "envoy.filters.http.dynamo"),
    ("envoy.ip_tagging", "envoy.filters.http.ip_tagging"),
    ("envoy.listener.http_inspector", "envoy.filters.listener.http_inspector"),
    ("envoy.listener.original_dst", "envoy.filters.listener.original_dst"),
    ("envoy.listener.original_src", "envoy.filters.listener.original_src"),
    ("envoy.listener.proxy_protocol", "envoy.filters.listener.proxy_protocol"),
    ("envoy.listener.tls_inspector", "envoy.filters.listener.tls_inspector"),
    ("envoy.lua", "envoy.filters.http.lua"),
    ("envoy.mongo_proxy", "envoy.filters.network.mongo_proxy"),
    ("envoy.rate_limit", "envoy.filters.http.ratelimit"),
    ("envoy.ratelimit", "envoy.filters.network.ratelimit"),
    ("envoy.redis_proxy", "envoy.filters.network.redis_proxy"),
    ("envoy.router", "envoy.filters.http.router"),
    ("envoy.squash", "envoy.filters.http.squash"),
    ("envoy.tcp_proxy", "envoy.filters.network.tcp_proxy"),
];

fn deprecated_name(name: Option<&Text>, report: &mut Report<'_>) {
    let Some(name) = name else { return };
    if let Some((_, new)) = OLD_NAMES.iter().find(|(old, _)| *old == name.as_str()) {
        report
            .warning(name.span(), format!("{} is the old name of the filter {new}", name.as_str()))
            .help(format!("write {new}"));
    }
}

/// Fields of the messages that are small and stable, in protobuf's two spellings.
fn fields(apply_to: ApplyTo) -> Option<&'static [&'static str]> {
    Some(match apply_to {
        ApplyTo::HttpFilter => &["name", "typed_config", "config_discovery", "is_optional", "disabled"],
        ApplyTo::NetworkFilter => &["name", "typed_config", "config_discovery"],
        ApplyTo::ListenerFilter => &["name", "typed_config", "config_discovery", "filter_disabled"],
        ApplyTo::ExtensionConfig => &["name", "typed_config"],
        _ => return None,
    })
}

fn validate_value(apply_to: ApplyTo, operation: At<PatchOperation>, value: &Any, report: &mut Report<'_>) {
    if value.node.type_name() != "mapping" {
        report.error(value.place.span(), format!("the value is a {}, and must be a mapping", value.node.type_name()));
        return;
    }
    old_types(&value.node, report);
    let Some(known) = fields(apply_to) else { return };
    for entry in value.node.entries() {
        let name = snake_case(&entry.key);
        if !known.contains(&name.as_str()) {
            let word = apply_to.word();
            report
                .warning(
                    entry.key_span,
                    format!("`{}` is no field of the value of {word}; proxies ignore it", entry.key),
                )
                .help(format!("the fields are {}; settings of the filter go into `typed_config`", known.join(", ")));
        }
    }
    let has = |name: &str| value.node.entries().iter().any(|entry| snake_case(&entry.key) == name);
    if operation.value == PatchOperation::Remove {
        return;
    }
    if !has("name") && operation.value != PatchOperation::Merge {
        let word = operation.value.word();
        report.error(operation.span(), format!("{word} of a filter needs a `name` in its value"));
    }
    if !has("typed_config") && !has("config_discovery") {
        let span = value.node.entry("name").map_or(operation.span(), |entry| entry.node.span);
        report
            .warning(span, "a filter by name alone is deprecated: its type is not given")
            .help("add `typed_config` with the `@type` of the filter");
    }
}

/// Types of the v2 API anywhere in the value.
fn old_types(node: &Node, report: &mut Report<'_>) {
    for entry in node.entries() {
        if let ("@type", Some(name)) = (&*entry.key, entry.node.as_str())
            && is_v2(name)
        {
            report
                .error(entry.node.span, format!("{name} belongs to Envoy's v2 API, which proxies no longer know"))
                .help("use the type of the v3 API, `envoy.extensions.filters....v3`");
        }
        old_types(&entry.node, report);
    }
    for item in node.items() {
        old_types(item, report);
    }
}

fn is_v2(name: &str) -> bool {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("envoy.config.filter.") || (name.starts_with("envoy.") && name.contains(".v2."))
}

fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}
