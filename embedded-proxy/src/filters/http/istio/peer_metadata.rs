//! `istio.metadata_exchange` for HTTP: workloads tell each other in headers who they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;

use crate::filters::http::{HttpFilter, Step};
use crate::http::{Headers, Response};
use crate::istio::{Peers, Workload};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::Exchange;

const METADATA: HeaderName = HeaderName::from_static("x-envoy-peer-metadata");
const METADATA_ID: HeaderName = HeaderName::from_static("x-envoy-peer-metadata-id");

/// Peers that are remembered by their id.
const REMEMBERED: usize = 500;

/// Whether headers are read (and removed), and whether they are written.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    reads: bool,
    writes: bool,
    /// Not written towards services outside of the mesh.
    skips_external: bool,
}

struct PeerMetadata {
    services: Arc<Services>,
    downstream: Side,
    upstream: Side,
    labels: Vec<String>,
    id: Option<HeaderValue>,
    value: Option<HeaderValue>,
    known: Mutex<BTreeMap<String, Arc<Workload>>>,
}

/// Which of its own headers the client sent.
#[derive(Debug, Clone, Copy)]
struct Received {
    id: bool,
    metadata: bool,
}

fn side(reader: &Reader<'_>, discovery: &str, propagation: &str) -> Side {
    let mut side = Side::default();
    for method in reader.list(discovery) {
        // Without the workload service of an ambient mesh, which the proxy does not have, the other methods find nothing
        // in Istio's proxy either.
        method.ignore(&["baggage", "workload_discovery"]);
        if let Some(headers) = method.message("istio_headers") {
            headers.ignore(&["skip_external_clusters"]); // Only says something about writing.
            side.reads = true;
        }
    }
    for method in reader.list(propagation) {
        if let Some(headers) = method.message("istio_headers") {
            side.writes = true;
            side.skips_external |= headers.flag("skip_external_clusters");
        }
    }
    side
}

/// Makes the filter.
#[allow(clippy::unnecessary_wraps)] // The registry wants it so.
pub(in crate::filters::http) fn make(reader: &Reader<'_>, build: &Build, _: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    // Peers are known to the whole exchange here, upstream side included.
    reader.ignore(&["shared_with_upstream"]);
    let labels = reader.texts("additional_labels");
    let node = &build.services.node;
    let own = Workload::of_metadata(&node.metadata, &labels);
    Some(Arc::new(PeerMetadata {
        downstream: side(reader, "downstream_discovery", "downstream_propagation"),
        upstream: side(reader, "upstream_discovery", "upstream_propagation"),
        labels,
        id: HeaderValue::from_str(&node.id).ok(),
        value: HeaderValue::from_str(&own.to_header()).ok(),
        known: Mutex::default(),
        services: build.services.clone(),
    }))
}

impl PeerMetadata {
    /// The peer behind these headers, which are taken away.
    fn discover(&self, headers: &mut Headers) -> Option<Arc<Workload>> {
        let peer = headers.text(&METADATA).filter(|value| !value.is_empty());
        let peer = peer.and_then(|value| self.lookup(headers.text(&METADATA_ID).unwrap_or_default(), value));
        headers.remove(&METADATA_ID);
        headers.remove(&METADATA);
        peer
    }

    fn lookup(&self, id: &str, value: &str) -> Option<Arc<Workload>> {
        if let Some(known) = self.known.lock().get(id).filter(|_| !id.is_empty()) {
            return Some(known.clone());
        }
        let peer = Arc::new(Workload::of_header(value, &self.labels)?);
        if !id.is_empty() {
            let mut known = self.known.lock();
            while known.len() >= REMEMBERED {
                known.pop_first();
            }
            known.insert(id.to_string(), peer.clone());
        }
        Some(peer)
    }

    /// Whether this exchange goes where nobody understands the headers, or wants them.
    fn skips(&self, side: Side, exchange: &Exchange) -> bool {
        let Some(name) = exchange.route.as_ref().and_then(|hit| hit.cluster()) else { return false };
        if side.skips_external && name == "PassthroughCluster" {
            return true;
        }
        let Some(cluster) = self.services.clusters.get(name) else { return false };
        let says =
            |key| cluster.settings.metadata.get("istio").and_then(|istio| istio.get(key)?.as_bool()) == Some(true);
        (side.skips_external && says("external")) || says("disable_mx")
    }

    fn write(&self, headers: &mut Headers, wanted: Received) {
        if let Some(id) = self.id.as_ref().filter(|_| wanted.id) {
            headers.set(METADATA_ID, id.clone());
        }
        if let Some(value) = self.value.as_ref().filter(|_| wanted.metadata) {
            headers.set(METADATA, value.clone());
        }
    }
}

/// Keeps a peer for logs and for the stats filter; the first one found counts.
fn keep(exchange: &mut Exchange, peer: Arc<Workload>, downstream: bool) {
    let key = if downstream { "downstream_peer" } else { "upstream_peer" };
    exchange.info.state.entry(key.into()).or_insert_with(|| peer.to_json().to_string());
    if exchange.scratch.get::<Peers>().is_none() {
        exchange.scratch.put(Peers::default());
    }
    if let Some(peers) = exchange.scratch.get_mut::<Peers>() {
        let place = if downstream { &mut peers.downstream } else { &mut peers.upstream };
        place.get_or_insert(peer);
    }
}

impl HttpFilter for PeerMetadata {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let headers = &mut exchange.request.head.headers;
        let received = Received { id: headers.has(&METADATA_ID), metadata: headers.has(&METADATA) };
        if self.downstream.reads {
            if let Some(peer) = self.discover(headers) {
                keep(exchange, peer, true);
            }
            exchange.scratch.put(received);
        }
        if self.upstream.writes && !self.skips(self.upstream, exchange) {
            self.write(&mut exchange.request.head.headers, Received { id: true, metadata: true });
        }
        Step::Next
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        let found = self.upstream.reads.then(|| self.discover(&mut response.head.headers)).flatten();
        if let Some(peer) = found {
            keep(exchange, peer, false);
        }
        let received = exchange.scratch.get::<Received>().copied();
        if let Some(received) = received.filter(|_| self.downstream.writes && !self.skips(self.downstream, exchange)) {
            self.write(&mut response.head.headers, received);
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;

    const CONFIG: &str = "io.istio.http.peer_metadata.Config";

    fn filter(config: &Value) -> Arc<dyn HttpFilter> {
        testing::filter(CONFIG, config).unwrap_or_else(|defects| panic!("{defects:?}"))
    }

    fn peer() -> Workload {
        Workload { namespace: "shop".into(), workload: "web".into(), ..Workload::default() }
    }

    #[tokio::test]
    async fn an_inbound_sidecar_reads_the_client_and_answers_it() {
        let filter = filter(&json!({ "downstream_discovery": [{ "istio_headers": {} }, { "workload_discovery": {} }],
            "downstream_propagation": [{ "istio_headers": {} }] }));
        let value = peer().to_header();
        let fields = [("x-envoy-peer-metadata-id", "sidecar~1"), ("x-envoy-peer-metadata", value.as_str())];
        let mut exchange = testing::exchange("GET", "/", &fields);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert!(exchange.request.head.headers.is_empty());
        let peers = exchange.scratch.get::<Peers>().unwrap();
        assert_eq!(peers.downstream.as_deref(), Some(&peer()));
        assert_eq!(exchange.info.state["downstream_peer"], r#"{"namespace":"shop","workload":"web"}"#);
        let mut response = Response::full(StatusCode::OK, Headers::new(), Bytes::new());
        filter.on_response(&mut exchange, &mut response);
        assert!(response.head.headers.has(&METADATA) && response.head.headers.has(&METADATA_ID));
    }

    #[tokio::test]
    async fn a_client_that_said_nothing_is_told_nothing() {
        let filter = filter(&json!({ "downstream_discovery": [{ "istio_headers": {} }],
            "downstream_propagation": [{ "istio_headers": {} }] }));
        let mut exchange = testing::exchange("GET", "/", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        let mut response = Response::full(StatusCode::OK, Headers::new(), Bytes::new());
        filter.on_response(&mut exchange, &mut response);
        assert!(!response.head.headers.has(&METADATA));
    }

    #[tokio::test]
    async fn an_outbound_sidecar_writes_and_reads_the_answer() {
        let filter = filter(&json!({ "upstream_discovery": [{ "istio_headers": {} }],
            "upstream_propagation": [{ "istio_headers": { "skip_external_clusters": true } }] }));
        let mut exchange = testing::exchange("GET", "/", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert!(exchange.request.head.headers.has(&METADATA));
        let mut headers = Headers::new();
        headers.add(METADATA, HeaderValue::from_str(&peer().to_header()).unwrap());
        let mut response = Response::full(StatusCode::OK, headers, Bytes::new());
        filter.on_response(&mut exchange, &mut response);
        assert!(!response.head.headers.has(&METADATA));
        assert_eq!(exchange.scratch.get::<Peers>().unwrap().upstream.as_deref(), Some(&peer()));
    }
}
