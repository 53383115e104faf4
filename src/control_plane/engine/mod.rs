//! From a source to what each proxy is to have: the model, the mesh, what differs from the one before, and the resources of
//! every proxy that is connected.

mod debounce;
mod proxies;
mod served;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;

use super::source::{Guard, Piece, Source, SourceError};
use super::store::{Broken, Store};
use crate::dialects::lower::lower;
use crate::dialects::model::Options as ModelOptions;
use crate::ir::{AddressPlan, Mesh};
use crate::xds::Change;

pub use debounce::Debounce;
pub use proxies::{Claimed, Subscription};
pub use served::Served;

use proxies::Proxies;

/// How an engine works.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How texts are read.
    pub model: ModelOptions,
    /// Addresses for services and workloads that are only declared.
    pub plan: Option<AddressPlan>,
    /// How long changes are gathered.
    pub debounce: Debounce,
    /// Take objects with broken fields, as they come from a cluster that checked them before it knew better. The fields are
    /// left out in the way that widens no access.
    pub lenient: bool,
}

/// The mesh at one moment.
#[derive(Debug)]
pub struct State {
    /// Grows by one with each state.
    pub number: u64,
    /// The mesh.
    pub mesh: Arc<Mesh>,
    /// When it was made.
    pub since: SystemTime,
    /// What it took to make it and all resources that it changed.
    pub took: Duration,
}

/// Why an engine does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Some of what it has is broken, and there is nothing older that could be in force.
    #[error("{} of the mesh's files cannot be used", .0.len())]
    Broken(Vec<Broken>),
    /// The source ended before it told anything.
    #[error("the source of the configuration ended")]
    Ended,
}

/// The working engine. It ends when the last handle is dropped.
pub struct Engine {
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
    _guard: Guard,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("state", &self.state().number).finish_non_exhaustive()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the engine's task and its users share.
struct Shared {
    options: Options,
    store: Mutex<Store>,
    /// Held for reading while resources of a new proxy are made, for writing while the state changes.
    state: RwLock<Arc<State>>,
    states: watch::Sender<u64>,
    proxies: Proxies,
}

impl Engine {
    /// Reads the source and makes the first state.
    pub async fn start(options: Options, source: Box<dyn Source>) -> Result<Arc<Self>, StartError> {
        let (sender, mut pieces) = unbounded_channel();
        let guard = blocking(move || source.start(sender)).await?;
        let first = pieces.recv().await.ok_or(StartError::Ended)?;
        let shared = blocking(move || {
            let mut store = Store::new(options.model.clone(), options.lenient);
            let begun = Instant::now();
            store.apply(first);
            let broken: Vec<Broken> = store.broken().cloned().collect();
            if !broken.is_empty() {
                return Err(StartError::Broken(broken));
            }
            let mesh = Arc::new(lower(store.model(), options.plan.as_ref()));
            let state = State { number: 1, mesh, since: SystemTime::now(), took: begun.elapsed() };
            Ok(Shared {
                options,
                store: Mutex::new(store),
                state: RwLock::new(Arc::new(state)),
                states: watch::Sender::new(1),
                proxies: Proxies::default(),
            })
        })
        .await?;
        let shared = Arc::new(shared);
        let task = tokio::spawn(follow(Arc::clone(&shared), pieces));
        Ok(Arc::new(Self { shared, task, _guard: guard }))
    }

    /// The mesh now.
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.shared.state.read())
    }

    /// Numbers of states, as they come. When one is told, all proxies have what it means for them.
    pub fn states(&self) -> watch::Receiver<u64> {
        self.shared.states.subscribe()
    }

    /// Pieces of the source that are broken now.
    pub fn broken(&self) -> Vec<Broken> {
        self.shared.store.lock().broken().cloned().collect()
    }

    /// Looks at the model.
    pub fn with_model<T>(&self, look: impl FnOnce(&crate::dialects::model::Model) -> T) -> T {
        look(self.shared.store.lock().model())
    }

    /// Makes the resources of a proxy, and makes them again with each change that it sees, until the subscription is
    /// dropped.
    pub async fn subscribe(&self, claimed: Claimed) -> Subscription {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let state = shared.state.read();
            shared.proxies.add(&state, claimed)
        })
        .await
    }
}

/// Runs work that takes its time on a thread for such work.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        // The work panicked, or the runtime ends: so does this.
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => std::future::pending().await,
    }
}

async fn follow(shared: Arc<Shared>, mut pieces: UnboundedReceiver<Vec<Piece>>) {
    while let Some(changed) = shared.options.debounce.next(&mut pieces).await {
        let shared = Arc::clone(&shared);
        blocking(move || shared.take(changed)).await;
    }
}

impl Shared {
    /// Takes changed pieces, and when the mesh is another one, gives each proxy what that means for it.
    fn take(&self, pieces: Vec<Piece>) {
        let begun = Instant::now();
        let mut store = self.store.lock();
        let before: Vec<Broken> = store.broken().cloned().collect();
        let changed = store.apply(pieces);
        for broken in store.broken().filter(|broken| !before.contains(broken)) {
            let fate = if broken.older { "its older content stays in force" } else { "nothing of it is in force" };
            tracing::warn!(target: "meshctl::source", "{broken} ({fate})");
        }
        if !changed {
            return;
        }
        let old = Arc::clone(&self.state.read());
        let mut mesh = lower(store.model(), self.options.plan.as_ref());
        drop(store);
        mesh.reuse(&old.mesh);
        let change = Change::between(&old.mesh, &mesh);
        let mut current = self.state.write();
        let number = old.number + 1;
        let mesh = Arc::new(mesh);
        if !change.is_empty() {
            self.proxies.change(number, &mesh, &change);
        }
        *current = Arc::new(State { number, mesh, since: SystemTime::now(), took: begun.elapsed() });
        drop(current);
        tracing::info!(target: "meshctl::engine", state = number, took = ?begun.elapsed(), "{}", describe(&change));
        self.states.send_replace(number);
    }
}

fn describe(change: &Change) -> String {
    match (change.all, change.services.len(), change.endpoints.len()) {
        (true, ..) => "the mesh changed".to_owned(),
        (false, 0, 0) => "nothing that proxies see changed".to_owned(),
        (false, services, endpoints) => format!("{services} services changed, endpoints of {endpoints}"),
    }
}
