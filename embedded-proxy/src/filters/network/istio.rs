//! Istio's network filters: stats of TCP connections, and one that needs nothing here and is only recognised.

use std::sync::Arc;

use super::registry::{Made, filter};
use super::{NetworkFilter, Session, Verdict, Watcher};
use crate::istio::Plugin;
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::istio::IstioStats;

/// A filter that lets everything pass.
///
/// `envoy.filters.network.metadata_exchange` speaks `istio-peer-exchange`, which is never negotiated here (`tls` leaves
/// it out of what is offered and chosen): there is nothing for it to do.
#[derive(Debug)]
pub(super) struct Pass;

impl Pass {
    /// Takes the message as a whole.
    pub fn read(reader: &Reader<'_>) -> Self {
        reader.ignore_all();
        Self
    }
}

/// Makes the filter of a Wasm plugin: Istio's stats, or one that may be absent. None: a defect was noted.
pub(super) fn plugin(reader: &Reader<'_>, build: &Build) -> Option<Made> {
    match Plugin::read(reader)? {
        Plugin::Stats(settings) => {
            IstioStats::read(&Plugin::settings(reader, "stats.PluginConfig", &settings)?, build).map(filter)
        }
        // Over TCP it never was a plugin of this kind, and it needs nothing here.
        Plugin::MetadataExchange | Plugin::Absent => Some(filter(Pass)),
    }
}

impl NetworkFilter for Pass {
    fn on_connection(&self, _session: &mut Session) -> Verdict {
        Verdict::Next
    }
}

impl NetworkFilter for IstioStats {
    fn on_connection(&self, session: &mut Session) -> Verdict {
        session.watchers.push(Arc::new(self.clone()));
        Verdict::Next
    }
}

impl Watcher for IstioStats {
    fn ended(&self, session: &Session) {
        self.connection(&session.connection, &session.info);
    }
}
