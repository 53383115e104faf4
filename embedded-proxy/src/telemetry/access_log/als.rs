//! `envoy.extensions.access_loggers.grpc.v3`: entries as messages, streamed to an access log service.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node as PbNode;
use envoy_types::pb::envoy::service::accesslog::v3::StreamAccessLogsMessage;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_client::AccessLogServiceClient;
use envoy_types::pb::envoy::service::accesslog::v3::stream_access_logs_message::{
    HttpAccessLogEntries, Identifier, LogEntries, TcpAccessLogEntries,
};
use futures_util::stream;
use prost::Message as _;
use tokio::sync::mpsc;

use super::entry::{self, Entry, Extra};
use crate::grpc::Channel;
use crate::proto::Reader;
use crate::services::Build;
use crate::telemetry::export::{Batch, Entries};
use crate::telemetry::format::FormatContext;
use crate::telemetry::stats::{Counter, Scope};
use crate::telemetry::tag;

/// Envoy's defaults: 16 KiB, 1 s.
const ENOUGH: u32 = 16 * 1024;
const INTERVAL: Duration = Duration::from_secs(1);
/// Messages on their way to a service that is slow; more are lost.
const PENDING: usize = 4;

/// A log whose entries go to a service.
#[derive(Debug)]
pub struct GrpcLog {
    entries: Batch<Entry>,
    extra: Extra,
    tcp: bool,
}

impl GrpcLog {
    /// Reads `HttpGrpcAccessLogConfig`, or `TcpGrpcAccessLogConfig` when `tcp`.
    pub fn read(reader: &Reader<'_>, build: &Build, tcp: bool) -> Option<Self> {
        let common = reader.need("common_config")?;
        let log_name = common.need_text("log_name");
        // Version 3 is the only one there is; streams are opened again with the next batch.
        common.ignore(&["transport_api_version", "grpc_stream_retry_policy"]);
        let channel = Channel::read(&common.need("grpc_service")?, build);
        let enough = common.u32("buffer_size_bytes").unwrap_or(ENOUGH);
        let interval = common.duration("buffer_flush_interval").unwrap_or(INTERVAL);
        let headers = |field: &str| if tcp { Vec::new() } else { entry::names(reader, field) };
        let extra = Extra {
            request: headers("additional_request_headers_to_log"),
            response: headers("additional_response_headers_to_log"),
            trailers: headers("additional_response_trailers_to_log"),
            state: common.texts("filter_state_objects_to_log"),
            tags: tag::read_all(&common.list("custom_tags"))?,
        };
        let scope = Scope::root(&build.services.stats).sub("access_logs").sub("grpc_access_log");
        let dropped = scope.counter("logs_dropped");
        let (entries, sending) = Batch::new(enough as usize, interval, dropped.clone());
        let node = &build.services.node;
        let node = PbNode { id: node.id.clone(), cluster: node.cluster.clone(), ..PbNode::default() };
        let identifier = Identifier { node: Some(node), log_name: log_name? };
        let sender =
            Sender { channel: channel?, identifier, written: scope.counter("logs_written"), dropped, stream: None };
        build.services.main.spawn(run(sending, sender));
        Some(Self { entries, extra, tcp })
    }

    /// Takes an entry.
    pub fn log(&self, context: &FormatContext<'_>) {
        let entry = if self.tcp { entry::tcp(context, &self.extra) } else { entry::http(context, &self.extra) };
        let size = match &entry {
            Entry::Http(entry) => entry.encoded_len(),
            Entry::Tcp(entry) => entry.encoded_len(),
        };
        self.entries.push(entry, size);
    }
}

struct Sender {
    channel: Channel,
    identifier: Identifier,
    written: Arc<Counter>,
    dropped: Arc<Counter>,
    stream: Option<mpsc::Sender<StreamAccessLogsMessage>>,
}

async fn run(mut entries: Entries<Entry>, mut sender: Sender) {
    while let Some(batch) = entries.next().await {
        let count = batch.len() as u64;
        if sender.send(batch) {
            sender.written.add(count);
        } else {
            sender.dropped.add(count);
        }
    }
}

impl Sender {
    /// Sends a batch over the stream, or over a new one when the last has ended. False: the service is too slow.
    fn send(&mut self, batch: Vec<Entry>) -> bool {
        let open = self.stream.take().filter(|stream| !stream.is_closed());
        let first = open.is_none();
        let stream = open.unwrap_or_else(|| self.open());
        let identifier = first.then(|| self.identifier.clone());
        let message = StreamAccessLogsMessage { identifier, log_entries: Some(together(batch)) };
        let sent = stream.try_send(message).is_ok();
        // A stream that did not take its identifier is of no use.
        self.stream = (sent || !first).then_some(stream);
        sent
    }

    fn open(&self) -> mpsc::Sender<StreamAccessLogsMessage> {
        let (sender, receiver) = mpsc::channel(PENDING);
        let messages = stream::unfold(receiver, |mut receiver| async {
            let message = receiver.recv().await?;
            Some((message, receiver))
        });
        let mut client = AccessLogServiceClient::new(self.channel.clone());
        tokio::spawn(async move {
            // When it ends the channel closes, and the next batch opens another stream.
            if let Err(status) = client.stream_access_logs(messages).await {
                tracing::debug!("the access log service ended the stream: {}", status.message());
            }
        });
        sender
    }
}

/// The entries of one log are all of one kind.
fn together(batch: Vec<Entry>) -> LogEntries {
    let (mut http, mut tcp) = (Vec::new(), Vec::new());
    for entry in batch {
        match entry {
            Entry::Http(entry) => http.push(*entry),
            Entry::Tcp(entry) => tcp.push(*entry),
        }
    }
    if tcp.is_empty() {
        LogEntries::HttpLogs(HttpAccessLogEntries { log_entry: http })
    } else {
        LogEntries::TcpLogs(TcpAccessLogEntries { log_entry: tcp })
    }
}
