//! The proxies that are connected, and their resources. Proxies that see the same share them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::State;
use super::served::Served;
use crate::control_plane::node::Claim;
use crate::ir::{Identity, Mesh};
use crate::xds::{Change, Interception, Node, Snapshot, update, xds};

/// Who a proxy says that it is, and what of that is proven.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// What it says.
    pub claim: Claim,
    /// The identity of its certificate or token; none on listeners that ask for none.
    pub proven: Option<Identity>,
}

/// All connected proxies.
#[derive(Debug, Default)]
pub(super) struct Proxies(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    next: u64,
    proxies: BTreeMap<u64, Arc<Proxy>>,
    classes: HashMap<Class, Arc<OnceLock<Arc<Snapshot>>>>,
}

#[derive(Debug)]
struct Proxy {
    claimed: Claimed,
    served: watch::Sender<Arc<Served>>,
}

/// What resources depend on: proxies of one class get the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Class(String);

impl Class {
    fn of(mesh: &Mesh, node: &Node) -> Self {
        let mut text = format!("{:?} {} {:?} {}", node.kind, node.workload.key, node.gateway, node.version);
        if node.workload.origin.is_default() {
            text.push_str(&format!(" {:?}", node.workload));
        }
        if node.interception != Interception::Redirect {
            text.push_str(&format!(" {:?} {:?}", node.addresses, node.interception));
        }
        // Patches may ask for anything that a proxy says of itself.
        if !mesh.patches.is_empty() {
            text.push_str(&format!(" {} {}", node.id, node.metadata));
        }
        Self(text)
    }
}

/// A proxy's place among the connected ones; dropped when it leaves.
#[derive(Debug)]
pub struct Subscription {
    number: u64,
    served: watch::Receiver<Arc<Served>>,
    inner: Arc<Mutex<Inner>>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.inner.lock().proxies.remove(&self.number);
    }
}

impl Subscription {
    /// What the proxy is to have now; it counts as seen.
    pub fn now(&mut self) -> Arc<Served> {
        Arc::clone(&self.served.borrow_and_update())
    }

    /// Waits until the proxy is to have something else than it has seen; false when that cannot come any more.
    pub async fn changed(&mut self) -> bool {
        self.served.changed().await.is_ok()
    }
}

impl Proxies {
    /// Adds a proxy. The caller keeps the state from changing meanwhile.
    pub fn add(&self, state: &State, claimed: Claimed) -> Subscription {
        let mesh = &state.mesh;
        let node = claimed.claim.resolve(mesh, claimed.proven.as_ref());
        let class = Class::of(mesh, &node);
        let cell = Arc::clone(self.0.lock().classes.entry(class).or_default());
        let snapshot = Arc::clone(cell.get_or_init(|| Arc::new(xds(mesh, &node))));
        let served = Arc::new(Served { state: state.number, node, layers: vec![snapshot] });
        let (sender, receiver) = watch::channel(served);
        let mut inner = self.0.lock();
        let number = inner.next;
        inner.next += 1;
        inner.proxies.insert(number, Arc::new(Proxy { claimed, served: sender }));
        Subscription { number, served: receiver, inner: Arc::clone(&self.0) }
    }

    /// Gives every proxy what a change means for it. The caller keeps proxies from coming meanwhile.
    pub fn change(&self, number: u64, mesh: &Mesh, change: &Change) {
        let (proxies, old) = {
            let mut inner = self.0.lock();
            let proxies: Vec<_> = inner.proxies.values().cloned().collect();
            (proxies, std::mem::take(&mut inner.classes))
        };
        let resolved: Vec<(Arc<Proxy>, Node, Class)> = proxies
            .into_iter()
            .map(|proxy| {
                let node = proxy.claimed.claim.resolve(mesh, proxy.claimed.proven.as_ref());
                let class = Class::of(mesh, &node);
                (proxy, node, class)
            })
            .collect();
        let mut classes: HashMap<Class, Arc<OnceLock<Arc<Snapshot>>>> = HashMap::new();
        let mut work = Vec::new();
        for (_, node, class) in &resolved {
            if !classes.contains_key(class) {
                let cell = Arc::new(OnceLock::new());
                classes.insert(class.clone(), Arc::clone(&cell));
                work.push((node, old.get(class).and_then(|old| old.get()), cell));
            }
        }
        in_parallel(&work, |(node, old, cell)| {
            cell.get_or_init(|| renew(mesh, node, *old, change));
        });
        for (proxy, node, class) in resolved {
            if let Some(snapshot) = classes.get(&class).and_then(|cell| cell.get()) {
                let served = Served { state: number, node, layers: vec![Arc::clone(snapshot)] };
                proxy.served.send_replace(Arc::new(served));
            }
        }
        self.0.lock().classes = classes;
    }
}

/// The resources of a class after a change; the same ones when they are equal.
fn renew(mesh: &Mesh, node: &Node, old: Option<&Arc<Snapshot>>, change: &Change) -> Arc<Snapshot> {
    let Some(old) = old else { return Arc::new(xds(mesh, node)) };
    let new = update(mesh, node, old, change);
    if new == **old { Arc::clone(old) } else { Arc::new(new) }
}

/// Does all of the work, on as many threads as there are CPUs.
fn in_parallel<T: Sync>(work: &[T], each: impl Fn(&T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(work.len());
    if threads < 2 {
        return work.iter().for_each(each);
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(one) = work.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    each(one);
                }
            });
        }
    });
}
