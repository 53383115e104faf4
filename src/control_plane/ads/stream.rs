//! Drives one stream: reads requests, waits for changes, writes what is due. Both variants of the protocol are the same here.

use std::sync::Arc;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use tokio::sync::mpsc::Sender;
use tonic::{Status, Streaming};

use super::blame::blame;
use super::registry::{Listed, Stream};
use super::service::{Ads, Peer};
use super::session::{Push, Session, Variant};
use super::wire::{Any, ControlPlane, DeltaResource, DeltaResponse, Response};
use crate::control_plane::engine::Subscription;
use crate::xds::Kind;

/// A variant of the protocol on the wire.
pub trait Wire: Send + 'static {
    /// Requests.
    type Request: Send + 'static;
    /// Responses.
    type Response: Send + 'static;
    /// The variant.
    const VARIANT: Variant;
    /// The node in a request.
    fn node(request: &Self::Request) -> Option<&Node>;
    /// Gives a request to the session.
    fn take(session: &mut Session, request: &Self::Request) -> Option<Kind>;
    /// A response.
    fn response(push: Push) -> Self::Response;
}

/// State of the world.
pub struct World;

/// Only differences.
pub struct Delta;

impl Wire for World {
    type Request = DiscoveryRequest;
    type Response = Response;
    const VARIANT: Variant = Variant::World;

    fn node(request: &DiscoveryRequest) -> Option<&Node> {
        request.node.as_ref()
    }

    fn take(session: &mut Session, request: &DiscoveryRequest) -> Option<Kind> {
        session.world(request)
    }

    fn response(push: Push) -> Response {
        Response {
            version_info: push.version,
            resources: push.resources.iter().map(|resource| Any::of(push.kind, resource)).collect(),
            type_url: push.kind.type_url().to_owned(),
            nonce: push.nonce,
            control_plane: Some(ControlPlane::own()),
        }
    }
}

impl Wire for Delta {
    type Request = DeltaDiscoveryRequest;
    type Response = DeltaResponse;
    const VARIANT: Variant = Variant::Delta;

    fn node(request: &DeltaDiscoveryRequest) -> Option<&Node> {
        request.node.as_ref()
    }

    fn take(session: &mut Session, request: &DeltaDiscoveryRequest) -> Option<Kind> {
        session.delta(request)
    }

    fn response(push: Push) -> DeltaResponse {
        DeltaResponse {
            system_version_info: push.version,
            resources: push.resources.iter().map(|resource| DeltaResource::of(push.kind, resource)).collect(),
            type_url: push.kind.type_url().to_owned(),
            removed_resources: push.removed.iter().map(ToString::to_string).collect(),
            nonce: push.nonce,
            control_plane: Some(ControlPlane::own()),
        }
    }
}

/// Serves a stream to its end.
pub async fn serve<W: Wire>(
    ads: Arc<Ads>,
    peer: Peer,
    mut requests: Streaming<W::Request>,
    responses: Sender<Result<W::Response, Status>>,
) {
    if let Err(status) = run::<W>(&ads, peer, &mut requests, &responses).await {
        // The client may be gone already.
        let _ = responses.send(Err(status)).await;
    }
}

async fn run<W: Wire>(
    ads: &Ads,
    peer: Peer,
    requests: &mut Streaming<W::Request>,
    responses: &Sender<Result<W::Response, Status>>,
) -> Result<(), Status> {
    let Some(first) = requests.message().await? else { return Ok(()) };
    let claimed = peer.claim(W::node(&first))?;
    let mut subscription = ads.engine().subscribe(claimed).await;
    let served = subscription.now();
    tracing::info!(target: "meshctl::ads", node = &*served.node.id, workload = %served.node.workload.key, "connected");
    let listed = ads.registry().open(peer.address, peer.proven, Session::new(W::VARIANT), served);
    let done = converse::<W>(ads, &listed, &mut subscription, first, requests, responses).await;
    let node = Arc::clone(&listed.stream.served.lock()).node.id.clone();
    tracing::info!(target: "meshctl::ads", node = &*node, "gone");
    done
}

async fn converse<W: Wire>(
    ads: &Ads,
    listed: &Listed,
    subscription: &mut Subscription,
    first: W::Request,
    requests: &mut Streaming<W::Request>,
    responses: &Sender<Result<W::Response, Status>>,
) -> Result<(), Status> {
    let stream = &*listed.stream;
    take::<W>(ads, stream, &first);
    loop {
        while let Some(push) = due(stream) {
            ads.metrics().pushed(&push);
            // A client that does not read stops this stream here, and nothing is queued for it.
            if responses.send(Ok(W::response(push))).await.is_err() {
                return Ok(());
            }
        }
        tokio::select! {
            request = requests.message() => match request? {
                Some(request) => take::<W>(ads, stream, &request),
                None => return Ok(()),
            },
            more = subscription.changed() => {
                if !more {
                    return Err(Status::unavailable("the control plane ends"));
                }
                *stream.served.lock() = subscription.now();
            }
        }
    }
}

fn due(stream: &Stream) -> Option<Push> {
    let served = Arc::clone(&stream.served.lock());
    stream.session.lock().next(&served)
}

fn take<W: Wire>(ads: &Ads, stream: &Stream, request: &W::Request) {
    let mut session = stream.session.lock();
    let Some(kind) = W::take(&mut session, request) else { return };
    let refusal = session.kinds().get(&kind).and_then(|subscription| subscription.refusal.as_ref());
    if let Some(refusal) = refusal {
        ads.metrics().refused(kind);
        let served = Arc::clone(&stream.served.lock());
        let blamed = blame(kind, refusal, &served);
        let node = &*served.node.id;
        tracing::warn!(target: "meshctl::ads", node, kind = kind.short(), "refused: {}", blamed);
    }
}
