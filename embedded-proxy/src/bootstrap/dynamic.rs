//! Where configuration comes from while the proxy runs: `Bootstrap.DynamicResources`.

use crate::proto::Reader;
use crate::xds::{ApiSource, ConfigSource};

/// Sources of listeners and clusters, and the aggregated stream that others refer to as `ads`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dynamic {
    /// Listeners (LDS).
    pub listeners: Option<ConfigSource>,
    /// Clusters (CDS).
    pub clusters: Option<ConfigSource>,
    /// The aggregated stream.
    pub ads: Option<ApiSource>,
}

impl Dynamic {
    /// Whether a control plane or file is asked for anything.
    pub fn is_used(&self) -> bool {
        self.listeners.is_some() || self.clusters.is_some() || self.ads.is_some()
    }

    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Self {
        let source = |field| reader.message(field).and_then(|source| ConfigSource::read(&source));
        let dynamic = Self {
            listeners: source("lds_config"),
            clusters: source("cds_config"),
            ads: reader.message("ads_config").and_then(|source| ApiSource::read_aggregated(&source)),
        };
        if dynamic.ads.is_none() && !reader.has("ads_config") {
            for (field, source) in [("lds_config", &dynamic.listeners), ("cds_config", &dynamic.clusters)] {
                if source.as_ref().is_some_and(ConfigSource::is_ads) {
                    reader.defect(field, "says `ads`, and there is no ads_config");
                }
            }
        }
        dynamic
    }
}
