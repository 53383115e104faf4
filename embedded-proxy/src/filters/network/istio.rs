//! Istio's network filters that need nothing here: they are recognised, so that its configuration is taken as it is.

use super::{NetworkFilter, Session, Verdict};
use crate::proto::Reader;

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
