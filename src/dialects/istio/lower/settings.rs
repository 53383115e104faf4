//! MeshConfig: settings of the mesh as a whole. Of several configurations the first that says something counts.

use std::sync::Arc;

use crate::dialects::istio::types::MeshConfig;
use crate::dialects::lower::Input;
use crate::ir::{Builder, OutboundPolicy, Settings};
use crate::schema::Text;

/// Fills the settings.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let model = input.model;
    let configs: Vec<&MeshConfig> = configs(input);
    let defaults = Settings::default();
    let text = |get: fn(&MeshConfig) -> Option<&Text>| configs.iter().find_map(|config| get(config)).map(Text::as_str);
    let outbound = configs.iter().find_map(|config| config.outbound_traffic_policy.as_ref()?.mode.as_ref());
    let auto = configs.iter().find_map(|config| config.enable_auto_mtls.as_ref());
    let connect = configs.iter().find_map(|config| config.connect_timeout.as_ref());
    let detection = configs.iter().find_map(|config| config.protocol_detection_timeout.as_ref());
    let aliases = configs.iter().flat_map(|config| &config.trust_domain_aliases);
    mesh.mesh.settings = Arc::new(Settings {
        trust_domain: text(|config| config.trust_domain.as_ref()).map_or(defaults.trust_domain.clone(), Into::into),
        trust_domain_aliases: aliases.map(|alias| alias.as_str().into()).collect(),
        domain: model.options.cluster_domain.as_str().into(),
        root_namespace: text(|config| config.root_namespace.as_ref())
            .unwrap_or(model.options.root_namespace.as_str())
            .into(),
        outbound: match outbound.map(Text::as_str) {
            Some("REGISTRY_ONLY") => OutboundPolicy::Deny,
            _ => OutboundPolicy::Allow,
        },
        auto_mutual_tls: auto.is_none_or(|auto| auto.value),
        connect_timeout: connect.map_or(defaults.connect_timeout, |timeout| timeout.value.0),
        detection_timeout: detection.map_or(defaults.detection_timeout, |timeout| timeout.value.0),
        ..defaults
    });
}

/// Files given as such, then ConfigMaps, then IstioOperators.
pub(super) fn configs<'m>(input: &Input<'m>) -> Vec<&'m MeshConfig> {
    let model = input.model;
    let (files, maps): (Vec<_>, Vec<_>) =
        model.mesh.configs.iter().partition(|object| object.meta.kind == "MeshConfig");
    let own = files.into_iter().chain(maps).map(|object| &object.spec);
    let operators = model.istio_operators.iter().filter_map(|object| Some(&object.spec.mesh_config.as_ref()?.0));
    own.chain(operators).collect()
}
