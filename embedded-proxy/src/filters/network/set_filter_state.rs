//! `envoy.filters.network.set_filter_state`: texts about a connection for filters and logs that come later.

use super::{NetworkFilter, Session, Verdict};
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::Sharing;
use crate::telemetry::format::{FormatContext, Substitution};

/// Key under which a TCP proxy finds its cluster.
const TCP_CLUSTER: &str = "envoy.tcp_proxy.cluster";

#[derive(Debug)]
pub(super) struct SetFilterState(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    key: String,
    value: Substitution,
    skip_if_empty: bool,
    sharing: Option<Sharing>,
}

impl SetFilterState {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, _build: &Build) -> Option<Self> {
        // Filters run once, after the TLS handshake: all moments are one.
        let moments = ["on_new_connection", "on_downstream_tls_handshake", "on_downstream_data"];
        let entries = moments.iter().flat_map(|moment| reader.list(moment)).map(|entry| Entry::read(&entry));
        entries.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(Self)
    }
}

impl Entry {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        // Filter state is text here, whatever class Envoy makes of it, and is not changed by others.
        reader.ignore(&["factory_key", "read_only"]);
        Some(Self {
            key: reader.need_text("object_key")?,
            value: Substitution::read(&reader.need("format_string")?)?,
            skip_if_empty: reader.flag("skip_if_empty"),
            sharing: Sharing::read(reader),
        })
    }
}

impl NetworkFilter for SetFilterState {
    fn on_connection(&self, session: &mut Session) -> Verdict {
        for entry in &self.0 {
            let mut text = String::new();
            entry.value.render(&FormatContext::new(&session.connection, &session.info), &mut text);
            if text.is_empty() && entry.skip_if_empty {
                continue;
            }
            if entry.key == TCP_CLUSTER {
                session.cluster = Some(text.as_str().into());
            }
            let sharing = entry.sharing.map(|sharing| (entry.key.clone(), sharing));
            session.connection.shared.extend(sharing);
            session.connection.state.insert(entry.key.clone(), text);
        }
        Verdict::Next
    }
}
