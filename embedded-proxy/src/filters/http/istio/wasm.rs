//! `envoy.filters.http.wasm`, for Istio's own plugins and for those that may be absent.

use std::sync::Arc;

use super::peer_metadata;
use crate::filters::http::{HttpFilter, Step};
use crate::http::Response;
use crate::istio::Plugin;
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::{Direction, Exchange};
use crate::telemetry::istio::IstioStats;

/// A plugin that is not there.
struct Absent;

impl HttpFilter for Absent {
    fn on_request<'f>(&'f self, _: &'f mut Exchange) -> Step<'f> {
        Step::Next
    }

    fn is_pure(&self) -> bool {
        true
    }
}

/// Metadata exchange, which looked at the direction of the listener itself.
struct EitherWay {
    inbound: Arc<dyn HttpFilter>,
    outbound: Arc<dyn HttpFilter>,
}

impl EitherWay {
    fn of(&self, exchange: &Exchange) -> &dyn HttpFilter {
        if exchange.connection.direction == Direction::Inbound { &*self.inbound } else { &*self.outbound }
    }
}

impl HttpFilter for EitherWay {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        self.of(exchange).on_request(exchange)
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        self.of(exchange).on_response(exchange, response);
    }
}

/// Makes the filter.
pub(in crate::filters::http) fn make(
    reader: &Reader<'_>,
    build: &Build,
    name: &Arc<str>,
) -> Option<Arc<dyn HttpFilter>> {
    match Plugin::read(reader)? {
        Plugin::Stats(settings) => {
            IstioStats::make(&Plugin::settings(reader, "stats.PluginConfig", &settings)?, build, name)
        }
        Plugin::MetadataExchange => {
            let side = |inbound| {
                let settings = Plugin::exchange_settings(inbound);
                let reader = Plugin::settings(reader, "io.istio.http.peer_metadata.Config", &settings)?;
                peer_metadata::make(&reader, build, name)
            };
            Some(Arc::new(EitherWay { inbound: side(true)?, outbound: side(false)? }))
        }
        Plugin::Absent => Some(Arc::new(Absent)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing;

    fn plugin(runtime: &str, code: &str, more: &Value) -> Value {
        let mut config = json!({ "root_id": "r",
            "vm_config": { "vm_id": "v", "runtime": runtime, "code": { "local": { "inline_string": code } } } });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "config": config })
    }

    fn read(config: &Value) -> Result<Arc<dyn HttpFilter>, String> {
        let kind = "envoy.extensions.filters.http.wasm.v3.Wasm";
        testing::filter(kind, config).map_err(|defects| defects[0].to_string())
    }

    fn text(json: &str) -> Value {
        json!({ "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": json } })
    }

    #[tokio::test]
    async fn istios_own_plugins_are_here() {
        const NULL: &str = "envoy.wasm.runtime.null";
        let stats = plugin(NULL, "envoy.wasm.stats", &text(r#"{"debug":"false","stat_prefix":"istio"}"#));
        read(&stats).ok().unwrap();
        let wrong = read(&plugin(NULL, "envoy.wasm.stats", &text(r#"{"nothing":1}"#))).err().unwrap();
        assert!(wrong.contains("config.configuration") && wrong.contains("nothing"), "{wrong}");
        let other = read(&plugin(NULL, "envoy.wasm.stackdriver", &json!({}))).err().unwrap();
        assert!(other.contains("envoy.wasm.stackdriver"), "{other}");
    }

    #[tokio::test]
    async fn metadata_exchange_goes_by_the_direction() {
        let config = plugin("envoy.wasm.runtime.null", "envoy.wasm.metadata_exchange", &text("{}"));
        let filter = read(&config).ok().unwrap();
        let id = http::HeaderName::from_static("x-envoy-peer-metadata");
        let mut inbound = testing::exchange("GET", "/", &[("x-envoy-peer-metadata", "none")]);
        testing::request(&*filter, &mut inbound).await.unwrap();
        assert!(!inbound.request.head.headers.has(&id), "what the client said about itself is taken away");
        let mut outbound = testing::exchange("GET", "/", &[]);
        Arc::make_mut(&mut outbound.connection).direction = Direction::Outbound;
        testing::request(&*filter, &mut outbound).await.unwrap();
        assert!(outbound.request.head.headers.has(&id), "the server is told who asks");
    }

    #[tokio::test]
    async fn other_plugins_are_left_out_only_where_they_fail_open() {
        let config = |more: Value| plugin("envoy.wasm.runtime.v8", "code", &more);
        for open in [json!({ "fail_open": true }), json!({ "failure_policy": "FAIL_OPEN" })] {
            let filter = read(&config(open)).ok().unwrap();
            testing::request(&*filter, &mut testing::exchange("GET", "/", &[])).await.unwrap();
        }
        for closed in
            [json!({}), json!({ "failure_policy": "FAIL_CLOSED" }), json!({ "failure_policy": "FAIL_RELOAD" })]
        {
            let defect = read(&config(closed)).err().unwrap();
            assert!(defect.contains("vm_config") && defect.contains("fail open"), "{defect}");
        }
    }
}
