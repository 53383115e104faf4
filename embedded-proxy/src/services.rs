//! What the parts of a running proxy share: stats, clusters, secrets, routes, workers.

use std::cell::Cell;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use tokio::runtime::Handle;

use crate::bootstrap::{Node, Runtime};
use crate::cluster::{Clusters, LoadAssignment};
use crate::listener::Listeners;
use crate::proto::Typed;
use crate::route::{RouteTable, Scopes};
use crate::server::{Life, ServerStats};
use crate::telemetry::access_log::Files;
use crate::telemetry::stats::{Scope, Stats};
use crate::tls::Secret;
use crate::xds::{Store, Topic};

/// Shared by everything that runs.
#[derive(Debug)]
pub struct Services {
    /// Who this proxy is.
    pub node: Node,
    /// All stats.
    pub stats: Stats,
    /// All clusters by name.
    pub clusters: Clusters,
    /// All listeners by name.
    pub listeners: Listeners,
    /// Endpoints by service name (EDS).
    pub endpoints: Topic<LoadAssignment>,
    /// Route tables by name (RDS).
    pub routes: Topic<RouteTable>,
    /// Scopes of route tables (SRDS), all of one place under one name.
    pub scopes: Topic<Scopes>,
    /// Certificates and trusted roots by name (SDS and static ones).
    pub secrets: Topic<Secret>,
    /// Configurations of HTTP filters by name (ECDS): the opened message, which a chain builds its own filter from.
    pub extensions: Topic<Typed>,
    /// All resources as they were delivered, for dumps.
    pub store: Store,
    /// Static runtime of the bootstrap.
    pub runtime: Runtime,
    /// Files and streams that access logs go to.
    pub log_files: Files,
    /// How far the proxy's life is, and what is asked of it.
    pub life: Life,
    server_stats: OnceLock<ServerStats>,
    /// The threads that serve connections.
    pub workers: Workers,
    /// The runtime for everything that is not a connection: health checks, DNS, xDS, admin.
    pub main: Handle,
}

impl Services {
    /// Nothing configured yet. `workers` serve connections, `main` runs everything else.
    pub fn new(node: Node, runtime: Runtime, workers: Workers, main: Handle) -> Self {
        Self {
            node,
            stats: Stats::default(),
            clusters: Clusters::default(),
            listeners: Listeners::default(),
            endpoints: Topic::default(),
            routes: Topic::default(),
            scopes: Topic::default(),
            secrets: Topic::default(),
            extensions: Topic::default(),
            store: Store::default(),
            runtime,
            log_files: Files::default(),
            life: Life::default(),
            server_stats: OnceLock::new(),
            workers,
            main,
        }
    }

    /// Stats of the process. They are made when they are first asked for, after the store is configured.
    pub fn server_stats(&self) -> &ServerStats {
        self.server_stats.get_or_init(|| ServerStats::new(self))
    }
}

/// What a constructor gets: the services, and the scope under which its stats go.
#[derive(Debug, Clone)]
pub struct Build {
    /// The services.
    pub services: Arc<Services>,
    /// Scope of the thing that is being built.
    pub scope: Scope,
}

/// Worker threads, each with a runtime of its own: a connection stays on the worker that accepted it.
#[derive(Debug, Clone)]
pub struct Workers(Arc<[Handle]>);

impl Workers {
    /// Workers that run on these runtimes.
    pub fn new(handles: impl IntoIterator<Item = Handle>) -> Self {
        Self(handles.into_iter().collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Runs a future on worker `number`.
    pub fn spawn<F>(&self, number: usize, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0[number % self.0.len()].spawn(future)
    }
}

thread_local! {
    static WORKER: Cell<usize> = const { Cell::new(0) };
}

/// Number of the worker that runs this thread, below [`Workers::count`]. Pools are kept apart by it. Threads that are no
/// workers count as worker 0.
pub fn worker() -> usize {
    WORKER.get()
}

/// Says that this thread is worker `number`; its runtime's thread calls it first.
pub fn become_worker(number: usize) {
    WORKER.set(number);
}

/// Services without clusters, for tests; needs a runtime.
#[cfg(test)]
pub(crate) fn for_tests() -> Build {
    for_tests_of(Node::default())
}

/// The same for a node.
#[cfg(test)]
pub(crate) fn for_tests_of(node: Node) -> Build {
    let main = Handle::current();
    let services = Services::new(node, Runtime::default(), Workers::new([main.clone()]), main);
    let scope = Scope::root(&services.stats);
    Build { services: Arc::new(services), scope }
}
