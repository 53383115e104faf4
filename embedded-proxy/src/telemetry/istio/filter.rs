//! Istio's stats filter, for HTTP exchanges and for TCP connections.

use std::sync::Arc;

use super::Recorder;
use crate::filters::http::{HttpFilter, Step};
use crate::istio::Peers;
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::{Connection, Exchange, StreamInfo};
use crate::telemetry::format::FormatContext;

/// The filter: it only watches.
#[derive(Debug, Clone)]
pub struct IstioStats(Arc<Recorder>);

impl IstioStats {
    /// Reads `stats.PluginConfig`.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        Recorder::read(reader, build).map(Self)
    }

    /// Makes the HTTP filter.
    pub fn make(reader: &Reader<'_>, build: &Build, _: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
        Self::read(reader, build).map(|filter| Arc::new(filter) as Arc<dyn HttpFilter>)
    }

    /// Records a TCP connection that ended.
    pub fn connection(&self, connection: &Connection, info: &StreamInfo) {
        let Some(series) = self.0.series(&FormatContext::new(connection, info), None) else { return };
        let counts = [
            (&series.opened, 1),
            (&series.closed, 1),
            (&series.sent, info.bytes_sent),
            (&series.received, info.bytes_received),
        ];
        for (counter, count) in counts {
            if let Some(counter) = counter {
                counter.add(count);
            }
        }
    }
}

impl HttpFilter for IstioStats {
    fn on_request<'f>(&'f self, _: &'f mut Exchange) -> Step<'f> {
        Step::Next
    }

    fn on_end(&self, exchange: &Exchange) {
        let context = FormatContext::of(exchange);
        let Some(series) = self.0.series(&context, exchange.scratch.get::<Peers>()) else { return };
        if let Some(requests) = &series.requests {
            requests.inc();
        }
        let info = &exchange.info;
        let response_head = info.response.as_ref().map_or(0, |head| head.headers.byte_size() as u64);
        let request_head = exchange.request.head.headers.byte_size() as u64;
        #[allow(clippy::cast_precision_loss)]
        let values = [
            (&series.duration, info.duration().as_millis() as f64),
            (&series.request_bytes, (request_head + info.bytes_received) as f64),
            (&series.response_bytes, (response_head + info.bytes_sent) as f64),
        ];
        for (histogram, value) in values {
            if let Some(histogram) = histogram {
                histogram.record(value);
            }
        }
        let (requests, responses) = crate::filters::http::grpc_messages(exchange).unwrap_or((0, 0));
        for (counter, count) in [(&series.request_messages, requests), (&series.response_messages, responses)] {
            if let Some(counter) = counter {
                counter.add(count);
            }
        }
    }
}
