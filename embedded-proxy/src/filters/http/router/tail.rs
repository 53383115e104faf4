//! The body of an upstream response on its way to the client: still under the time limits, counted when it ends.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::{Cluster, Origin};
use crate::http::{Body, BodyStream, Frame, StreamError};
use crate::route::TrafficStats;
use crate::telemetry::stats::Counter;

use super::replay::Replay;
use super::timer::Timer;

/// Counts the end of a response.
#[derive(Debug)]
pub(super) struct End {
    pub(super) cluster: Arc<Cluster>,
    /// Stats of virtual cluster and route.
    pub(super) traffic: [Option<Arc<TrafficStats>>; 2],
    pub(super) origin: Origin,
    /// Whether times are counted at all.
    pub(super) timed: bool,
    /// Responses that broke off.
    pub(super) broken: Arc<Counter>,
    /// When the exchange began.
    pub(super) began: Instant,
    pub(super) request: Replay,
}

impl End {
    /// All of the response is here.
    pub(super) fn complete(&self) {
        let Some(ended) = self.request.ended_at(self.began).filter(|_| self.timed) else { return };
        #[allow(clippy::cast_precision_loss)] // Milliseconds of a request.
        let milliseconds = ended.elapsed().as_millis() as f64;
        self.cluster.requests.time(milliseconds, self.origin);
        for stats in self.traffic.iter().flatten() {
            stats.time.record(milliseconds);
        }
    }
}

/// A body under time limits.
pub(super) struct Tail {
    body: Body,
    end: End,
    whole: Option<Timer>,
    limit: Duration,
    idle: Timer,
    idle_limit: Duration,
}

impl Tail {
    /// The same body with its end counted. `whole` is the running limit of the exchange, `limit` its length.
    pub(super) fn wrap(body: Body, end: End, whole: Option<Timer>, limit: Duration, idle: Duration) -> Body {
        if !matches!(body, Body::Stream(_)) {
            end.complete();
            return body;
        }
        Body::stream(Self { body, end, whole, limit, idle: Timer::after(Instant::now(), idle), idle_limit: idle })
    }

    fn late(&mut self, cx: &mut Context<'_>) -> bool {
        if self.whole.is_none() {
            let ended = self.end.request.ended_at(self.end.began);
            self.whole = ended.map(|ended| Timer::after(ended, self.limit));
        }
        self.whole.as_mut().is_some_and(|whole| whole.poll(cx).is_ready())
    }
}

impl BodyStream for Tail {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let tail = self.get_mut();
        match tail.body.poll_frame(cx) {
            Poll::Ready(frame) => {
                match &frame {
                    None | Some(Ok(Frame::Trailers(_))) => tail.end.complete(),
                    Some(Err(_)) => tail.end.broken.inc(),
                    Some(Ok(Frame::Data(_))) if tail.body.size() == Some(0) => tail.end.complete(),
                    Some(Ok(Frame::Data(_))) if tail.idle.at().is_some() => {
                        tail.idle.move_to(Instant::now().checked_add(tail.idle_limit));
                    }
                    Some(Ok(Frame::Data(_))) => {}
                }
                Poll::Ready(frame)
            }
            Poll::Pending if tail.late(cx) => {
                tail.end.cluster.requests.timeout.inc();
                tail.end.traffic.iter().flatten().for_each(|stats| stats.timeout.inc());
                tail.end.broken.inc();
                Poll::Ready(Some(Err(StreamError::Timeout)))
            }
            Poll::Pending if tail.idle.poll(cx).is_ready() => {
                tail.end.cluster.requests.per_try_idle_timeout.inc();
                tail.end.broken.inc();
                Poll::Ready(Some(Err(StreamError::Timeout)))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn size(&self) -> Option<u64> {
        self.body.size()
    }
}
