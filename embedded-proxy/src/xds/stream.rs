//! The stream to a control plane: connects, asks, takes answers, and comes back after failures.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use futures_util::StreamExt as _;
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tonic::Status;
use tonic_prost::ProstCodec;

use super::backoff::Backoff;
use super::delivered::Wanted;
use super::progress::{Outcome, Progress};
use super::protocol::{Protocol, Taken};
use super::take::Taker;
use super::{ApiSource, Kind, Place};
use crate::grpc::Channel;
use crate::proto::{Defects, Reader, decode, from_json};
use crate::services::Build;

/// Largest response that is read: the whole configuration of a very large mesh.
const LARGEST: usize = 256 << 20;

/// A stream that was healthy this long failed for a new reason: back-off begins anew.
const HEALTHY: Duration = Duration::from_mins(1);

/// Names that nobody watches any more are noticed this long after a response (what it removed ends a moment later), and
/// then this often.
const TIDY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// A client of one control plane.
pub(super) struct Client<P> {
    pub build: Build,
    pub source: ApiSource,
    /// What consumers call this source.
    pub place: Place,
    /// Whether clusters and listeners are asked for here.
    pub whole: Vec<Kind>,
    /// The one kind of a stream that is not aggregated.
    pub kind: Option<Kind>,
    pub progress: Arc<Progress>,
    pub protocol: P,
    pub taker: Taker,
}

impl<P: Protocol> Client<P> {
    /// Runs for ever.
    pub async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut attempt = 0;
        loop {
            self.something_wanted().await;
            let began = Instant::now();
            let service = self.source.services[attempt % self.source.services.len()].clone();
            attempt += 1;
            let status = match self.channel(&service) {
                Ok(channel) => self.stream(channel).await,
                Err(error) => Status::failed_precondition(error),
            };
            self.progress.connected.set(0);
            for kind in self.kinds() {
                self.progress.note(kind, Outcome::Failed);
            }
            if began.elapsed() > HEALTHY {
                backoff.reset();
            }
            let pause = backoff.next(fastrand::f64());
            tracing::warn!(code = ?status.code(), "the stream to the control plane ended: {}; again in {pause:?}", status.message());
            self.pause(pause).await;
        }
    }

    fn kinds(&self) -> Vec<Kind> {
        self.kind.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind])
    }

    fn channel(&self, service: &[u8]) -> Result<Channel, String> {
        let message = decode("envoy.config.core.v3.GrpcService", service)?;
        let defects = Defects::new();
        let reader = Reader::new(message, "grpc_services", &defects);
        let channel = Channel::read(&reader, &self.build);
        drop(reader);
        defects.verdict(channel).map_err(|defects| super::take::lines(&defects))
    }

    fn wanted(&self, kind: Kind) -> Wanted {
        let services = &self.build.services;
        let names = match kind {
            Kind::Cluster | Kind::Listener => {
                let open = kind == Kind::Cluster || *self.progress.listeners_open().borrow();
                return if open && self.whole.contains(&kind) { Wanted::All } else { Wanted::nothing() };
            }
            Kind::Scope => {
                let nobody = services.scopes.names(&self.place).is_empty();
                return if nobody { Wanted::nothing() } else { Wanted::All };
            }
            Kind::Endpoint => services.endpoints.names(&self.place),
            Kind::Route => services.routes.names(&self.place),
            Kind::Secret => services.secrets.names(&self.place),
            Kind::Extension => services.extensions.names(&self.place),
        };
        Wanted::Names(names.into_iter().collect())
    }

    /// Waits until there is anything to ask for.
    async fn something_wanted(&mut self) {
        let mut changes = Changes::new(&self.build, &self.progress);
        while self.kinds().into_iter().all(|kind| self.wanted(kind).is_nothing()) {
            changes.next().await;
        }
    }

    /// Waits; resources whose time is over end meanwhile.
    async fn pause(&mut self, pause: Duration) {
        let end = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(end) => return,
                () = expiry(&mut self.protocol) => self.expire(),
            }
        }
    }

    fn expire(&mut self) {
        for (kind, in_use) in self.protocol.in_use() {
            in_use.expire(kind, &mut self.taker);
        }
    }

    /// One stream from its first request to its end.
    async fn stream(&mut self, channel: Channel) -> Status {
        self.protocol.connected();
        let (requests, mut queue) = mpsc::unbounded_channel();
        let mut changes = Changes::new(&self.build, &self.progress);
        self.ask(&requests);
        let outgoing = futures_util::stream::poll_fn(move |cx| queue.poll_recv(cx));
        let mut grpc = tonic::client::Grpc::new(channel).max_decoding_message_size(LARGEST);
        if let Err(error) = grpc.ready().await {
            return Status::unavailable(error.to_string());
        }
        let path = PathAndQuery::from_static(P::path(self.kind));
        let codec = ProstCodec::<P::Request, P::Response>::default();
        let mut call = Box::pin(grpc.streaming(tonic::Request::new(outgoing), path, codec));
        let mut responses = loop {
            tokio::select! {
                answer = &mut call => match answer {
                    Ok(answer) => break answer.into_inner(),
                    Err(status) => return status,
                },
                () = changes.next() => self.ask(&requests),
                () = expiry(&mut self.protocol) => self.expire(),
            }
        };
        self.progress.connected.set(1);
        let mut tidy = TIDY.1;
        loop {
            tokio::select! {
                response = responses.next() => match response {
                    Some(Ok(response)) => {
                        self.take(response, &requests);
                        tidy = TIDY.0;
                    }
                    Some(Err(status)) => return status,
                    None => return Status::ok("the control plane closed it"),
                },
                () = changes.next() => {}
                () = expiry(&mut self.protocol) => self.expire(),
                () = sleep(tidy) => tidy = TIDY.1,
            }
            self.ask(&requests);
        }
    }

    /// Sends requests for what is wanted and was not asked for.
    fn ask(&mut self, requests: &mpsc::UnboundedSender<P::Request>) {
        for kind in self.kinds() {
            let wanted = self.wanted(kind);
            if let Some(request) = self.protocol.want(kind, &wanted) {
                self.progress.note(kind, Outcome::Attempt);
                let _ = requests.send(request);
            }
        }
    }

    fn take(&mut self, response: P::Response, requests: &mpsc::UnboundedSender<P::Request>) {
        let (url, identifier) = P::describe(&response);
        self.progress.set_identifier(identifier);
        let url = url.to_string();
        let Some(taken) = self.protocol.receive(response, &mut self.taker) else {
            tracing::warn!("the control plane sent {url}, which was not asked for");
            return;
        };
        let Taken { kind, version, refused, request } = taken;
        match refused {
            None => {
                self.build.services.store.set_version(kind, &version);
                self.progress.note(kind, Outcome::Accepted(&version));
            }
            Some(reason) => {
                tracing::warn!("refused {kind:?} of version {version:?}: {reason}");
                self.progress.note(kind, Outcome::Rejected);
            }
        }
        let _ = requests.send(request);
        self.taker.taken();
    }
}

/// The identity to send, from the services' node.
pub(super) fn identity(build: &Build) -> Option<Node> {
    let message = from_json("envoy.config.core.v3.Node", &build.services.node.to_json()).ok()?;
    Node::decode(message.encode_to_vec().as_slice()).ok()
}

/// Waits until a resource ends by itself; for ever when none does.
async fn expiry<P: Protocol>(protocol: &mut P) {
    match protocol.in_use().into_iter().filter_map(|(_, in_use)| in_use.next_expiry()).min() {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Wakes when other names may be wanted.
struct Changes {
    topics: [tokio::sync::watch::Receiver<u64>; 5],
    listeners_open: tokio::sync::watch::Receiver<bool>,
}

impl Changes {
    fn new(build: &Build, progress: &Progress) -> Self {
        let services = &build.services;
        let topics = [
            services.endpoints.changes(),
            services.routes.changes(),
            services.secrets.changes(),
            services.extensions.changes(),
            services.scopes.changes(),
        ];
        Self { topics, listeners_open: progress.listeners_open() }
    }

    async fn next(&mut self) {
        let [endpoints, routes, secrets, extensions, scopes] = &mut self.topics;
        // The senders live as long as the services, which the caller holds.
        tokio::select! {
            _ = endpoints.changed() => {}
            _ = routes.changed() => {}
            _ = secrets.changed() => {}
            _ = extensions.changed() => {}
            _ = scopes.changed() => {}
            Ok(()) = self.listeners_open.changed() => {}
        }
    }
}
