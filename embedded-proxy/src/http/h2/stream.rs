//! One exchange on the server side: a request to the connection manager, its response to the client.

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{StatusCode, header};
use tokio::time::Instant;

use crate::hcm::{Hcm, Overdue, Served, drop_as_reset};
use crate::http::{Body, Request, StreamError};
use crate::stream::{Connection, Flag};

use super::body::{Incoming, Inflow, Outgoing, SendFailure};
use super::head;
use super::watch::{Late, Watched};

/// How an exchange ended, for the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// By its response, or by us.
    Here,
    /// The client reset the stream before its response was complete.
    ByClient,
}

/// Serves one request. Dropping the future is the client going away.
pub(super) async fn exchange(
    hcm: Arc<Hcm>,
    connection: Arc<Connection>,
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    watched: Watched,
) -> Ended {
    let (parts, stream) = request.into_parts();
    if parts.headers.len() > hcm.max_fields {
        // As Envoy answers it.
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ended::Here;
    }
    let (body, inflow) = match Incoming::watched(stream) {
        Some((body, inflow)) => (body, Some(inflow)),
        None => (Body::Empty, None),
    };
    let mut head = head::request_in(parts, connection.scheme());
    if !body.is_empty() && head.headers.get(&header::EXPECT).is_some_and(|value| value == "100-continue") {
        let mut go_on = http::Response::new(());
        *go_on.status_mut() = StatusCode::CONTINUE;
        if respond.send_informational(go_on).is_ok() {
            head.headers.remove(&header::EXPECT);
        }
    }
    let upgrade = head.upgrade.is_some();
    let overdue = Overdue::default();
    let served = {
        let mut place = pin!(Some(hcm.serve(&connection, Request { head, body }, &overdue)));
        poll_fn(|cx| {
            // First: a request that breaks off because of the reset would be answered otherwise.
            if let Poll::Ready(why) = respond.poll_reset(cx) {
                if why.is_ok() {
                    drop_as_reset(|| place.set(None));
                }
                return Poll::Ready(None);
            }
            let Some(mut serving) = place.as_mut().as_pin_mut() else { return Poll::Ready(None) };
            if let Poll::Ready(served) = serving.as_mut().poll(cx) {
                return Poll::Ready(Some(served));
            }
            let Some(inflow) = inflow.as_ref().filter(|inflow| !inflow.ended()) else { return Poll::Pending };
            let why = match watched.waits(inflow.received(), cx) {
                None => return Poll::Pending,
                Some(Late::Idle) => StreamError::IdleTimeout,
                Some(Late::Request) => StreamError::Timeout,
            };
            // Whoever waits for the rest of the request hears of it now; whoever does not is not waited for.
            inflow.fail(why);
            overdue.set(why);
            serving.poll(cx).map(Some)
        })
        .await
    };
    match served {
        Some(served) => answer(served, respond, upgrade, &watched, inflow.as_deref()).await,
        None => Ended::ByClient,
    }
}

/// Sends the response.
async fn answer(
    mut served: Served,
    mut respond: SendResponse<Bytes>,
    upgrade: bool,
    watched: &Watched,
    inflow: Option<&Inflow>,
) -> Ended {
    let body = std::mem::take(&mut served.response.body);
    let ends = head::ends(&served.response.head, &body);
    let response = head::response_out(&served.response.head, upgrade);
    served.info().response_started = Some(Instant::now());
    let Ok(mut stream) = respond.send_response(response, ends) else {
        drop_as_reset(|| served);
        return Ended::ByClient;
    };
    let mut outgoing = Outgoing::new(body);
    let send = poll_fn(|cx| match outgoing.poll(&mut stream, cx) {
        Poll::Ready(sent) => Poll::Ready(sent),
        Poll::Pending => {
            let progress = 1 + outgoing.sent + inflow.map_or(0, Inflow::received);
            match watched.waits(progress, cx) {
                Some(Late::Idle) => Poll::Ready(Err(SendFailure::Source(StreamError::IdleTimeout))),
                Some(Late::Request) | None => Poll::Pending,
            }
        }
    });
    let sent = if ends { Ok(()) } else { send.await };
    let info = served.info();
    info.bytes_sent += outgoing.sent;
    info.response_sent = Some(Instant::now());
    match sent {
        Ok(()) => {
            served.complete();
            Ended::Here
        }
        Err(SendFailure::Receiver(StreamError::Disconnected)) => Ended::ByClient,
        Err(SendFailure::Receiver(_)) => {
            served.info().details = Some("http2.remote_reset".into());
            served.abort(Flag::DownstreamRemoteReset);
            Ended::ByClient
        }
        Err(SendFailure::Source(error)) => {
            // A reset throws away what is still queued: the connection gets its turn to send that first.
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            stream.send_reset(Reason::INTERNAL_ERROR);
            served.broken(error);
            Ended::Here
        }
    }
}
