//! The settings of the mesh that analyzers ask for: what the input sets, else Istio's defaults.

use crate::dialects::istio::types::{ExtensionProvider, MeshConfig};
use crate::dialects::model::Model;
use crate::dialects::object::Meta;
use crate::schema::Text;

/// Providers that exist without being defined: Istio's built-in mesh configuration has them.
pub const BUILT_IN_PROVIDERS: &[(&str, &str)] =
    &[("prometheus", "prometheus"), ("stackdriver", "stackdriver"), ("envoy", "envoyFileAccessLog")];

/// What providers are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderUse {
    /// Traces.
    Tracing,
    /// Metrics.
    Metrics,
    /// Access logs.
    AccessLogging,
    /// CUSTOM authorization.
    Authorization,
}

impl ProviderUse {
    /// The kinds of providers that can do it.
    pub fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Tracing => {
                &["zipkin", "lightstep", "datadog", "stackdriver", "opencensus", "skywalking", "opentelemetry"]
            }
            Self::Metrics => &["prometheus", "stackdriver"],
            Self::AccessLogging => {
                &["envoyFileAccessLog", "envoyHttpAls", "envoyTcpAls", "envoyOtelAls", "stackdriver"]
            }
            Self::Authorization => &["envoyExtAuthzHttp", "envoyExtAuthzGrpc"],
        }
    }

    /// A word for messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tracing => "tracing",
            Self::Metrics => "metrics",
            Self::AccessLogging => "access logging",
            Self::Authorization => "external authorization",
        }
    }
}

/// All mesh configurations of the input, the strongest first: files given as such, ConfigMaps, IstioOperators.
#[derive(Debug, Default)]
pub struct MeshSettings<'m> {
    /// Each with the object that holds it.
    pub configs: Vec<(&'m Meta, &'m MeshConfig)>,
    root_namespace: &'m str,
}

impl<'m> MeshSettings<'m> {
    /// Collects the settings of a model.
    pub fn new(model: &'m Model) -> Self {
        let own = model.mesh.configs.iter().map(|object| (&object.meta, &object.spec));
        let (files, maps): (Vec<_>, Vec<_>) = own.partition(|(meta, _)| meta.kind == "MeshConfig");
        let operators = model
            .istio_operators
            .iter()
            .filter_map(|object| Some((&object.meta, &object.spec.mesh_config.as_ref()?.0)));
        let configs: Vec<_> = files.into_iter().chain(maps).chain(operators).collect();
        let set = configs.iter().find_map(|(_, config)| config.root_namespace.as_ref());
        Self { root_namespace: set.map_or(model.options.root_namespace.as_str(), Text::as_str), configs }
    }

    /// True when the input sets up the mesh at all: otherwise what is not defined may be defined elsewhere.
    pub fn is_known(&self) -> bool {
        !self.configs.is_empty()
    }

    fn first<T>(&self, get: impl Fn(&'m MeshConfig) -> Option<T>) -> Option<T> {
        self.configs.iter().find_map(|(_, config)| get(config))
    }

    /// Namespace whose policies hold for the whole mesh.
    pub fn root_namespace(&self) -> &'m str {
        self.root_namespace
    }

    /// Trust domain of identities.
    pub fn trust_domain(&self) -> &'m str {
        self.first(|config| config.trust_domain.as_ref()).map_or("cluster.local", Text::as_str)
    }

    /// A variable of every proxy's environment.
    pub fn proxy_metadata(&self, name: &str) -> Option<&'m str> {
        self.first(|config| config.default_config.as_ref()?.proxy_metadata.text(name))
    }

    /// Every provider that the input defines.
    pub fn providers(&self) -> impl Iterator<Item = (&'m Meta, &'m ExtensionProvider)> {
        self.configs.iter().flat_map(|(meta, config)| config.extension_providers.iter().map(|p| (*meta, p)))
    }

    /// The definitions of a provider; several when the input has several mesh configurations.
    pub fn provider(&self, name: &str) -> impl Iterator<Item = (&'m Meta, &'m ExtensionProvider)> {
        self.providers().filter(move |(_, provider)| provider.name() == name)
    }

    /// The default providers for a use.
    pub fn default_providers(&self, for_use: ProviderUse) -> impl Iterator<Item = (&'m Meta, &'m Text)> {
        self.configs.iter().flat_map(move |(meta, config)| {
            let list = config.default_providers.as_ref().and_then(|defaults| match for_use {
                ProviderUse::Tracing => Some(&defaults.tracing),
                ProviderUse::Metrics => Some(&defaults.metrics),
                ProviderUse::AccessLogging => Some(&defaults.access_logging),
                ProviderUse::Authorization => None,
            });
            list.into_iter().flatten().map(|name| (*meta, name))
        })
    }
}
