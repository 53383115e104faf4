//! Stats of the process: `server.*` and `runtime.*`. They are looked up when somebody reads stats; nothing runs for them.

use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;

use super::life::Stage;
use super::memory;
use crate::services::Services;
use crate::telemetry::stats::{Gauge, Histogram, Scope};

/// All of them.
#[derive(Debug)]
pub struct ServerStats {
    live: Arc<Gauge>,
    state: Arc<Gauge>,
    uptime: Arc<Gauge>,
    concurrency: Arc<Gauge>,
    allocated: Arc<Gauge>,
    heap: Arc<Gauge>,
    physical: Arc<Gauge>,
    connections: Arc<Gauge>,
    days: Arc<Gauge>,
    workers_started: Arc<Gauge>,
    /// Milliseconds from the start of the process to its first accepted connection.
    pub initialization: Arc<Histogram>,
    /// When the first certificate expires, and the changes of configuration that this counts for.
    first_end: Mutex<Option<(u64, Option<u64>)>>,
    /// Their values do not change.
    _fixed: Vec<Arc<Gauge>>,
}

impl ServerStats {
    /// The stats of a proxy that begins.
    pub fn new(services: &Services) -> Self {
        let root = Scope::root(&services.stats);
        let (server, runtime) = (root.sub("server"), root.sub("runtime"));
        let fixed = |scope: &Scope, name: &str, value: usize| {
            let gauge = scope.gauge(name);
            gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
            gauge
        };
        // There is no hot restart, so the process is always the first of its kind.
        let fixed = vec![
            fixed(&server, "hot_restart_epoch", 0),
            fixed(&server, "hot_restart_generation", 1),
            fixed(&server, "parent_connections", 0),
            fixed(&server, "version", version(env!("CARGO_PKG_VERSION"))),
            fixed(&runtime, "num_keys", services.runtime.iter().count()),
            fixed(&runtime, "num_layers", services.runtime.layers().count()),
        ];
        Self {
            live: server.gauge("live"),
            state: server.gauge("state"),
            uptime: server.gauge("uptime"),
            concurrency: server.gauge("concurrency"),
            allocated: server.gauge("memory_allocated"),
            heap: server.gauge("memory_heap_size"),
            physical: server.gauge("memory_physical_size"),
            connections: server.gauge("total_connections"),
            days: server.gauge("days_until_first_cert_expiring"),
            workers_started: root.sub("listener_manager").gauge("workers_started"),
            initialization: server.histogram("initialization_time_ms"),
            first_end: Mutex::new(None),
            _fixed: fixed,
        }
    }

    /// Looks everything up again.
    pub fn refresh(&self, services: &Services) {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let stage = services.life.stage();
        let (state, live) = match stage {
            Stage::Live => (0, true),
            Stage::Draining | Stage::Ended => (1, false),
            Stage::PreInitializing => (2, false),
            Stage::Initializing => (3, false),
        };
        self.state.set(state);
        self.live.set(i64::from(live));
        self.uptime.set(signed(services.life.began().0.elapsed().as_secs()));
        self.concurrency.set(signed(services.workers.count() as u64));
        let memory = memory::now();
        self.allocated.set(signed(memory.own));
        self.heap.set(signed(memory.resident));
        self.physical.set(signed(memory.resident));
        self.connections.set(signed(services.listeners.count()));
        // Without a certificate Envoy says the largest number that it has.
        self.days.set(self.days_left(services).map_or(i64::from(u32::MAX), signed));
        self.workers_started.set(i64::from(stage > Stage::Initializing));
    }
}

impl ServerStats {
    /// Days until the first certificate in use expires. Certificates are only looked for when the configuration changed.
    fn days_left(&self, services: &Services) -> Option<u64> {
        let changes = services.store.changes();
        let known = self.first_end.lock().filter(|(then, _)| *then == changes);
        let (_, end) = known.unwrap_or_else(|| (changes, crate::admin::first_end(services)));
        *self.first_end.lock() = Some((changes, end));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Some(end?.saturating_sub(now) / 86_400)
    }
}

/// Three numbers of a version as one.
fn version(text: &str) -> usize {
    text.split('.').take(3).fold(0, |all, part| all * 256 + part.parse::<usize>().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::stats::Sample;

    #[tokio::test]
    async fn readers_see_how_the_process_is() {
        let build = crate::services::for_tests();
        let services = &build.services;
        services.server_stats().refresh(services);
        let value = |name: &str| {
            let all = services.stats.all();
            let seen = all.iter().find(|seen| &*seen.name == name).unwrap();
            match &seen.sample {
                Sample::Gauge(gauge) => gauge.value(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((value("server.live"), value("server.state"), value("server.concurrency")), (0, 2, 1));
        assert_eq!(value("server.days_until_first_cert_expiring"), 4_294_967_295);
        assert!(value("server.memory_physical_size") > 1 << 20);
        services.life.go(Stage::Live);
        services.server_stats().refresh(services);
        assert_eq!((value("server.live"), value("server.state")), (1, 0));
    }
}
