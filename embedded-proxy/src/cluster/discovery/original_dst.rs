//! Clusters that connect to where the client wanted to go.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderName;
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::cluster::{Cluster, Endpoint, Host, Locality, Metadata};
use crate::http::RequestHead;
use crate::proto::Reader;
use crate::route::read_key;
use crate::services::Services;
use crate::stream::{Connection, StreamInfo};
use crate::telemetry::stats::Counter;

/// Hosts that nothing used for this long are removed.
pub const CLEANUP: Duration = Duration::from_secs(5);

/// Filter state that says the address.
const STATE: &str = "envoy.network.transport_socket.original_dst_address";

/// Where the address comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct OriginalDstConfig {
    /// A request header that may say the address.
    pub header: Option<HeaderName>,
    /// Namespace and path of dynamic metadata that may say the address.
    pub metadata: Option<(String, Vec<String>)>,
    /// Replaces the port.
    pub port: Option<u16>,
    /// How often idle hosts are removed.
    pub cleanup: Duration,
}

impl OriginalDstConfig {
    /// The connection decides.
    pub fn new(cleanup: Duration) -> Self {
        Self { header: None, metadata: None, port: None, cleanup }
    }

    /// Reads `OriginalDstLbConfig` or `OriginalDstCluster`.
    pub fn read(reader: &Reader<'_>, cleanup: Duration) -> Self {
        let name = reader.opt_text("http_header_name");
        let name = name.unwrap_or_else(|| "x-envoy-original-dst-host".into());
        let mut header = None;
        if reader.flag("use_http_header") {
            header = HeaderName::from_bytes(name.as_bytes()).ok();
            if header.is_none() {
                reader.defect("http_header_name", format!("{name:?} is no header name"));
            }
        }
        let port = reader.number("upstream_port_override");
        if port.is_some_and(|port| port > 65535) {
            reader.defect("upstream_port_override", "must be at most 65535");
        }
        let metadata = reader.message("metadata_key").and_then(|key| read_key(&key));
        Self { header, metadata, port: port.and_then(|port| u16::try_from(port).ok()), cleanup }
    }

    /// The address that a request on a connection is for: that of the filter state, or else of the metadata, of the
    /// header, or the destination that was restored. What is no address counts as `invalid`, and the next source is
    /// asked.
    pub fn address(
        &self,
        exchange: Option<(&RequestHead, &StreamInfo)>,
        connection: &Connection,
        invalid: &Counter,
    ) -> Option<SocketAddr> {
        let parse = |text: &str| {
            let address = text.parse::<SocketAddr>().ok();
            if address.is_none() {
                invalid.inc();
            }
            address
        };
        let state = exchange.and_then(|(_, info)| info.state.get(STATE)).or_else(|| connection.state.get(STATE));
        let address = state
            .and_then(|text| text.parse().ok())
            .or_else(|| self.said_by_metadata(exchange, connection).and_then(parse))
            .or_else(|| {
                let (head, _) = exchange?;
                parse(head.headers.get(self.header.as_ref()?)?.to_str().unwrap_or_default())
            })
            .or_else(|| if connection.local_restored { connection.local.socket() } else { None })?;
        Some(SocketAddr::new(address.ip(), self.port.unwrap_or(address.port())))
    }

    /// The text in the metadata of the exchange or the connection; of a list the first one.
    fn said_by_metadata<'m>(
        &self,
        exchange: Option<(&'m RequestHead, &'m StreamInfo)>,
        connection: &'m Connection,
    ) -> Option<&'m str> {
        let (namespace, path) = self.metadata.as_ref()?;
        let text = |all: &'m Metadata| {
            let value = path.iter().try_fold(all.get(namespace)?, |value, key| value.get(key))?;
            value.as_array().map_or(Some(value), |list| list.first())?.as_str()
        };
        exchange.and_then(|(_, info)| text(&info.metadata)).or_else(|| text(&connection.metadata))
    }
}

/// The hosts seen so far.
#[derive(Debug, Default)]
pub struct OriginalDst {
    hosts: Mutex<BTreeMap<SocketAddr, Seen>>,
}

#[derive(Debug)]
struct Seen {
    host: Arc<Host>,
    used: AtomicBool,
}

impl OriginalDst {
    /// The host of an address, new when it was not seen before. True: it is new.
    pub fn host(&self, address: SocketAddr) -> Option<(Arc<Host>, bool)> {
        let mut hosts = self.hosts.lock();
        if let Some(seen) = hosts.get(&address) {
            seen.used.store(true, Ordering::Relaxed);
            return Some((seen.host.clone(), false));
        }
        let host = Arc::new(Host::new(&Endpoint::at(address), &Locality::default(), 0)?);
        hosts.insert(address, Seen { host: host.clone(), used: AtomicBool::new(true) });
        Some((host, true))
    }

    /// Takes the hosts of another cluster over.
    pub fn adopt(&self, other: &Self) {
        let mut hosts = self.hosts.lock();
        for (address, seen) in &*other.hosts.lock() {
            hosts.insert(*address, Seen { host: seen.host.clone(), used: AtomicBool::new(true) });
        }
    }

    /// All hosts, by address.
    pub fn hosts(&self) -> Vec<Arc<Host>> {
        self.hosts.lock().values().map(|seen| seen.host.clone()).collect()
    }

    /// Removes the hosts that nothing used since the last time and that have no connections, and returns them.
    fn clean(&self) -> Vec<Arc<Host>> {
        let mut hosts = self.hosts.lock();
        let idle = |seen: &Seen| {
            let used = seen.used.swap(false, Ordering::Relaxed);
            let busy = seen.host.active.load(Ordering::Relaxed) + seen.host.stats.cx_active.load(Ordering::Relaxed);
            !used && busy == 0
        };
        let (gone, stay) = std::mem::take(&mut *hosts).into_iter().partition(|(_, seen)| idle(seen));
        *hosts = stay;
        let gone: BTreeMap<SocketAddr, Seen> = gone;
        gone.into_values().map(|seen| seen.host).collect()
    }
}

/// Starts the removal of idle hosts.
pub fn start(cluster: &Arc<Cluster>, config: &OriginalDstConfig, services: &Services) {
    let (weak, interval) = (Arc::downgrade(cluster), config.cleanup);
    cluster.keep(services.main.spawn(async move {
        loop {
            sleep(interval).await;
            let Some(cluster) = weak.upgrade() else { return };
            let gone = cluster.original_dst.clean();
            if !gone.is_empty() {
                cluster.stats.membership_change.inc();
                cluster.retire(&gone);
                cluster.show_original_dst();
            }
        }
    }));
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::task::yield_now;
    use tokio::time::advance;

    use super::*;
    use crate::cluster::Choice;
    use crate::cluster::testing::{apply, build, read};

    #[tokio::test(start_paused = true)]
    async fn hosts_come_with_connections_and_go_when_idle() {
        let cluster = apply(&json!({"name": "c", "type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED"}), &build());
        assert!(cluster.pick(&Choice::default()).is_none());
        let choice = Choice { original_dst: Some("10.1.2.3:80".parse().unwrap()), ..Choice::default() };
        let host = cluster.pick(&choice).unwrap();
        assert!(Arc::ptr_eq(&host, &cluster.pick(&choice).unwrap()));
        host.active.fetch_add(1, Ordering::Relaxed);
        for _ in 0..4 {
            advance(Duration::from_secs(6)).await;
            yield_now().await;
        }
        assert_eq!(cluster.stats.membership_total.value(), 1, "a request is on its way");
        host.active.fetch_sub(1, Ordering::Relaxed);
        for _ in 0..4 {
            advance(Duration::from_secs(6)).await;
            yield_now().await;
        }
        assert_eq!((cluster.hosts().len(), cluster.stats.membership_total.value()), (0, 0));
        assert!(host.is_gone());
    }

    #[test]
    fn filter_state_then_metadata_then_header_then_the_connection() {
        let message = crate::proto::from_json(
            "envoy.config.cluster.v3.Cluster.OriginalDstLbConfig",
            &json!({"use_http_header": true, "upstream_port_override": 15008,
                "metadata_key": {"key": "ns", "path": [{"key": "to"}]}}),
        );
        let defects = crate::proto::Defects::new();
        let config = OriginalDstConfig::read(&Reader::new(message.unwrap(), "", &defects), CLEANUP);
        let mut connection = Connection::plain("10.0.0.1:1".parse().unwrap(), "127.0.0.1:1".parse().unwrap());
        let mut info = StreamInfo::begin();
        let head = |value: &str| {
            let mut headers = crate::http::Headers::new();
            headers.add(HeaderName::from_static("x-envoy-original-dst-host"), value.parse().unwrap());
            RequestHead {
                method: http::Method::GET,
                scheme: "http",
                authority: "a".into(),
                path: "/".into(),
                upgrade: None,
                version: crate::http::Version::Http11,
                headers,
            }
        };
        let stats = crate::telemetry::stats::Stats::default();
        let invalid = crate::telemetry::stats::Scope::root(&stats).counter("invalid");
        let find = |head: &RequestHead, info: &StreamInfo, connection: &Connection| {
            config.address(Some((head, info)), connection, &invalid).map(|address| address.to_string())
        };
        assert_eq!(find(&head("nonsense"), &info, &connection), None);
        assert_eq!(invalid.value(), 1);
        connection.local_restored = true;
        assert_eq!(find(&head("nonsense"), &info, &connection).unwrap(), "10.0.0.1:15008");
        assert_eq!(find(&head("10.0.0.2:2"), &info, &connection).unwrap(), "10.0.0.2:15008");
        connection.metadata.insert("ns".into(), json!({"to": ["10.0.0.3:3"]}));
        assert_eq!(find(&head("10.0.0.2:2"), &info, &connection).unwrap(), "10.0.0.3:15008");
        info.state.insert(STATE.into(), "[::1]:4".into());
        assert_eq!(find(&head("10.0.0.2:2"), &info, &connection).unwrap(), "[::1]:15008");
    }

    #[tokio::test]
    async fn only_the_provided_balancer_fits() {
        let defects = read(&json!({"name": "c", "type": "ORIGINAL_DST"}), &build()).unwrap_err();
        assert_eq!(defects[0].path, "lb_policy");
    }
}
