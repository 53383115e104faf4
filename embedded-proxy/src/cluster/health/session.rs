//! The checks of one host, again and again, and the table of all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::cluster::assignment::{Endpoint, EndpointAddress, Metadata};
use crate::cluster::host::flag;
use crate::cluster::{Cluster, Host};
use crate::net::Address;
use crate::net::Io;
use crate::telemetry::stats::Scope;

use super::Checked;
use super::config::{CheckKind, HealthConfig};
use super::state::{State, Transition, pause, spread};
use super::stats::HealthStats;
use super::wire::Wire;

/// The checks of a cluster.
#[derive(Debug)]
pub struct Checker {
    config: HealthConfig,
    stats: HealthStats,
    sessions: Mutex<BTreeMap<usize, Session>>,
}

#[derive(Debug)]
struct Session {
    host: Arc<Host>,
    task: JoinHandle<()>,
    /// Tells the session that live traffic found the host unwell.
    passive: Arc<Notify>,
    checked: bool,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key(host: &Arc<Host>) -> usize {
    Arc::as_ptr(host) as usize
}

impl Checker {
    /// Checks that count under the scope of a cluster.
    pub fn new(config: &HealthConfig, scope: &Scope) -> Self {
        Self { config: config.clone(), stats: HealthStats::new(scope), sessions: Mutex::default() }
    }

    /// Flags of a host that was not checked yet.
    pub fn initial_flags(&self) -> u32 {
        if self.config.ignore_new { flag::FAILED_ACTIVE_HC | flag::PENDING_ACTIVE_HC } else { flag::FAILED_ACTIVE_HC }
    }

    /// Whether every host was checked once.
    pub fn is_settled(&self) -> bool {
        self.sessions.lock().values().all(|session| session.checked)
    }

    /// Ends all checks.
    pub fn stop(&self) {
        self.sessions.lock().clear();
    }

    /// Live traffic says that a host is not well: it fails at once and is out of all counts until it passes a check.
    pub fn fail(&self, host: &Arc<Host>) {
        if let Some(session) = self.sessions.lock().get(&key(host)) {
            host.set(flag::EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
            session.passive.notify_one();
        }
    }

    fn checked(&self, host: &Arc<Host>) {
        if let Some(session) = self.sessions.lock().get_mut(&key(host)) {
            session.checked = true;
        }
    }
}

/// Starts the checks of hosts that have none yet, and ends those of hosts that are gone.
pub fn start(cluster: &Arc<Cluster>, checker: &Checker, hosts: &[Arc<Host>]) {
    let mut sessions = checker.sessions.lock();
    let now: BTreeMap<usize, &Arc<Host>> =
        hosts.iter().filter(|host| !host.check.disabled).map(|host| (key(host), host)).collect();
    sessions.retain(|key, _| now.contains_key(key));
    for (key, host) in now {
        sessions.entry(key).or_insert_with(|| {
            let passive = Arc::new(Notify::new());
            let run = run(Arc::downgrade(cluster), host.clone(), passive.clone());
            Session { host: host.clone(), task: cluster.spawn(run), passive, checked: false }
        });
    }
    let hosts: Vec<Arc<Host>> = sessions.values().map(|session| session.host.clone()).collect();
    drop(sessions);
    checker.stats.show(&hosts);
}

/// Where the connections of a host's checks go: the host itself, or a stand-in at another address or with other metadata.
fn target(host: &Arc<Host>, config: &HealthConfig) -> Arc<Host> {
    let check = &host.check;
    let other = check.address.as_ref().and_then(EndpointAddress::known);
    let mut address = other.unwrap_or(&host.address).clone();
    if let (Address::Ip(socket), Some(port)) =
        (&mut address, (check.port != 0).then_some(check.port).or(config.alt_port))
    {
        socket.set_port(port);
    }
    if address == host.address && config.match_criteria.is_none() {
        return host.clone();
    }
    let mut metadata: Metadata = Metadata::clone(&host.metadata());
    if let Some(criteria) = &config.match_criteria {
        metadata.insert("envoy.transport_socket_match".into(), criteria.clone());
    }
    let endpoint = Endpoint { hostname: host.hostname.clone(), metadata: Arc::new(metadata), ..Endpoint::at(address) };
    Host::new(&endpoint, &host.locality, 0).map_or_else(|| host.clone(), Arc::new)
}

/// A connection kept between checks.
enum Kept {
    Http(Wire),
    Tcp(Io),
}

async fn run(cluster: Weak<Cluster>, host: Arc<Host>, passive: Arc<Notify>) {
    let Some(config) = cluster.upgrade().and_then(|cluster| cluster.settings.health.clone()) else { return };
    let mut state = State::new(host.has(flag::FAILED_ACTIVE_HC));
    let mut kept = None;
    if !config.initial_jitter.is_zero() {
        sleep(spread(&config, std::time::Duration::ZERO, config.initial_jitter, fastrand::u64(..))).await;
    }
    loop {
        let Some(strong) = cluster.upgrade() else { return };
        let Some(checker) = strong.checker() else { return };
        checker.stats.attempt.inc();
        let asked = timeout(config.timeout, ask(&strong, checker, &host, &config, &mut kept)).await;
        let (checked, at_once) = asked.unwrap_or((Checked::Timeout, false));
        if !config.reuse || matches!(checked, Checked::Network | Checked::Timeout) {
            kept = None;
        }
        if at_once {
            host.set(flag::EXCLUDED_VIA_IMMEDIATE_HC_FAIL);
        }
        let mut transition = finish(&strong, checker, &host, &mut state, checked);
        let mut well = matches!(checked, Checked::Well | Checked::Degraded);
        let mut wait = pause(&config, well, transition, strong.had_traffic(), fastrand::u64(..));
        drop(strong);
        while timeout(wait, passive.notified()).await.is_ok() {
            let Some(strong) = cluster.upgrade() else { return };
            let Some(checker) = strong.checker() else { return };
            (transition, well) = (finish(&strong, checker, &host, &mut state, Checked::Passive), false);
            wait = pause(&config, well, transition, strong.had_traffic(), fastrand::u64(..));
        }
    }
}

/// Counts a result and lets the cluster follow it.
fn finish(
    cluster: &Arc<Cluster>,
    checker: &Checker,
    host: &Arc<Host>,
    state: &mut State,
    checked: Checked,
) -> Transition {
    let stats = &checker.stats;
    match checked {
        Checked::Well | Checked::Degraded => stats.success.inc(),
        _ => stats.failure.inc(),
    }
    match checked {
        Checked::Network | Checked::Timeout => stats.network_failure.inc(),
        Checked::Passive => stats.passive_failure.inc(),
        _ => {}
    }
    let transition = state.note(host, checked, &checker.config);
    checker.checked(host);
    let well = matches!(checked, Checked::Well | Checked::Degraded);
    cluster.host_checked(host, well, transition == Transition::Changed);
    if transition == Transition::Changed {
        stats.show(&cluster.hosts());
    }
    transition
}

async fn ask(
    cluster: &Arc<Cluster>,
    checker: &Checker,
    host: &Arc<Host>,
    config: &HealthConfig,
    kept: &mut Option<Kept>,
) -> (Checked, bool) {
    let http2 = match &config.kind {
        CheckKind::Http(check) => Some(check.http2),
        CheckKind::Grpc(_) => Some(true),
        CheckKind::Tcp(_) => None,
    };
    let usable = match kept {
        Some(Kept::Http(wire)) => wire.is_open(),
        Some(Kept::Tcp(_)) => true,
        None => false,
    };
    let target = target(host, config);
    if !usable {
        let alpn = (!config.alpn.is_empty()).then_some(config.alpn.as_slice());
        let Ok(io) = cluster.connect_uncounted(&target, alpn, http2).await else {
            return (Checked::Network, false);
        };
        let fresh = match http2 {
            Some(http2) => match Wire::begin(io, http2, &cluster.upstream.http.http2).await {
                Ok(wire) => Kept::Http(wire),
                Err(failed) => return (failed, false),
            },
            None => Kept::Tcp(io),
        };
        *kept = Some(fresh);
    }
    let authority = |own: &str| {
        let named = [host.check.hostname.as_str(), own].into_iter().find(|name| !name.is_empty());
        named.unwrap_or(&cluster.name).to_string()
    };
    let scheme = if cluster.upstream.transports.choose(&target).connector.is_tls() { "https" } else { "http" };
    match (&config.kind, &mut *kept) {
        (CheckKind::Http(check), Some(Kept::Http(wire))) => {
            check.ask(wire, &authority(&check.host), scheme, || checker.stats.verify_cluster.inc()).await
        }
        (CheckKind::Grpc(check), Some(Kept::Http(wire))) => {
            (check.ask(wire, &authority(&check.authority), scheme).await, false)
        }
        (CheckKind::Tcp(check), Some(Kept::Tcp(io))) => {
            let checked = check.ask(io).await;
            if check.is_connect_only() {
                *kept = None;
            }
            (checked, false)
        }
        _ => (Checked::Network, false),
    }
}
