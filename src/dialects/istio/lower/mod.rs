//! Istio's kinds as nodes of the mesh, one file per kind.

mod authorization_policy;
mod authz_condition;
mod authz_rule;
mod authz_value;
mod balancing;
mod delegate;
mod destination_rule;
mod envoy_filter;
mod envoy_match;
mod gateway;
mod http_action;
mod http_match;
mod http_rule;
mod l4_rule;
mod log_format;
mod peer_authentication;
mod provider;
mod proxy_config;
mod request_authentication;
mod scope;
mod server_tls;
mod service_entry;
mod settings;
mod sidecar;
mod telemetry;
mod traffic;
mod virtual_service;
mod workload_entry;

use crate::dialects::lower::{Dialect, Input, context};
use crate::ir::Builder;

/// The mesh configuration: the first dialect, because all others read the settings.
pub struct Settings;

impl Dialect for Settings {
    fn name(&self) -> &'static str {
        "Istio mesh configuration"
    }

    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        settings::lower(input, mesh);
    }
}

/// All other kinds.
pub struct Istio;

impl Dialect for Istio {
    fn name(&self) -> &'static str {
        "Istio"
    }

    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        workload_entry::lower(input, mesh);
        service_entry::lower(input, mesh);
        virtual_service::lower(input, mesh);
        destination_rule::lower(input, mesh);
        gateway::lower(input, mesh);
        sidecar::lower(input, mesh);
        peer_authentication::lower(input, mesh);
        request_authentication::lower(input, mesh);
        authorization_policy::lower(input, mesh);
        telemetry::lower(input, mesh);
        envoy_filter::lower(input, mesh);
        proxy_config::lower(input, mesh);
    }
}
