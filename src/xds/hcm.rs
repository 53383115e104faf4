//! The HTTP connection manager that all listeners share.

use std::time::Duration;

use envoy_types::pb::envoy::config::listener::v3::{Filter, filter::ConfigType};
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::extensions::filters::http::{cors, fault, grpc_stats, router};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, Rds,
    http_connection_manager::{PathWithEscapedSlashesAction, RouteSpecifier, UpgradeConfig},
    http_filter,
};
use envoy_types::pb::google::protobuf::Any;

use super::View;
use super::access_log;
use super::outbound::ads;
use super::proto::{any, boolean, duration};
use crate::ir::PathRules;

/// What a connection manager routes by.
pub enum Routes {
    /// A route configuration of this name, served on its own.
    Named(String),
    /// This one.
    Here(Box<RouteConfiguration>),
}

/// An HTTP filter of a name.
pub fn http_filter(name: &str, config: Any) -> HttpFilter {
    HttpFilter {
        name: name.to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(config)),
        ..HttpFilter::default()
    }
}

/// A connection manager with what all have in common: `filters` come first, then those that routes configure, then the
/// router. Callers change what is different on their side.
pub fn manager(view: &View<'_>, stat_prefix: &str, routes: Routes, filters: Vec<HttpFilter>) -> HttpConnectionManager {
    let usual = [
        ("envoy.filters.http.grpc_stats", any(&grpc_stats())),
        ("envoy.filters.http.fault", any(&fault::v3::HttpFault::default())),
        ("envoy.filters.http.cors", any(&cors::v3::Cors::default())),
        ("envoy.filters.http.router", any(&router::v3::Router::default())),
    ];
    let usual = usual.into_iter().map(|(name, config)| http_filter(name, config));
    let mut manager = HttpConnectionManager {
        stat_prefix: stat_prefix.to_owned(),
        http_filters: filters.into_iter().chain(usual).collect(),
        route_specifier: Some(match routes {
            Routes::Named(name) => RouteSpecifier::Rds(Rds { config_source: Some(ads()), route_config_name: name }),
            Routes::Here(configuration) => RouteSpecifier::RouteConfig(*configuration),
        }),
        access_log: access_log::of(view),
        // Streams last as long as they are used; routes set limits.
        stream_idle_timeout: Some(duration(Duration::ZERO)),
        upgrade_configs: vec![UpgradeConfig { upgrade_type: "websocket".into(), ..UpgradeConfig::default() }],
        use_remote_address: Some(boolean(false)),
        ..HttpConnectionManager::default()
    };
    paths(view.mesh.settings.paths, &mut manager);
    manager
}

/// As a network filter.
pub fn filter(manager: &HttpConnectionManager) -> Filter {
    Filter {
        name: "envoy.filters.network.http_connection_manager".into(),
        config_type: Some(ConfigType::TypedConfig(any(manager))),
    }
}

fn grpc_stats() -> grpc_stats::v3::FilterConfig {
    grpc_stats::v3::FilterConfig { emit_filter_state: true, ..grpc_stats::v3::FilterConfig::default() }
}

fn paths(rules: PathRules, manager: &mut HttpConnectionManager) {
    manager.normalize_path = Some(boolean(rules != PathRules::None));
    manager.merge_slashes = matches!(rules, PathRules::MergeSlashes | PathRules::DecodeAndMergeSlashes);
    let action = match rules {
        PathRules::DecodeAndMergeSlashes => PathWithEscapedSlashesAction::UnescapeAndForward,
        _ => PathWithEscapedSlashesAction::KeepUnchanged,
    };
    manager.path_with_escaped_slashes_action = action.into();
}
