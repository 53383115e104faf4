//! `envoy.filters.network.sni_cluster`: the TCP proxy's cluster is the one that the server name names.

use super::{NetworkFilter, Session, Verdict};

#[derive(Debug)]
pub(super) struct SniCluster;

impl NetworkFilter for SniCluster {
    fn on_connection(&self, session: &mut Session) -> Verdict {
        if let Some(name) = session.connection.sni.as_deref().filter(|name| !name.is_empty()) {
            session.cluster = Some(name.into());
        }
        Verdict::Next
    }
}
