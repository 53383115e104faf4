//! Clusters whose hosts are looked up by name: every address a host (STRICT_DNS), or one host (LOGICAL_DNS).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::time::sleep;

use super::{DnsConfig, Lookup};
use crate::cluster::{Cluster, Endpoint, EndpointAddress, LoadAssignment};
use crate::services::Services;

/// Addresses of each name; none as long as the first lookup is on its way.
type Found = BTreeMap<String, Option<Vec<IpAddr>>>;

/// What the lookups of one cluster share.
#[derive(Debug)]
struct Names {
    cluster: Weak<Cluster>,
    assignment: LoadAssignment,
    config: DnsConfig,
    found: Mutex<Found>,
}

/// Starts a lookup for every name.
pub fn start(
    cluster: &Arc<Cluster>,
    assignment: &LoadAssignment,
    config: &DnsConfig,
    lookup: &Arc<dyn Lookup>,
    services: &Services,
) {
    let found: Found = assignment.names().map(|name| (name.to_string(), None)).collect();
    let list: Vec<String> = found.keys().cloned().collect();
    let names = Arc::new(Names {
        cluster: Arc::downgrade(cluster),
        assignment: assignment.clone(),
        config: config.clone(),
        found: Mutex::new(found),
    });
    if list.is_empty() {
        names.publish(cluster);
    }
    for name in list {
        cluster.keep(services.main.spawn(run(names.clone(), name, lookup.clone())));
    }
}

async fn run(names: Arc<Names>, name: String, lookup: Arc<dyn Lookup>) {
    let mut failures = 0;
    loop {
        let answer = lookup.lookup(&name, names.config.family).await;
        let Some(cluster) = names.cluster.upgrade() else { return };
        cluster.stats.update_attempt.inc();
        let mut ttl = None;
        match answer {
            Ok(answer) => {
                failures = 0;
                ttl = Some(answer.ttl);
                cluster.stats.update_success.inc();
                if answer.addresses.is_empty() {
                    cluster.stats.update_empty.inc();
                }
                names.found.lock().insert(name.clone(), Some(answer.addresses));
            }
            Err(error) => {
                failures += 1;
                tracing::warn!(cluster = %cluster.name, %name, %error, "a lookup failed; the last addresses stay");
                cluster.stats.update_failure.inc();
                // Warming does not wait for a name that cannot be looked up.
                names.found.lock().entry(name.clone()).or_default().get_or_insert_default();
            }
        }
        names.publish(&cluster);
        drop(cluster);
        sleep(names.config.pause(ttl, failures, fastrand::u64(..))).await;
    }
}

impl Names {
    /// Gives the cluster the addresses known so far; it is ready when every name was looked up once.
    fn publish(&self, cluster: &Arc<Cluster>) {
        let found = self.found.lock();
        let all = found.values().all(Option::is_some);
        let current = cluster.hosts().first().and_then(|host| host.address.ip());
        let resolved = resolve(&self.assignment, &found, self.config.logical, current);
        drop(found);
        if !cluster.assign(&resolved) {
            cluster.stats.update_no_rebuild.inc();
        }
        if all {
            cluster.found();
        }
    }
}

/// The assignment with addresses in place of names. A logical cluster keeps its `current` address as long as the name
/// has it.
fn resolve(assignment: &LoadAssignment, found: &Found, logical: bool, current: Option<IpAddr>) -> LoadAssignment {
    let mut resolved = assignment.clone();
    for group in &mut resolved.localities {
        group.endpoints =
            group.endpoints.iter().flat_map(|endpoint| expand(endpoint, found, logical, current)).collect();
    }
    resolved
}

fn expand(endpoint: &Endpoint, found: &Found, logical: bool, current: Option<IpAddr>) -> Vec<Endpoint> {
    let hostname = |name: &str| endpoint.hostname.clone().or_else(|| Some(name.into()));
    let (name, port) = match &endpoint.address {
        EndpointAddress::Name { host, port } => (host, *port),
        EndpointAddress::At(address) => {
            let name = address.ip().map_or_else(|| address.to_string(), |ip| ip.to_string());
            return vec![Endpoint { hostname: hostname(&name), ..endpoint.clone() }];
        }
    };
    let mut addresses = found.get(name).cloned().flatten().unwrap_or_default();
    if logical {
        let kept = current.filter(|current| addresses.contains(current)).or(addresses.first().copied());
        addresses = kept.into_iter().collect();
    }
    let at = |ip: IpAddr| Endpoint {
        address: EndpointAddress::At(SocketAddr::new(ip, port).into()),
        hostname: hostname(name),
        ..endpoint.clone()
    };
    addresses.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::time::Duration;

    use serde_json::{Value, json};
    use tokio::task::yield_now;
    use tokio::time::advance;

    use super::*;
    use crate::cluster::discovery::resolver::Pending;
    use crate::cluster::discovery::{Answer, Family};
    use crate::cluster::testing::{apply, assignment, build};
    use crate::services::Build;

    /// Answers from a list, one a lookup; the last one again and again.
    #[derive(Debug)]
    struct Script(Mutex<VecDeque<Result<Answer, String>>>);

    impl Lookup for Script {
        fn lookup<'l>(&'l self, _: &'l str, _: Family) -> Pending<'l> {
            let mut answers = self.0.lock();
            let answer = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            Box::pin(async move { answer.unwrap() })
        }
    }

    #[allow(clippy::unnecessary_wraps)] // Stands beside failures.
    fn answer(addresses: &[&str], ttl: u64) -> Result<Answer, String> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Ok(Answer { addresses, ttl: Duration::from_secs(ttl) })
    }

    fn scripted(answers: Vec<Result<Answer, String>>) -> Build {
        let build = build();
        build.services.clusters.set_lookup(Arc::new(Script(Mutex::new(answers.into()))));
        build
    }

    fn cluster(kind: &str) -> Value {
        json!({"name": "c", "type": kind, "respect_dns_ttl": true,
               "load_assignment": assignment(&[("example.com", 80, 1)])})
    }

    async fn settle() {
        for _ in 0..8 {
            yield_now().await;
        }
    }

    fn addresses(cluster: &Cluster) -> Vec<String> {
        cluster.hosts().iter().map(|host| host.address.to_string()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn every_address_is_a_host_and_the_last_ones_stay_on_failure() {
        let answers = vec![answer(&["10.0.0.1", "10.0.0.2"], 10), Err("timeout".into()), answer(&["10.0.0.2"], 10)];
        let build = scripted(answers);
        let cluster = apply(&cluster("STRICT_DNS"), &build);
        settle().await;
        assert!(cluster.is_ready());
        assert_eq!(addresses(&cluster), ["10.0.0.1:80", "10.0.0.2:80"]);
        let second = cluster.hosts()[1].clone();
        assert_eq!(second.hostname.as_deref(), Some("example.com"));
        advance(Duration::from_secs(11)).await;
        settle().await;
        assert_eq!((addresses(&cluster).len(), cluster.stats.update_failure.value()), (2, 1));
        advance(Duration::from_secs(6)).await;
        settle().await;
        assert_eq!(addresses(&cluster), ["10.0.0.2:80"]);
        assert!(Arc::ptr_eq(&second, &cluster.hosts()[0]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_logical_host_moves_only_when_it_must() {
        let answers = vec![
            answer(&["10.0.0.1", "10.0.0.2"], 10),
            answer(&["10.0.0.2", "10.0.0.1"], 10),
            answer(&["10.0.0.3"], 10),
        ];
        let build = scripted(answers);
        let cluster = apply(&cluster("LOGICAL_DNS"), &build);
        for expected in ["10.0.0.1:80", "10.0.0.1:80", "10.0.0.3:80"] {
            settle().await;
            assert_eq!(addresses(&cluster), [expected]);
            advance(Duration::from_secs(10)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_that_fails_does_not_hold_up_warming() {
        let build = scripted(vec![Err("refused".into())]);
        let cluster = apply(&cluster("STRICT_DNS"), &build);
        settle().await;
        assert!(cluster.is_ready() && cluster.hosts().is_empty());
    }
}
