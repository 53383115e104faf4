//! The registry: one line per analyzer, and through them every code.

use super::context::Context;
use crate::diagnostics::{Code, Sink};

/// One analyzer. Declared as `pub static ANALYZER` in its own file.
pub struct Analyzer {
    /// Istio's name where Istio has it: `virtualservice.DestinationHostAnalyzer`.
    pub name: &'static str,
    /// What it checks, one line.
    pub summary: &'static str,
    /// The codes it may report.
    pub codes: &'static [&'static Code],
    /// The check.
    pub run: fn(&Context<'_>, &mut Sink),
    /// False for analyzers that run only when they are named.
    pub default: bool,
}

macro_rules! analyzers {
    ($( $($path:ident)::+ ; )*) => {
        /// Every analyzer, in the order of the list below.
        pub static ANALYZERS: &[&Analyzer] = &[ $( &crate::analyzers::$($path)::+::ANALYZER, )* ];
    };
}

analyzers! {
    mesh::operator;
    mesh::overwritten;
    mesh::tracing_port;
    security::deny_all_ingress;
    security::literal_subject;
    security::plaintext_port;
    security::principals_never_match;
    security::rule_split;
    telemetry::no_op_override;
    telemetry::provider_kind;
    telemetry::split_items;
    telemetry::tag_values;
    telemetry::unknown_provider;
    schema::authorization_policy;
    schema::mesh_config;
    schema::mesh_networks;
    schema::peer_authentication;
    schema::request_authentication;
    schema::telemetry;
    schema::traffic_extension;
    schema::wasm_plugin;
    schema::destination_rule;
    schema::service_entry;
    mesh::networks;
    security::authorization_policies;
    security::blocked_cidrs;
    telemetry::default_selector;
    telemetry::lightstep;
    telemetry::provider;
    telemetry::selector;
    schema::virtual_service;
    structure::unreadable;
    structure::keys;
    structure::scalars;
    docs::ambiguous_kind;
    docs::appmesh_closed;
    docs::argument_missing;
    docs::command_deprecated;
    docs::command_removed;
    docs::consul_open;
    docs::controller_metadata;
    docs::gateway_api_missing;
    docs::install_script_outdated;
    docs::kind_absent;
    docs::metadata_mixed_up;
    docs::placeholder;
    docs::profile_not_set;
    docs::prompt_without_input;
    docs::service_account_assumed;
    docs::shell_in_yaml_fence;
    docs::shows_other;
    docs::unpinned_download;
    docs::unpinned_ref;
    docs::value_without_use;
    docs::version_unsupported;
    structure::fields;
    structure::values;
    structure::versions;
    structure::names;
    structure::twice;
    annotations::k8s;
    annotations::alpha;
    deployment::application_uid;
    deployment::labels;
    deployment::multi_service;
    injection::namespaces;
    injection::image;
    injection::image_auto;
    services::port_name;
    services::multi_cluster;
    monitoring::expressions;
    monitoring::durations;
    monitoring::groups;
    monitoring::monitors;
    suppression;
    conditions::negative;
    deprecation::fields;
    envoyfilter::patch;
    externalcontrolplane::address;
    gateway::certificate;
    gateway::conflicting;
    gateway::ingress_port;
    gateway::secret;
    k8sgateway::crd_version;
    k8sgateway::selector;
    sidecar::selector;
    webhook::injectors;
    schema::envoy_filter;
    schema::gateway;
    schema::proxy_config;
    schema::sidecar;
    schema::workload_entry;
    schema::workload_group;
    destination_rule::ca_certificate;
    destination_rule::old_load_balancer;
    destination_rule::old_outlier_field;
    destination_rule::small_pool;
    destination_rule::subset_select_pod;
    service_entry::conflicting_protocol;
    service_entry::protocol_addresses;
    virtual_service::conflicting_hosts;
    virtual_service::destination_host;
    virtual_service::destination_rule;
    virtual_service::gateway;
    virtual_service::host_without_workload;
    virtual_service::jwt_claim_route;
    virtual_service::raw_prefix;
    virtual_service::retries_fit_timeout;
    virtual_service::shadowed_route;
}

/// Every code once, sorted.
pub fn codes() -> Vec<&'static Code> {
    let mut codes: Vec<&'static Code> = ANALYZERS.iter().flat_map(|a| a.codes).copied().collect();
    codes.sort_by_key(|code| code.code);
    codes.dedup_by_key(|code| code.code);
    codes
}

/// A code by its text or its name, whatever the case.
pub fn code(text: &str) -> Option<&'static Code> {
    codes().into_iter().find(|c| c.code.eq_ignore_ascii_case(text) || c.name.eq_ignore_ascii_case(text))
}

/// An analyzer by its name; Istio's `Analyzer` ending may be left out.
pub fn analyzer(name: &str) -> Option<&'static Analyzer> {
    ANALYZERS
        .iter()
        .copied()
        .find(|a| a.name == name || a.name.strip_suffix("Analyzer").map(|n| n.trim_end_matches('.')) == Some(name))
}
