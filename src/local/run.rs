//! A running local mesh: control plane, proxies, applications; it follows the directory and stops as a whole.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use embedded_proxy::server::Stage;
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use super::app::App;
use super::authority::Signer;
use super::behaviour::{self, Behaviour};
use super::door::Door;
use super::pod::Pod;
use super::proxy::{self, Proxy};
use super::slot::Slot;
use super::world::World;
use crate::control_plane::ads::Ads;
use crate::control_plane::ca::{Authority, CaError};
use crate::control_plane::engine::{self, Engine, StartError};
use crate::control_plane::metrics::Metrics;
use crate::control_plane::server::{ListenError, bind_plain, serve_plain};
use crate::control_plane::source::Directory;
use crate::dialects::model;
use crate::ir::{Enrolment, Key};

/// How long proxies have to become ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a local mesh is made of.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and directories with manifests.
    pub paths: Vec<PathBuf>,
    /// How they are read.
    pub model: model::Options,
}

/// Why a local mesh does not start.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The manifests.
    #[error(transparent)]
    Source(#[from] StartError),
    /// The control plane's listener.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// No networks.
    #[error("no loopback addresses for the mesh")]
    Addresses(#[source] std::io::Error),
    /// The mesh's certificates.
    #[error(transparent)]
    Authority(#[from] CaError),
    /// Nothing would run.
    #[error(
        "the manifests declare no workload: no Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or Pod with labels"
    )]
    Empty,
}

/// A running local mesh.
#[derive(Debug)]
pub struct Local {
    /// The control plane's engine.
    pub engine: Arc<Engine>,
    /// What applications share.
    pub world: Arc<World>,
    /// Address of the control plane.
    pub control_plane: SocketAddr,
    /// What was read.
    pub paths: Vec<PathBuf>,
    slot: Slot,
    authority: Arc<Authority>,
    running: Mutex<BTreeMap<Key, Running>>,
    events: UnboundedSender<String>,
    /// Serves the control plane; ends with this.
    tasks: Mutex<JoinSet<()>>,
}

/// What runs for one workload.
#[derive(Debug)]
struct Running {
    pod: Arc<Pod>,
    behaviour: Behaviour,
    app: Option<App>,
    proxy: Option<Proxy>,
    doors: Vec<Door>,
}

/// What runs for one workload, as others see it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The pod.
    pub pod: Arc<Pod>,
    /// Its proxy takes traffic.
    pub ready: bool,
    /// For gateways: the address on this machine, and the port of the gateway behind it.
    pub doors: Vec<(SocketAddr, u16)>,
}

impl Local {
    /// Starts everything, and waits until all proxies are ready or had time enough. What happens later is told to `events`.
    pub async fn start(options: Options, events: UnboundedSender<String>) -> Result<Arc<Self>, RunError> {
        let slot = Slot::claim().map_err(RunError::Addresses)?;
        let source = Directory::new(options.paths.clone());
        let engine_options =
            engine::Options { model: options.model, plan: Some(slot.plan()), ..engine::Options::default() };
        let engine = Engine::start(engine_options, Box::new(source)).await?;
        let listener = bind_plain(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0)).await?;
        let control_plane = listener.local_addr().map_err(RunError::Addresses)?;
        let mesh = Arc::clone(&engine.state().mesh);
        let authority = Arc::new(Authority::in_memory(&mesh.settings.trust_domain)?);
        let local = Arc::new(Self {
            world: Arc::new(World::new(mesh, slot.nameless())),
            engine,
            control_plane,
            paths: options.paths,
            slot,
            authority,
            running: Mutex::default(),
            events,
            tasks: Mutex::default(),
        });
        let ads = Ads::new(Arc::clone(&local.engine), Arc::new(Metrics::default()));
        local.tasks.lock().spawn(async move {
            let _ = serve_plain(listener, ads, None).await;
        });
        if local.reconcile().await == 0 {
            local.stop().await;
            return Err(RunError::Empty);
        }
        local.settle().await;
        let follower = follow(Arc::downgrade(&local), local.engine.states());
        local.tasks.lock().spawn(follower);
        Ok(local)
    }

    /// What runs, by workload.
    pub fn pods(&self) -> BTreeMap<Key, Seen> {
        let running = self.running.lock();
        let seen = running.iter().map(|(key, one)| {
            let ready = one.proxy.as_ref().is_none_or(|proxy| proxy.server.ready());
            let doors = one.doors.iter().map(|door| (door.address, door.port)).collect();
            (key.clone(), Seen { pod: Arc::clone(&one.pod), ready, doors })
        });
        seen.collect()
    }

    /// The workload of a name: `NAME` or `NAMESPACE/NAME`.
    pub fn find(&self, name: &str) -> Result<Arc<Pod>, String> {
        let running = self.running.lock();
        let fits = |key: &Key| match name.split_once('/') {
            Some((namespace, name)) => *key.namespace == *namespace && *key.name == *name,
            None => &*key.name == name,
        };
        let mut found = running.iter().filter(|(key, _)| fits(key)).map(|(_, one)| &one.pod);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(Arc::clone(one)),
            (None, _) => {
                let names: Vec<String> = running.keys().map(|key| key.name.to_string()).collect();
                Err(format!("there is no workload {name}; there are {}", names.join(", ")))
            }
            (Some(_), Some(_)) => Err(format!("several namespaces have a workload {name}: say NAMESPACE/{name}")),
        }
    }

    /// Starts what is to run and does not, ends what runs and is not to; gives how many are to run.
    async fn reconcile(&self) -> usize {
        let mesh = Arc::clone(&self.engine.state().mesh);
        self.world.set_mesh(Arc::clone(&mesh));
        let wanted = Pod::all(&mesh, &self.slot);
        let mut behaviours = self.engine.with_model(behaviour::of_model);
        let mut ending = Vec::new();
        let count = wanted.len();
        {
            let mut running = self.running.lock();
            let gone: Vec<Key> = running
                .iter()
                .filter(|(key, one)| wanted.get(*key).is_none_or(|pod| !pod.runs_as(&one.pod)))
                .map(|(key, _)| key.clone())
                .collect();
            ending.extend(gone.iter().filter_map(|key| running.remove(key)));
        }
        // Their addresses may be wanted by others.
        end(ending).await;
        for (key, pod) in wanted {
            let behaviour = behaviours.remove(&key).unwrap_or_else(|| behaviour::of_bookinfo(pod.app(), pod.version()));
            let mut running = self.running.lock();
            match running.get_mut(&key) {
                Some(one) if one.behaviour == behaviour && one.pod.ports == pod.ports => {}
                Some(one) => {
                    one.app = None;
                    one.pod = Arc::new(pod);
                    one.app = Some(self.app(&one.pod, &behaviour));
                    one.behaviour = behaviour;
                }
                None => {
                    let pod = Arc::new(pod);
                    let app = (!pod.ports.is_empty()).then(|| self.app(&pod, &behaviour));
                    let proxy = if pod.has_proxy() { self.proxy(&pod) } else { None };
                    running.insert(key, Running { pod, behaviour, app, proxy, doors: Vec::new() });
                }
            }
        }
        count
    }

    fn app(&self, pod: &Arc<Pod>, behaviour: &Behaviour) -> App {
        let (app, problems) = App::start(pod, behaviour.clone(), Arc::clone(&self.world));
        for problem in problems {
            self.tell(problem);
        }
        app
    }

    fn proxy(&self, pod: &Pod) -> Option<Proxy> {
        let mesh = self.world.mesh();
        let signer = Signer { authority: Arc::clone(&self.authority), identity: pod.workload.identity.clone() };
        match proxy::start(pod, &mesh, self.control_plane, Arc::new(signer)) {
            Ok(proxy) => Some(proxy),
            Err(defects) => {
                for defect in defects {
                    self.tell(format!("{}: its proxy does not start: {}", pod.workload.key, defect.message));
                }
                None
            }
        }
    }

    /// Waits until all proxies are ready, then opens doors to gateways.
    async fn settle(&self) {
        let lives: Vec<(Key, Arc<embedded_proxy::services::Services>)> = {
            let running = self.running.lock();
            let proxies = running.iter().filter_map(|(key, one)| Some((key.clone(), one.proxy.as_ref()?)));
            proxies.map(|(key, proxy)| (key, Arc::clone(proxy.server.services()))).collect()
        };
        let end = tokio::time::Instant::now() + PATIENCE;
        for (key, services) in lives {
            if tokio::time::timeout_at(end, services.life.reached(Stage::Live)).await.is_err() {
                self.tell(format!("{key}: its proxy is not ready yet"));
            }
        }
        self.open_doors();
    }

    fn open_doors(&self) {
        let mut running = self.running.lock();
        for one in running.values_mut().filter(|one| one.pod.workload.enrolment == Enrolment::Gateway) {
            let Some(proxy) = &one.proxy else { continue };
            let bound = proxy.server.addresses().into_values().flatten().filter_map(|address| address.socket());
            for address in bound.filter(|address| address.ip() == one.pod.address) {
                if one.doors.iter().all(|door| door.port != address.port()) {
                    match Door::open(address) {
                        Ok(door) => one.doors.push(door),
                        Err(error) => self.tell(format!("{}: no port of this machine: {error}", one.pod.workload.key)),
                    }
                }
            }
        }
    }

    fn tell(&self, event: String) {
        // Whoever does not listen any more is ending.
        let _ = self.events.send(event);
    }

    /// Ends everything; when it returns, no listener and no thread of it is left.
    pub async fn stop(&self) {
        let running: Vec<Running> = std::mem::take(&mut *self.running.lock()).into_values().collect();
        end(running).await;
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        tasks.shutdown().await;
    }
}

/// Ends applications and proxies, which waits for their threads.
async fn end(running: Vec<Running>) {
    let mut ends = JoinSet::new();
    for one in running {
        ends.spawn_blocking(move || drop(one));
    }
    while ends.join_next().await.is_some() {}
}

/// Follows the states of the engine for as long as there is a mesh.
async fn follow(local: std::sync::Weak<Local>, mut states: tokio::sync::watch::Receiver<u64>) {
    states.mark_unchanged();
    while states.changed().await.is_ok() {
        let Some(local) = local.upgrade() else { return };
        local.reconcile().await;
        local.settle().await;
        local.tell("the manifests changed and are in force".to_owned());
    }
}
