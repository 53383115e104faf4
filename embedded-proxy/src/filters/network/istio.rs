//! Istio's network filters: stats of TCP connections, and one that needs nothing here and is only recognised.

use std::sync::Arc;

use super::{NetworkFilter, Session, Verdict, Watcher};
use crate::proto::Reader;
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
