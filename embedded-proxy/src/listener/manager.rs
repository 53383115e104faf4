//! All listeners: how they are added, changed, removed and drained.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::accept::accept;
use super::pipe::Pipe;
use super::place::{GlobalLimit, Place, Places};
use super::sockets::Socket;
use super::{Bind, FilterChain, ListenerConfig};
use crate::net::Address;
use crate::services::{Build, Services};
use crate::stream::Direction;
use crate::telemetry::stats::{Counter, Gauge, Scope};

/// Envoy's default of `--drain-time-s`.
const DRAIN_TIME: Duration = Duration::from_secs(600);

/// A listener that serves.
#[derive(Debug)]
struct Live {
    config: Arc<ArcSwap<ListenerConfig>>,
    sockets: Sockets,
}

/// Sockets that are bound, and what accepts from them.
#[derive(Debug, Default)]
struct Sockets {
    binds: Vec<Bind>,
    addresses: Vec<Address>,
    open: Vec<(usize, Address, Socket)>,
    pipes: Vec<Pipe>,
    accepting: Vec<AbortHandle>,
}

impl Sockets {
    fn stop(&mut self) {
        self.open.clear();
        self.pipes.clear();
        for task in self.accepting.drain(..) {
            task.abort();
        }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A listener that waits for secrets or routes. One of the same name serves meanwhile.
#[derive(Debug)]
struct Warming {
    config: Arc<ListenerConfig>,
    sockets: Option<Sockets>,
}

#[derive(Debug, Default)]
struct Table {
    live: BTreeMap<Arc<str>, Live>,
    warming: BTreeMap<Arc<str>, Warming>,
}

/// What one listener looks like to the admin interface.
#[derive(Debug, Clone)]
pub struct ListenerView {
    /// Its configuration.
    pub config: Arc<ListenerConfig>,
    /// Addresses it is bound to (or stands for, when it is bound to none).
    pub addresses: Vec<Address>,
    /// It waits for something and does not serve yet.
    pub warming: bool,
}

#[derive(Debug)]
struct ManagerStats {
    added: Arc<Counter>,
    modified: Arc<Counter>,
    in_place: Arc<Counter>,
    removed: Arc<Counter>,
    stopped: Arc<Counter>,
    created: Arc<Counter>,
    failed: Arc<Counter>,
    warming: Arc<Gauge>,
    active: Arc<Gauge>,
    draining: Arc<Gauge>,
}

impl ManagerStats {
    fn new(services: &Services) -> Self {
        let scope = Scope::root(&services.stats).sub("listener_manager");
        Self {
            added: scope.counter("listener_added"),
            modified: scope.counter("listener_modified"),
            in_place: scope.counter("listener_in_place_updated"),
            removed: scope.counter("listener_removed"),
            stopped: scope.counter("listener_stopped"),
            created: scope.counter("listener_create_success"),
            failed: scope.counter("listener_create_failure"),
            warming: scope.gauge("total_listeners_warming"),
            active: scope.gauge("total_listeners_active"),
            draining: scope.gauge("total_filter_chains_draining"),
        }
    }
}

/// All listeners by name.
#[derive(Debug, Default)]
pub struct Listeners {
    table: Mutex<Table>,
    /// Listeners by the address they stand for: where redirected connections go.
    by_address: ArcSwap<BTreeMap<SocketAddr, Arc<ArcSwap<ListenerConfig>>>>,
    /// Listeners inside the proxy, by name.
    inside: ArcSwap<BTreeMap<Arc<str>, Arc<ArcSwap<ListenerConfig>>>>,
    /// Bytes in each direction of a connection to one of those; none: there may be none.
    pub(super) internal_buffer: std::sync::OnceLock<usize>,
    stats: std::sync::OnceLock<ManagerStats>,
    ids: AtomicU64,
    places: Places,
    drain_time: std::sync::OnceLock<Duration>,
    /// Whether listeners that are ready have to wait all the same.
    held: watch::Sender<bool>,
}

impl Listeners {
    /// Says how many connections all listeners may have together, and how long connections of filter chains that are
    /// gone may take to end (Envoy: `--drain-time-s`). Once, before the first listener.
    pub fn configure(&self, limit: GlobalLimit, drain_time: Duration) {
        self.places.configure(limit);
        let _ = self.drain_time.set(drain_time);
    }

    /// Holds all listeners back: they are bound, and accept nothing until [`Listeners::release`].
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    /// Lets listeners that are ready serve.
    pub fn release(&self) {
        self.held.send_replace(false);
    }

    /// Adds a listener, or changes the one of its name: sockets and filter chains that stay the same are kept, and
    /// connections on them go on. It is bound at once (an error says why not) and serves as soon as its secrets and
    /// routes are there; until then the one of its name serves.
    pub fn apply(&self, mut config: ListenerConfig, build: &Build) -> Result<(), String> {
        let services = &build.services;
        let stats = self.stats.get_or_init(|| ManagerStats::new(services));
        let mut table = self.table.lock();
        let live = table.live.get(&config.name);
        let known = live.is_some() || table.warming.contains_key(&config.name);
        let in_place = live.is_some_and(|live| config.keep(&live.config.load()));
        let same = live.is_some_and(|live| live.sockets.binds == wanted(&config));
        let sockets = if same {
            None
        } else {
            let opened = open(&config, services.workers.count());
            Some(opened.inspect_err(|_| stats.failed.inc())?)
        };
        if known { &stats.modified } else { &stats.added }.inc();
        if in_place {
            stats.in_place.inc();
        }
        stats.created.inc();
        let config = Arc::new(config);
        let name = config.name.clone();
        table.warming.insert(name.clone(), Warming { config: config.clone(), sockets });
        let mut held = self.held.subscribe();
        let ready = !*held.borrow() && config.ready().now_or_never().is_some();
        if ready {
            self.activate(&mut table, &name, &config, services);
        } else {
            let waiting = services.clone();
            services.main.spawn(async move {
                // The sender lives as long as the services.
                let _ = held.wait_for(|held| !held).await;
                config.ready().await;
                let mut table = waiting.listeners.table.lock();
                waiting.listeners.activate(&mut table, &name, &config, &waiting);
            });
        }
        self.show(&table);
        Ok(())
    }

    /// Lets a listener that warmed up serve, unless something newer took its place.
    fn activate(&self, table: &mut Table, name: &Arc<str>, config: &Arc<ListenerConfig>, services: &Arc<Services>) {
        let current = table.warming.get(name).is_some_and(|warming| Arc::ptr_eq(&warming.config, config));
        let Some(warming) = table.warming.remove(name).filter(|_| current) else { return };
        let old = table.live.get(name).map(|live| live.config.load_full());
        match (table.live.get_mut(name), warming.sockets) {
            (Some(live), None) => live.config.store(warming.config),
            (_, sockets) => {
                let active = Arc::new(ArcSwap::new(warming.config));
                let mut sockets = sockets.unwrap_or_default();
                for (worker, address, socket) in sockets.open.drain(..) {
                    let accepting = accept(socket, address, active.clone(), services.clone());
                    sockets.accepting.push(services.workers.spawn(worker, accepting).abort_handle());
                }
                table.live.insert(name.clone(), Live { config: active, sockets });
            }
        }
        if let Some(old) = old {
            let kept: Vec<*const FilterChain> = config.chains().map(Arc::as_ptr).collect();
            let gone = old.chains().filter(|chain| !kept.contains(&Arc::as_ptr(chain)));
            self.retire(gone, services);
        }
        self.index(table);
        self.show(table);
    }

    /// Asks the connections of filter chains that are gone to end within the drain time.
    fn retire<'c>(&self, chains: impl Iterator<Item = &'c Arc<FilterChain>>, services: &Services) {
        let deadline = Instant::now().checked_add(self.drain_time.get().copied().unwrap_or(DRAIN_TIME));
        for chain in chains {
            chain.drain.start(deadline);
            if chain.drain.holders() == 0 {
                continue;
            }
            let Some(draining) = self.stats.get().map(|stats| stats.draining.clone()) else { continue };
            let chain = chain.clone();
            services.main.spawn(async move {
                draining.add(1);
                chain.drain.gone().await;
                draining.add(-1);
            });
        }
    }

    /// Removes a listener: nothing is accepted any more, and its connections are asked to end within the drain time.
    /// False: there is none of that name.
    pub fn remove(&self, name: &str, services: &Services) -> bool {
        let mut table = self.table.lock();
        let warming = table.warming.remove(name).is_some();
        let live = table.live.remove(name);
        let known = warming || live.is_some();
        if let Some(live) = live {
            self.retire(live.config.load().chains(), services);
        }
        if let Some(stats) = self.stats.get().filter(|_| known) {
            stats.removed.inc();
        }
        self.index(&table);
        self.show(&table);
        known
    }

    /// Asks all connections to end, at the latest at `deadline`: answers say so, and connections between requests end.
    /// New connections are served and asked the same. `inbound_only`: of listeners for inbound traffic.
    pub fn drain(&self, inbound_only: bool, deadline: Option<Instant>) {
        self.each_chain(inbound_only, |chain| chain.drain.start(deadline));
    }

    /// Stops accepting connections. Those that are there go on.
    pub fn stop(&self, inbound_only: bool) {
        let mut table = self.table.lock();
        for live in table.live.values_mut().filter(|live| concerns(&live.config.load(), inbound_only)) {
            live.sockets.stop();
            if let Some(stats) = self.stats.get() {
                stats.stopped.inc();
            }
        }
    }

    /// Ends all connections now.
    pub fn close(&self) {
        self.each_chain(false, |chain| chain.drain.close());
    }

    fn each_chain(&self, inbound_only: bool, act: impl Fn(&FilterChain)) {
        let table = self.table.lock();
        let live = table.live.values().map(|live| live.config.load_full());
        for config in live.filter(|config| concerns(config, inbound_only)) {
            config.chains().for_each(|chain| act(chain));
        }
    }

    /// Waits until there is no connection left, those of removed listeners included.
    pub async fn idle(&self) {
        while self.count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Connections that are there.
    pub fn count(&self) -> u64 {
        self.places.count()
    }

    /// Waits until no listener is warming up.
    pub async fn warm(&self) {
        loop {
            let waiting: Vec<Arc<ListenerConfig>> =
                self.table.lock().warming.values().map(|warming| warming.config.clone()).collect();
            if waiting.is_empty() {
                return;
            }
            for config in waiting {
                config.ready().await;
            }
            // The task that activates it may come after this one.
            tokio::task::yield_now().await;
        }
    }

    /// All listeners, sorted by name; those that warm up after those that serve.
    pub fn all(&self) -> Vec<ListenerView> {
        let table = self.table.lock();
        let live = table.live.values().map(|live| {
            let config = live.config.load_full();
            let stands_for = config.addresses().cloned().collect();
            let bound = &live.sockets.addresses;
            let addresses = if bound.is_empty() { stands_for } else { bound.clone() };
            ListenerView { config, addresses, warming: false }
        });
        let warming = table.warming.values().map(|warming| ListenerView {
            config: warming.config.clone(),
            addresses: match warming.sockets.as_ref().map(|sockets| &sockets.addresses) {
                Some(bound) if !bound.is_empty() => bound.clone(),
                _ => warming.config.addresses().cloned().collect(),
            },
            warming: true,
        });
        live.chain(warming).collect()
    }

    /// The listener that stands for an address: for that address itself, or for its port on all addresses.
    pub(super) fn at(&self, address: &Address) -> Option<Arc<ListenerConfig>> {
        let address = address.socket()?;
        let table = self.by_address.load();
        let any = |ip: IpAddr| SocketAddr::new(ip, address.port());
        let wildcards = match address {
            SocketAddr::V4(_) => [Some(any(Ipv4Addr::UNSPECIFIED.into())), Some(any(Ipv6Addr::UNSPECIFIED.into()))],
            SocketAddr::V6(_) => [Some(any(Ipv6Addr::UNSPECIFIED.into())), None],
        };
        let mut wanted = std::iter::once(address).chain(wildcards.into_iter().flatten());
        wanted.find_map(|address| table.get(&address)).map(|config| config.load_full())
    }

    /// The listener inside the proxy of that name, once it serves.
    pub(super) fn internal(&self, name: &str) -> Option<Arc<ListenerConfig>> {
        self.inside.load().get(name).map(|config| config.load_full())
    }

    fn index(&self, table: &Table) {
        let inside = table.live.iter().filter(|(_, live)| live.config.load().internal);
        let inside = inside.map(|(name, live)| (name.clone(), live.config.clone())).collect();
        self.inside.store(Arc::new(inside));
        let mut all = BTreeMap::new();
        for live in table.live.values() {
            let config = live.config.load();
            for address in config.addresses().chain(&live.sockets.addresses).filter_map(Address::socket) {
                all.insert(address, live.config.clone());
            }
        }
        self.by_address.store(Arc::new(all));
    }

    fn show(&self, table: &Table) {
        if let Some(stats) = self.stats.get() {
            stats.active.set(i64::try_from(table.live.len()).unwrap_or(i64::MAX));
            stats.warming.set(i64::try_from(table.warming.len()).unwrap_or(i64::MAX));
        }
    }

    /// A number for a new connection.
    pub(super) fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A place for a new connection; none when all are taken.
    pub(super) fn place(&self, config: &ListenerConfig) -> Option<Place> {
        self.places.take(config)
    }
}

fn concerns(config: &ListenerConfig, inbound_only: bool) -> bool {
    !inbound_only || config.direction == Direction::Inbound
}

/// The sockets that a listener wants.
fn wanted(config: &ListenerConfig) -> &[Bind] {
    if config.bind_to_port { &config.binds } else { &[] }
}

/// Binds all addresses of a listener, a socket for each worker.
fn open(config: &ListenerConfig, workers: usize) -> Result<Sockets, String> {
    let mut sockets = Sockets::default();
    sockets.binds = wanted(config).to_vec();
    for bind in wanted(config) {
        let opened = bind.open(workers).map_err(|error| format!("cannot bind '{}': {error}", bind.address))?;
        let own = opened.sockets.into_iter().enumerate();
        sockets.open.extend(own.map(|(worker, socket)| (worker, opened.address.clone(), socket)));
        sockets.addresses.push(opened.address);
        sockets.pipes.extend(opened.pipe);
    }
    Ok(sockets)
}
