//! `envoy.filters.network.tcp_proxy`: a connection's bytes go to a host of a cluster, opaque.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;
use twox_hash::XxHash64;

use super::Session;
use super::tunnel::{Tunneling, refused};
use crate::cluster::pool::{ConnectFacts, SendOptions};
use crate::cluster::{Choice, Cluster, Host, Outcome, UpstreamError, UpstreamErrorKind, read_metadata};
use crate::http::Headers;
use crate::net::{Drain, Io};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::{Connection, Flag};
use crate::tcp::{End, Limits, Relay};
use crate::telemetry::access_log::AccessLogs;
use crate::telemetry::format::{FormatContext, LogType};
use crate::telemetry::stats::{Counter, Gauge, Scope};

/// Envoy's default of `idle_timeout`.
const IDLE: Duration = Duration::from_secs(3600);

/// Filter state that turns the tunnel off for a connection.
const NO_TUNNEL: &str = "envoy.tcp_proxy.disable_tunneling";

/// A cluster that connections go to.
#[derive(Debug, Clone, PartialEq)]
struct Destination {
    cluster: Arc<str>,
    weight: u32,
    /// Keys and values under `envoy.lb` that hosts must have.
    subset: Vec<(String, Value)>,
}

/// A TCP proxy: shared by all connections of its filter chain.
pub struct TcpProxy {
    destinations: Vec<Destination>,
    idle: Option<Duration>,
    max_duration: Option<Duration>,
    attempts: u32,
    hash_source: bool,
    tunneling: Option<Tunneling>,
    logs: AccessLogs,
    log_connected: bool,
    services: Arc<Services>,
    stats: TcpStats,
}

/// Without the services, in which everything hangs together.
impl fmt::Debug for TcpProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpProxy")
            .field("destinations", &self.destinations)
            .field("tunneling", &self.tunneling)
            .finish_non_exhaustive()
    }
}

struct TcpStats {
    total: Arc<Counter>,
    active: Arc<Gauge>,
    no_route: Arc<Counter>,
    sent: Arc<Counter>,
    received: Arc<Counter>,
    idle_timeout: Arc<Counter>,
    max_duration: Arc<Counter>,
}

impl TcpStats {
    fn new(scope: &Scope) -> Self {
        Self {
            total: scope.counter("downstream_cx_total"),
            active: scope.gauge("downstream_cx_active"),
            no_route: scope.counter("downstream_cx_no_route"),
            sent: scope.counter("downstream_cx_tx_bytes_total"),
            received: scope.counter("downstream_cx_rx_bytes_total"),
            idle_timeout: scope.counter("idle_timeout"),
            max_duration: scope.counter("max_downstream_connection_duration"),
        }
    }
}

impl TcpProxy {
    /// The clusters that connections go to, each with its part of them.
    pub(crate) fn shares(&self) -> impl Iterator<Item = (&str, f64)> {
        let total: u64 = self.destinations.iter().map(|one| u64::from(one.weight)).sum();
        #[allow(clippy::cast_precision_loss, reason = "weights are 32-bit numbers")]
        let part = move |weight: u32| f64::from(weight) / total.max(1) as f64;
        self.destinations.iter().map(move |one| (&*one.cluster, part(one.weight)))
    }

    /// Reads the message. None: a defect was noted. What is not taken here (clusters on demand, ...) is a
    /// defect by that.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let prefix = reader.need_text("stat_prefix");
        let destinations = destinations(reader);
        let logs = AccessLogs::read(&reader.list("access_log"), build);
        let options = reader.message("access_log_options");
        let log_connected = reader.flag("flush_access_log_on_connected")
            || options.is_some_and(|options| options.flag("flush_access_log_on_connected"));
        let policies: Vec<bool> = reader.list("hash_policy").iter().map(hash_source).collect();
        let idle = reader.duration("idle_timeout").map_or(Some(IDLE), |idle| (!idle.is_zero()).then_some(idle));
        let tunneling = match reader.message("tunneling_config") {
            Some(tunneling) => Tunneling::read(&tunneling).map(Some),
            None => Some(None),
        };
        let scope = Scope::root(&build.services.stats).tagged("tcp", "envoy_tcp_prefix", &prefix?);
        Some(Self {
            destinations: destinations?,
            idle,
            max_duration: reader.duration("max_downstream_connection_duration"),
            attempts: reader.u32("max_connect_attempts").unwrap_or(1).max(1),
            hash_source: policies.contains(&true),
            tunneling: tunneling?,
            logs: logs?,
            log_connected,
            services: build.services.clone(),
            stats: TcpStats::new(&scope),
        })
    }

    /// The destination of a connection, by weight.
    fn destination(&self, random: u64) -> &Destination {
        let total: u64 = self.destinations.iter().map(|destination| u64::from(destination.weight)).sum();
        let mut left = random % total.max(1);
        for destination in &self.destinations {
            let weight = u64::from(destination.weight);
            if left < weight {
                return destination;
            }
            left -= weight;
        }
        &self.destinations[0]
    }

    /// Joins the connection to a host and stays until both sides are done.
    pub async fn serve(&self, io: Io, mut session: Session, mut drain: Drain) {
        self.stats.total.inc();
        self.stats.active.add(1);
        let began = Instant::now();
        let connection = Arc::new(session.connection.clone());
        let connected = tokio::select! {
            connected = Box::pin(self.connect(&connection, &mut session)) => connected,
            () = drain.closed() => None,
        };
        if let Some(Upstream { io: upstream, host, trailers }) = connected {
            if self.log_connected {
                self.log(&session, LogType::TcpUpstreamConnected);
            }
            let mut relay = Relay::new(io, upstream);
            let limits = Limits { idle: self.idle, deadline: self.max_duration.map(|longest| began + longest) };
            let end = relay.run(limits, &mut drain).await;
            self.ended(end, relay.bytes(), &mut session);
            if let (Some(tunneling), Some(trailers)) = (&self.tunneling, trailers) {
                tunneling.ended(trailers.lock().as_ref(), &mut session);
            }
            drop(host);
        }
        self.stats.active.add(-1);
        session.info.response_sent = Some(Instant::now());
        for watcher in &session.watchers {
            watcher.ended(&session);
        }
        self.log(&session, LogType::TcpConnectionEnd);
    }

    /// A filter before this one closed the connection: it is logged all the same.
    pub(super) fn refused(&self, session: &Session) {
        self.log(session, LogType::TcpConnectionEnd);
    }

    fn log(&self, session: &Session, kind: LogType) {
        if !self.logs.is_empty() {
            let context = FormatContext { log_type: kind, ..FormatContext::new(&session.connection, &session.info) };
            self.logs.log(&context);
        }
    }

    fn ended(&self, end: End, (up, down): (u64, u64), session: &mut Session) {
        self.stats.received.add(up);
        self.stats.sent.add(down);
        let info = &mut session.info;
        (info.bytes_received, info.bytes_sent, info.upstream_bytes) = (up, down, (up, down));
        info.upstream_last = Some(Instant::now());
        match end {
            End::Done | End::Drained => {}
            End::Downstream(_) => info.flags.set(Flag::DownstreamConnectionTermination),
            End::Upstream(_) => info.flags.set(Flag::UpstreamConnectionTermination),
            End::Idle => {
                self.stats.idle_timeout.inc();
                info.flags.set(Flag::StreamIdleTimeout);
            }
            End::Duration => {
                self.stats.max_duration.inc();
                info.flags.set(Flag::DurationTimeout);
            }
        }
    }

    /// Connects to a host; flags say why there is none.
    async fn connect(&self, connection: &Arc<Connection>, session: &mut Session) -> Option<Upstream> {
        let random = fastrand::u64(..);
        let destination = self.destination(random);
        let name = session.cluster.clone().unwrap_or_else(|| destination.cluster.clone());
        let Some(cluster) = self.services.clusters.get(&name) else {
            self.stats.no_route.inc();
            session.info.flags.set(Flag::NoClusterFound);
            return None;
        };
        session.info.upstream.cluster = Some(cluster.name.clone());
        session.info.upstream.cluster_alt = Some(cluster.observability_name().clone());
        let hash = connection.remote.ip().filter(|_| self.hash_source);
        let hash = hash.map(|source| XxHash64::oneshot(0, source.to_string().as_bytes()));
        let choice = Choice {
            hash,
            subset: &destination.subset,
            original_dst: cluster.original_dst(None, connection),
            random,
            ..Choice::default()
        };
        for _ in 0..self.attempts {
            let Some(host) = cluster.pick(&Choice { random: fastrand::u64(..), ..choice }) else {
                session.info.flags.set(Flag::NoHealthyUpstream);
                return None;
            };
            if let Some(upstream) = self.attempt(&cluster, &host, connection, session).await {
                return Some(upstream);
            }
        }
        session.info.flags.set(Flag::UpstreamRetryLimitExceeded);
        None
    }

    async fn attempt(
        &self,
        cluster: &Arc<Cluster>,
        host: &Arc<Host>,
        connection: &Arc<Connection>,
        session: &mut Session,
    ) -> Option<Upstream> {
        session.info.attempts += 1;
        session.info.upstream_started = Some(Instant::now());
        session.info.upstream.host = Some(host.address.clone());
        let passed = connection.passed();
        let options = SendOptions { downstream: Some(connection), passed: passed.as_ref(), ..SendOptions::default() };
        let direct = connection.state.get(NO_TUNNEL).is_some_and(|value| value == "true");
        let connected = match self.tunneling.as_ref().filter(|_| !direct) {
            None => cluster.connect(host, &options).await.map(|(io, facts)| (Upstream::new(io, host), facts)),
            Some(tunneling) => tunnel(tunneling, cluster, host, &options, session).await,
        };
        match connected {
            Ok((upstream, facts)) => {
                cluster.report(host, Outcome::ConnectedFinally, None);
                note(session, host, facts);
                Some(upstream)
            }
            Err(error) => {
                if let Some(outcome) = Outcome::of(&error) {
                    cluster.report(host, outcome, None);
                }
                session.info.flags.set(match error.kind {
                    UpstreamErrorKind::Overflow => Flag::UpstreamOverflow,
                    _ => Flag::UpstreamConnectionFailure,
                });
                session.info.upstream.failure = Some(error.detail.replace([' ', '\t'], "_"));
                None
            }
        }
    }
}

/// What a connection is joined to.
struct Upstream {
    io: Io,
    host: Arc<Host>,
    /// Where the trailers of a tunnel's answer are put.
    trailers: Option<Arc<Mutex<Option<Headers>>>>,
}

impl Upstream {
    fn new(io: Io, host: &Arc<Host>) -> Self {
        let trailers = if let Io::Tunnel(tunnel) = &io { Some(tunnel.trailers()) } else { None };
        Self { io, host: host.clone(), trailers }
    }
}

async fn tunnel(
    tunneling: &Tunneling,
    cluster: &Arc<Cluster>,
    host: &Arc<Host>,
    options: &SendOptions<'_>,
    session: &mut Session,
) -> Result<(Upstream, ConnectFacts), UpstreamError> {
    let tunnelled = Box::pin(cluster.tunnel(host, tunneling.request(session, cluster), options)).await?;
    tunneling.answered(&tunnelled.head, session);
    let Some(io) = tunnelled.io else { return Err(refused(&tunnelled.head)) };
    session.held.extend(tunnelled.held);
    Ok((Upstream::new(io, host), tunnelled.facts))
}

fn note(session: &mut Session, host: &Host, facts: ConnectFacts) {
    let upstream = &mut session.info.upstream;
    upstream.hostname.clone_from(&host.hostname);
    upstream.metadata = Some(host.metadata());
    upstream.local = facts.local;
    upstream.tls = facts.tls;
}

fn destinations(reader: &Reader<'_>) -> Option<Vec<Destination>> {
    let common = subset(reader);
    if let Some(weighted) = reader.message("weighted_clusters") {
        let all: Vec<Option<Destination>> = weighted
            .list("clusters")
            .iter()
            .map(|one| {
                let mut own = common.clone();
                for (key, value) in subset(one) {
                    own.retain(|(other, _)| *other != key);
                    own.push((key, value));
                }
                own.sort_by(|(one, _), (other, _)| one.cmp(other));
                let cluster = one.need_text("name")?.into();
                Some(Destination { cluster, weight: one.u32("weight").unwrap_or(0), subset: own })
            })
            .collect();
        let all: Vec<Destination> = all.into_iter().collect::<Option<_>>()?;
        if all.iter().all(|destination| destination.weight == 0) {
            weighted.defect("clusters", "the weights must be at least 1");
            return None;
        }
        return Some(all);
    }
    if reader.choice("cluster_specifier").is_none() {
        reader.defect("cluster", "one of cluster and weighted_clusters must be set");
        return None;
    }
    Some(vec![Destination { cluster: reader.text("cluster").into(), weight: 1, subset: common }])
}

fn subset(reader: &Reader<'_>) -> Vec<(String, Value)> {
    match read_metadata(reader.message("metadata_match")).remove("envoy.lb") {
        Some(Value::Object(fields)) => {
            let mut all: Vec<(String, Value)> = fields.into_iter().collect();
            all.sort_by(|(one, _), (other, _)| one.cmp(other));
            all
        }
        _ => Vec::new(),
    }
}

/// Whether a hash policy is the client's address, the only one there is.
fn hash_source(reader: &Reader<'_>) -> bool {
    reader.message("source_ip").is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build};
    use crate::proto::{Defects, from_json};

    fn read(value: &Value, build: &Build) -> Result<TcpProxy, String> {
        let defects = Defects::new();
        let message = from_json("envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", value)?;
        let reader = Reader::new(message, "", &defects);
        let proxy = TcpProxy::read(&reader, build);
        drop(reader);
        defects.verdict(proxy).map_err(|defects| defects[0].to_string())
    }

    pub(crate) fn session() -> Session {
        let address = "127.0.0.1:1".parse().unwrap();
        Session::new(Connection::plain(address, address))
    }

    #[tokio::test]
    async fn bytes_go_to_a_host_and_back_after_failed_attempts() {
        let build = build();
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port();
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let hosts = [("127.0.0.1", closed, 1), ("127.0.0.1", port, 1)];
        apply(&json!({"name": "c", "load_assignment": assignment(&hosts)}), &build);
        let proxy = read(&json!({"stat_prefix": "p", "cluster": "c", "max_connect_attempts": 2}), &build).unwrap();
        let (mut client, io) = tokio::io::duplex(100);
        let serve = async {
            proxy.serve(Io::Memory(io), session(), Drain::never()).await;
        };
        let talk = async {
            client.write_all(b"hi").await.unwrap();
            client.shutdown().await.unwrap();
            let (mut accepted, _) = server.accept().await.unwrap();
            let mut got = String::new();
            accepted.read_to_string(&mut got).await.unwrap();
            accepted.write_all(got.to_uppercase().as_bytes()).await.unwrap();
            drop(accepted);
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let (answer, ()) = tokio::join!(talk, serve);
        assert_eq!(answer, "HI");
        assert_eq!((proxy.stats.received.value(), proxy.stats.sent.value(), proxy.stats.active.value()), (2, 2, 0));
    }

    #[tokio::test]
    async fn weights_and_subsets_are_read() {
        let build = build();
        let lb = |version: &str| json!({"filter_metadata": {"envoy.lb": {"version": version, "x": 1}}});
        let proxy = read(
            &json!({
                "stat_prefix": "p", "metadata_match": lb("v0"),
                "weighted_clusters": {"clusters": [
                    {"name": "a", "weight": 1, "metadata_match": {"filter_metadata": {"envoy.lb": {"version": "v1"}}}},
                    {"name": "b", "weight": 3},
                ]},
            }),
            &build,
        )
        .unwrap();
        let names: Vec<&str> = (0..4).map(|random| &*proxy.destination(random).cluster).collect();
        assert_eq!(names, ["a", "b", "b", "b"]);
        assert_eq!(proxy.destinations[0].subset, [("version".into(), json!("v1")), ("x".into(), json!(1.0))]);
        assert_eq!(proxy.destinations[1].subset[0].1, json!("v0"));
        assert!(read(&json!({"stat_prefix": "p"}), &build).unwrap_err().starts_with("cluster: "));
        let tunnel =
            json!({"stat_prefix": "p", "cluster": "a", "tunneling_config": {"hostname": "h:1", "post_path": "/"}});
        assert!(read(&tunnel, &build).unwrap_err().starts_with("tunneling_config.post_path"));
    }
}
