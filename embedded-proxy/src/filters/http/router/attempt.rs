//! One attempt: a request on its way to a host, under the time limits of the exchange and of the attempt.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::time::Instant;

use crate::cluster::{Answer, UpstreamError};

use super::replay::Replay;
use super::timeouts::Limits;
use super::timer::Timer;

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Attempt {
    /// With a response.
    Answer(Answer),
    /// Without.
    Reset(UpstreamError),
    /// Time for the whole is up.
    Timeout,
    /// Time for the attempt is up.
    PerTryTimeout,
    /// Nothing came for too long.
    PerTryIdle,
}

/// Waits for the response of `send`. Time counts from the moment the client has sent all of the request.
pub(super) async fn attempt(
    send: impl Future<Output = Result<Answer, UpstreamError>>,
    request: &Replay,
    limits: &Limits,
    whole: &mut Option<Timer>,
    began: Instant,
) -> Attempt {
    let mut send = pin!(send);
    let now = Instant::now();
    let mut idle = Timer::after(now, limits.per_try_idle);
    let mut per_try: Option<Timer> = None;
    poll_fn(|cx| {
        if let Poll::Ready(result) = send.as_mut().poll(cx) {
            return Poll::Ready(match result {
                Ok(answer) => Attempt::Answer(answer),
                Err(error) => Attempt::Reset(error),
            });
        }
        if let Some(ended) = request.ended_at(began) {
            let whole = whole.get_or_insert_with(|| Timer::after(ended, limits.response));
            if whole.poll(cx).is_ready() {
                return Poll::Ready(Attempt::Timeout);
            }
            let per_try = per_try.get_or_insert_with(|| Timer::after(ended.max(now), limits.per_try));
            if per_try.poll(cx).is_ready() {
                return Poll::Ready(Attempt::PerTryTimeout);
            }
        }
        if idle.poll(cx).is_ready() { Poll::Ready(Attempt::PerTryIdle) } else { Poll::Pending }
    })
    .await
}
