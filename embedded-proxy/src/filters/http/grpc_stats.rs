//! `envoy.filters.http.grpc_stats`: counts gRPC calls and their messages under their cluster.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderName;

use super::counters::Counters;
use super::{HttpFilter, Step};
use crate::http::{Body, Frame, Headers, Response};
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::Exchange;
use crate::telemetry::stats::Scope;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// Which methods have counters of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Methods {
    All,
    These(BTreeSet<(String, String)>),
}

struct GrpcStats {
    methods: Methods,
    replace_dots: bool,
    upstream_time: bool,
    services: Arc<Services>,
    counters: Arc<Counters>,
}

/// Messages of a call so far. Kept in the exchange's scratch.
#[derive(Debug, Clone, Default)]
pub(super) struct GrpcMessages {
    /// From the client.
    pub(super) requests: Arc<AtomicU64>,
    /// From the upstream.
    pub(super) responses: Arc<AtomicU64>,
}

/// Messages of a gRPC call from the client and from the upstream, when this filter counted them.
pub(crate) fn messages(exchange: &Exchange) -> Option<(u64, u64)> {
    let counted = exchange.scratch.get::<GrpcMessages>()?;
    Some((counted.requests.load(Ordering::Relaxed), counted.responses.load(Ordering::Relaxed)))
}

/// Where the counters of one call hang.
#[derive(Clone)]
struct Call {
    key: Arc<str>,
    scope: Scope,
    counters: Arc<Counters>,
    messages: GrpcMessages,
}

impl Call {
    fn add(&self, name: &str, count: u64) {
        self.counters.add(&format!("{}{name}", self.key), count, || self.scope.counter(name));
    }

    fn status(&self, headers: &Headers) {
        let Some(status) = headers.text(&GRPC_STATUS) else { return };
        self.add(status, 1);
        self.add(if status == "0" { "success" } else { "failure" }, 1);
        self.add("total", 1);
    }
}

/// Finds the messages in a stream: five bytes of head (a flag and a length), then the message.
#[derive(Debug, Default)]
struct Messages {
    head: Vec<u8>,
    left: usize,
}

impl Messages {
    /// How many messages begin in these bytes.
    fn count(&mut self, mut data: &[u8]) -> u64 {
        let mut count = 0;
        while !data.is_empty() {
            let skipped = self.left.min(data.len());
            self.left -= skipped;
            data = &data[skipped..];
            if self.left == 0 && !data.is_empty() {
                let taken = (5 - self.head.len()).min(data.len());
                self.head.extend_from_slice(&data[..taken]);
                data = &data[taken..];
                if let [_, a, b, c, d] = self.head[..] {
                    self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                    self.head.clear();
                    count += 1;
                }
            }
        }
        count
    }
}

/// Makes the filter.
#[allow(clippy::unnecessary_wraps)] // The registry wants it so.
pub(super) fn make(reader: &Reader<'_>, build: &Build, _: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    // The counts of an exchange are in its scratch for the filters that want them.
    reader.ignore(&["emit_filter_state"]);
    let methods = match reader.message("individual_method_stats_allowlist") {
        Some(list) => {
            let services = list.list("services");
            let pairs = services.iter().flat_map(|service| {
                let name = service.text("name");
                service.texts("method_names").into_iter().map(move |method| (name.clone(), method))
            });
            Methods::These(pairs.collect())
        }
        // Envoy's default is off: names from clients would make ever more counters.
        None if reader.opt_flag("stats_for_all_methods").unwrap_or(false) => Methods::All,
        None => Methods::These(BTreeSet::new()),
    };
    Some(Arc::new(GrpcStats {
        methods,
        replace_dots: reader.flag("replace_dots_in_grpc_service_name"),
        upstream_time: reader.flag("enable_upstream_stats"),
        services: build.services.clone(),
        counters: Arc::new(Counters::default()),
    }))
}

impl GrpcStats {
    /// The call, if the request is one and goes to a cluster.
    fn call(&self, exchange: &Exchange) -> Option<Call> {
        let head = &exchange.request.head;
        if !head.is_grpc() {
            return None;
        }
        let cluster = self.services.clusters.get(exchange.route.as_ref()?.cluster()?)?;
        let (service, method) = head.path_only().strip_prefix('/')?.split_once('/')?;
        if service.is_empty() || method.is_empty() || method.contains('/') {
            return None;
        }
        let mut scope = cluster.scope.sub("grpc");
        let mut key = format!("{} ", cluster.name);
        if self.has_own(service, method) {
            let service = if self.replace_dots { service.replace('.', "_") } else { service.to_string() };
            key.push_str(&format!("{service}/{method} "));
            scope = scope.variable("envoy_grpc_bridge_service", &service).variable("envoy_grpc_bridge_method", method);
        }
        Some(Call { key: key.into(), scope, counters: self.counters.clone(), messages: GrpcMessages::default() })
    }

    fn has_own(&self, service: &str, method: &str) -> bool {
        match &self.methods {
            Methods::All => true,
            Methods::These(these) => these.contains(&(service.to_string(), method.to_string())),
        }
    }
}

/// The body with its messages counted; `then` sees the trailers.
fn counted(
    body: Body,
    call: Call,
    name: &'static str,
    messages: Arc<AtomicU64>,
    mut then: impl FnMut(&Call, &Headers) + Send + Sync + Unpin + 'static,
) -> Body {
    let mut found = Messages::default();
    body.tapped(move |frame| match frame {
        Frame::Data(data) => {
            let count = found.count(data);
            if count > 0 {
                messages.fetch_add(count, Ordering::Relaxed);
                call.add(name, count);
            }
        }
        Frame::Trailers(trailers) => then(&call, trailers),
    })
}

impl HttpFilter for GrpcStats {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        if let Some(call) = self.call(exchange) {
            let body = std::mem::take(&mut exchange.request.body);
            exchange.request.body =
                counted(body, call.clone(), "request_message_count", call.messages.requests.clone(), |_, _| {});
            exchange.scratch.put(call.messages.clone());
            exchange.scratch.put(call);
        }
        Step::Next
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        let Some(call) = exchange.scratch.get::<Call>().cloned() else { return };
        // A response of trailers only has its status in front.
        call.status(&response.head.headers);
        if response.head.is_grpc() {
            let messages = call.messages.responses.clone();
            let body = std::mem::take(&mut response.body);
            response.body = counted(body, call, "response_message_count", messages, Call::status);
        }
    }

    fn on_end(&self, exchange: &Exchange) {
        let Some(call) = exchange.scratch.get::<Call>() else { return };
        let info = &exchange.info;
        if let Some((sent, last)) = info.upstream_sent.zip(info.upstream_last).filter(|_| self.upstream_time) {
            let milliseconds = last.saturating_duration_since(sent).as_secs_f64() * 1000.0;
            let histogram = || call.scope.histogram("upstream_rq_time");
            call.counters.record(&call.key, milliseconds, histogram);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(lengths: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for length in lengths {
            bytes.push(0);
            bytes.extend(u32::try_from(*length).unwrap().to_be_bytes());
            bytes.extend(vec![7; *length]);
        }
        bytes
    }

    proptest! {
        #[test]
        fn messages_are_found_however_they_are_cut(lengths in proptest::collection::vec(0usize..20, 0..6), cut in 1usize..9) {
            let (bytes, mut messages) = (stream(&lengths), Messages::default());
            let found: u64 = bytes.chunks(cut).map(|chunk| messages.count(chunk)).sum();
            prop_assert_eq!(found, lengths.len() as u64);
        }
    }
}
