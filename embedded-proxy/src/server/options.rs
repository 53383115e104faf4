//! What the command line says about a proxy, beside its bootstrap.

use std::time::Duration;

use crate::identity::Settings;

/// Options of a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Worker threads; at least one is started.
    pub concurrency: usize,
    /// Time in which connections of a removed listener, or of one drained by `/drain_listeners?graceful`, are asked to
    /// end (Envoy's default: 600 s).
    pub drain_time: Duration,
    /// Longest time between a signal to end and the end, while exchanges in flight finish.
    pub termination_drain: Duration,
    /// Whether SIGTERM and SIGINT end the proxy: for a process that is nothing else.
    pub signals: bool,
    /// The identity that the proxy gets itself certificates for; none when others deliver them.
    pub identity: Option<Settings>,
}

impl Default for Options {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        // Kubernetes kills after 30 s.
        Self {
            concurrency: 1,
            drain_time: seconds(600),
            termination_drain: seconds(25),
            signals: false,
            identity: None,
        }
    }
}
