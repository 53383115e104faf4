//! Every place that names an extension provider: Telemetry objects, CUSTOM policies, the mesh's defaults.

use crate::analyzers::context::Context;
use crate::analyzers::shared::mesh_settings::{BUILT_IN_PROVIDERS, ProviderUse};
use crate::dialects::object::Meta;
use crate::schema::Text;

/// One use of a provider.
#[derive(Debug, Clone, Copy)]
pub struct Use<'m> {
    /// The object that names it.
    pub meta: &'m Meta,
    /// The name.
    pub name: &'m Text,
    /// What for.
    pub what: ProviderUse,
}

/// All uses, kind by kind in input order.
pub fn all<'m>(cx: &Context<'m>) -> Vec<Use<'m>> {
    let mut uses = Vec::new();
    for telemetry in &cx.model().telemetries {
        let spec = &telemetry.spec;
        let tracing = spec.tracing.iter().flat_map(|t| &t.providers).map(|p| (p, ProviderUse::Tracing));
        let metrics = spec.metrics.iter().flat_map(|m| &m.providers).map(|p| (p, ProviderUse::Metrics));
        let logging = spec.access_logging.iter().flat_map(|l| &l.providers).map(|p| (p, ProviderUse::AccessLogging));
        for (provider, what) in tracing.chain(metrics).chain(logging) {
            uses.extend(provider.name.as_ref().map(|name| Use { meta: &telemetry.meta, name, what }));
        }
    }
    for policy in &cx.model().authorization_policies {
        let name = policy.spec.provider.as_ref().and_then(|provider| provider.name.as_ref());
        uses.extend(name.map(|name| Use { meta: &policy.meta, name, what: ProviderUse::Authorization }));
    }
    for what in [ProviderUse::Tracing, ProviderUse::Metrics, ProviderUse::AccessLogging] {
        uses.extend(cx.mesh.default_providers(what).map(|(meta, name)| Use { meta, name, what }));
    }
    uses.retain(|used| !used.name.is_empty());
    uses
}

/// The kind of a provider that every mesh has, when the name is one of those.
pub fn built_in(name: &str) -> Option<&'static str> {
    BUILT_IN_PROVIDERS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}
