//! A listener as it is configured: `envoy.config.listener.v3.Listener`.

use std::sync::Arc;
use std::time::Duration;

use super::filter::ListenerFilter;
use super::place::ListenerLimit;
use super::select::{Selected, Selector};
use super::stats::{self, ListenerStats};
use super::{Bind, Facts, FilterChain};
use crate::net::Address;
use crate::proto::{Reader, fingerprint};
use crate::services::Build;
use crate::stream::Direction;
use crate::telemetry::access_log::AccessLogs;

/// Envoy's default of `listener_filters_timeout`.
const FILTERS_TIMEOUT: Duration = Duration::from_secs(15);

/// A listener that was read and not bound.
#[derive(Debug)]
pub struct ListenerConfig {
    /// Name.
    pub name: Arc<str>,
    /// Addresses; at least one.
    pub binds: Vec<Bind>,
    /// Whether it accepts connections itself. One that does not gets them from others that use original destinations.
    pub bind_to_port: bool,
    /// Connections come from clusters of this proxy, and from nowhere else.
    pub internal: bool,
    /// Hands redirected connections to the listener of their original destination.
    pub use_original_dst: bool,
    /// Direction of its traffic.
    pub direction: Direction,
    /// Bytes that may be buffered for a connection.
    pub buffer_limit: u32,
    pub(super) filters: Vec<ListenerFilter>,
    pub(super) filters_timeout: Option<Duration>,
    pub(super) continue_on_timeout: bool,
    pub(super) ignore_limit: bool,
    pub(super) limit: ListenerLimit,
    selector: Selector,
    /// Tells whether two configurations differ in nothing but their filter chains.
    frame: u64,
    chains: Vec<Arc<FilterChain>>,
    default: Option<Arc<FilterChain>>,
    pub(super) stats: Arc<ListenerStats>,
    /// Logs of connections, those without a filter chain included.
    pub(super) logs: AccessLogs,
}

/// The address of a listener inside the proxy. None: a defect was noted.
fn read_internal(reader: &Reader<'_>, build: &Build) -> Option<Bind> {
    if reader.has("address") {
        reader.defect("address", "a listener inside the proxy (internal_listener) has none");
    }
    if !build.services.listeners.has_internal() {
        let sentence = "the bootstrap must have the extension envoy.bootstrap.internal_listener";
        reader.defect("internal_listener", sentence);
        return None;
    }
    reader.need_text("name").map(|name| Bind::internal(&name))
}

impl ListenerConfig {
    /// Reads the message, filters and transport sockets included. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        // For people and dumps.
        reader.ignore(&["metadata"]);
        // The kernel spreads connections over the workers' sockets; a worker accepts one connection after the other.
        reader.ignore(&["connection_balance_config", "max_connections_to_accept_per_socket_event"]);
        // Both kinds end connections when the listener changes, goes or is told to drain; what they differ in (a failed
        // health check of the proxy) ends no connections here.
        reader.ignore(&["drain_type"]);
        let internal = reader.message("internal_listener").is_some();
        let binds = if internal { vec![read_internal(reader, build)?] } else { Bind::read_all(reader)? };
        let name = reader.opt_text("name").unwrap_or_else(|| binds[0].address.to_string());
        let scope = stats::scope(&build.services.stats, reader.opt_text("stat_prefix").as_deref(), &binds[0].address);
        let logs = AccessLogs::read(&reader.list("access_log"), build);
        let own = Build { services: build.services.clone(), scope };
        let bind_to_port = reader.message("deprecated_v1").and_then(|old| old.opt_flag("bind_to_port"));
        let use_original_dst = reader.flag("use_original_dst");
        let mut filters: Vec<_> =
            reader.list("listener_filters").iter().map(|filter| ListenerFilter::read(filter, &own)).collect();
        if use_original_dst {
            filters.push(Some(ListenerFilter::original_dst()));
        }
        let chains: Vec<_> = reader.list("filter_chains").iter().map(|chain| FilterChain::read(chain, &own)).collect();
        let default = reader.message("default_filter_chain").map(|chain| FilterChain::read(&chain, &own));
        let chains: Vec<Arc<FilterChain>> =
            chains.into_iter().map(|chain| chain.map(Arc::new)).collect::<Option<_>>()?;
        if chains.is_empty() && default.is_none() {
            reader.defect("filter_chains", "there is no filter chain");
            return None;
        }
        let selector = Selector::read(reader, &chains);
        let limit = build.services.runtime.listener_limit(&name);
        Some(Self {
            name: name.into(),
            binds,
            bind_to_port: !internal && reader.opt_flag("bind_to_port").or(bind_to_port).unwrap_or(true),
            internal,
            use_original_dst,
            direction: match reader.word("traffic_direction").as_str() {
                "INBOUND" => Direction::Inbound,
                "OUTBOUND" => Direction::Outbound,
                _ => Direction::Unspecified,
            },
            buffer_limit: reader.u32("per_connection_buffer_limit_bytes").unwrap_or(1024 * 1024),
            filters: filters.into_iter().collect::<Option<_>>()?,
            filters_timeout: match reader.duration("listener_filters_timeout") {
                Some(timeout) => (!timeout.is_zero()).then_some(timeout),
                None => Some(FILTERS_TIMEOUT),
            },
            continue_on_timeout: reader.flag("continue_on_listener_filters_timeout"),
            // What the overload manager does here is to limit connections.
            ignore_limit: reader.flag("ignore_global_conn_limit") | reader.flag("bypass_overload_manager"),
            limit: ListenerLimit::new(limit),
            selector: selector?,
            frame: frame(reader),
            chains,
            default: match default {
                Some(default) => Some(Arc::new(default?)),
                None => None,
            },
            stats: Arc::new(ListenerStats::new(&own.scope)),
            logs: logs?,
        })
    }

    /// The filter chain that takes a connection with these facts; none when there is none for it.
    pub fn find(&self, facts: &Facts<'_>) -> Option<&Arc<FilterChain>> {
        match self.selector.select(facts) {
            Selected::Chain(index) => self.chains.get(index),
            Selected::Default => self.default.as_ref(),
            Selected::Nothing => None,
        }
    }

    /// All filter chains, the default one last.
    pub fn chains(&self) -> impl Iterator<Item = &Arc<FilterChain>> {
        self.chains.iter().chain(&self.default)
    }

    /// Addresses as configured.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.binds.iter().map(|bind| &bind.address)
    }

    /// Whether it differs from an older configuration in nothing but its filter chains and how they are selected. Then
    /// filter chains that are the same are taken over, and connections on them go on. Otherwise connections of the old
    /// configuration have to end: they were accepted under other rules.
    pub(super) fn keep(&mut self, old: &Self) -> bool {
        if self.frame != old.frame {
            return false;
        }
        self.limit.keep(&old.limit);
        let same = |chain: &FilterChain| old.chains().find(|other| other.fingerprint == chain.fingerprint).cloned();
        for chain in self.chains.iter_mut().chain(&mut self.default) {
            if let Some(kept) = same(chain) {
                *chain = kept;
            }
        }
        true
    }

    /// Waits until everything it needs from the control plane is there.
    pub async fn ready(&self) {
        for chain in self.chains() {
            chain.ready().await;
        }
    }
}

/// Hash of a listener without its filter chains, as Envoy draws the line for updates in place.
fn frame(reader: &Reader<'_>) -> u64 {
    let mut message = reader.raw().clone();
    for field in ["filter_chains", "default_filter_chain", "filter_chain_matcher"] {
        message.clear_field_by_name(field);
    }
    fingerprint(&message)
}
