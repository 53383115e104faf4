//! `istio.stats` for HTTP: Istio's standard metrics, with both workloads as labels.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::HeaderName;
use serde_json::Value;

use crate::filters::http::grpc_stats::GrpcMessages;
use crate::filters::http::{HttpFilter, Step};
use crate::istio::{Amount, Facts, Label, Overrides, Peers, Reporter, Workload, labels, of_endpoint};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::Exchange;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

struct Stats {
    services: Arc<Services>,
    own: Workload,
    overrides: Overrides,
    host_fallback: bool,
    waypoint: bool,
}

/// Makes the filter.
pub(in crate::filters::http) fn make(reader: &Reader<'_>, build: &Build, _: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    // Fields that are gone from Istio's message, and times of reports: counters are always up to date here, and a series
    // is forgotten by the time it was not used for.
    reader.ignore(&[
        "debug",
        "max_peer_cache_size",
        "stat_prefix",
        "field_separator",
        "value_separator",
        "tcp_reporting_duration",
        "rotation_interval",
        "graceful_deletion_interval",
    ]);
    let services = build.services.clone();
    let overrides = Overrides::read(reader)?;
    let own = Workload::of_metadata(&services.node.metadata, &[]);
    let version = services.node.metadata.get("ISTIO_VERSION").and_then(Value::as_str).unwrap_or_default();
    services.istio.note_build(&services.stats, version);
    let host_fallback = !reader.flag("disable_host_header_fallback");
    let waypoint = reader.word("reporter") == "SERVER_GATEWAY";
    Some(Arc::new(Stats { services, own, overrides, host_fallback, waypoint }))
}

impl HttpFilter for Stats {
    fn on_request<'f>(&'f self, _: &'f mut Exchange) -> Step<'f> {
        Step::Next
    }

    fn on_end(&self, exchange: &Exchange) {
        let (head, info) = (&exchange.request.head, &exchange.info);
        let grpc = head.is_grpc();
        let trailers = info.trailers.as_ref().and_then(|trailers| trailers.text(&GRPC_STATUS));
        let grpc_status = trailers.or_else(|| info.response.as_ref()?.headers.text(&GRPC_STATUS)).unwrap_or_default();
        let route = exchange.route.as_ref().and_then(|hit| hit.cluster());
        let direction = exchange.connection.direction;
        let facts = Facts {
            reporter: if self.waypoint { Reporter::Waypoint } else { Reporter::of(direction) },
            own: &self.own,
            peers: exchange.scratch.get::<Peers>(),
            host: if self.host_fallback { &head.authority } else { "" },
            cluster: info.upstream.cluster.as_deref().or(route).unwrap_or_default(),
            connection: &exchange.connection,
            info,
            protocol: if grpc { "grpc" } else { "http" },
            code: Some(info.code.unwrap_or(0)),
            grpc_status: if grpc { grpc_status } else { "" },
        };
        let endpoint = of_endpoint(info);
        let standard = labels(&facts, endpoint.as_ref());
        let mut all: Vec<Label<'_>> = standard.into_iter().map(|(name, value)| (name.into(), value)).collect();
        all.extend(self.overrides.more(exchange));
        #[allow(clippy::cast_precision_loss)]
        let bytes = |count: u64| Amount::Value(count as f64);
        let mut amounts = vec![
            ("requests_total", Amount::Count(1)),
            ("request_duration_milliseconds", Amount::Value(info.duration().as_millis() as f64)),
            ("request_bytes", bytes(info.bytes_received)),
            ("response_bytes", bytes(info.bytes_sent)),
        ];
        if let Some(messages) = exchange.scratch.get::<GrpcMessages>().filter(|_| grpc) {
            let count = |count: &std::sync::atomic::AtomicU64| Amount::Count(count.load(Ordering::Relaxed));
            amounts.push(("request_messages_total", count(&messages.requests)));
            amounts.push(("response_messages_total", count(&messages.responses)));
        }
        self.services.istio.record(&self.services.stats, &self.overrides, &all, &amounts);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::filters::http::testing;

    const CONFIG: &str = "stats.PluginConfig";

    #[tokio::test]
    async fn an_exchange_is_counted_with_its_labels() {
        let build = testing::build();
        let config = json!({ "metrics": [
            { "name": "requests_total", "dimensions": { "team": "request.headers['x-team']" }, "tags_to_remove": ["source_app"] },
            { "name": "request_bytes", "drop": true } ] });
        let filter = testing::filter_in(&build, CONFIG, &config).unwrap_or_else(|defects| panic!("{defects:?}"));
        let mut exchange = testing::exchange("GET", "/", &[("x-team", "blue")]);
        exchange.info.code = Some(404);
        filter.on_end(&exchange);
        let names: Vec<String> = build.services.stats.all().iter().map(|seen| seen.name.to_string()).collect();
        let requests = names.iter().find(|name| name.contains("istio_requests_total")).unwrap();
        assert!(requests.contains(".response_code.404") && requests.contains(".team.blue"), "{requests}");
        assert!(requests.contains(".reporter.destination") && !requests.contains("source_app"), "{requests}");
        assert!(names.iter().any(|name| name.contains("istio_response_bytes")), "{names:?}");
        assert!(!names.iter().any(|name| name.contains("istio_request_bytes")), "{names:?}");
        assert!(names.iter().any(|name| name == "istiocustom.istio_build.component.proxy.tag.unknown"));
    }

    #[tokio::test]
    async fn what_cannot_be_evaluated_is_a_defect() {
        let config = json!({ "metrics": [{ "dimensions": { "x": "has(request.auth)" } }] });
        let defects = testing::filter(CONFIG, &config).err().unwrap();
        assert_eq!(defects[0].path, "metrics[0].dimensions");
        assert!(testing::filter(CONFIG, &json!({ "definitions": [{ "name": "mine" }] })).is_err());
    }
}
