//! Bodies that flow no faster than a limit, as Envoy's stream rate limiter does it: in slices of a sixteenth second,
//! beginning with a full second's worth.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::http::{Body, BodyStream, Frame, StreamError};

/// Slices a second.
const SLICES: u64 = 16;

struct Throttled {
    body: Body,
    /// Bytes a slice.
    slice: u64,
    /// Bytes that may go now.
    credit: u64,
    filled: Instant,
    held: Bytes,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// The body at no more than `rate` KiB a second.
pub(super) fn throttled(body: Body, rate: u64) -> Body {
    if body.is_empty() {
        return body;
    }
    let slice = (rate.saturating_mul(1024) / SLICES).max(1);
    let credit = slice.saturating_mul(SLICES);
    Body::stream(Throttled { body, slice, credit, filled: Instant::now(), held: Bytes::new(), sleep: None })
}

impl Throttled {
    fn fill(&mut self) {
        let step = Duration::from_secs(1) / 16;
        let steps = u64::try_from(self.filled.elapsed().as_nanos() / step.as_nanos()).unwrap_or(u64::MAX);
        if steps > 0 {
            let most = self.slice.saturating_mul(SLICES);
            self.credit = self.credit.saturating_add(self.slice.saturating_mul(steps)).min(most);
            self.filled += step * u32::try_from(steps).unwrap_or(u32::MAX);
        }
    }
}

impl BodyStream for Throttled {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        if self.held.is_empty() {
            match ready!(self.body.poll_frame(cx)) {
                Some(Ok(Frame::Data(data))) => self.held = data,
                other => return Poll::Ready(other),
            }
        }
        loop {
            if let Some(sleep) = &mut self.sleep {
                ready!(sleep.as_mut().poll(cx));
                self.sleep = None;
            }
            self.fill();
            if self.credit > 0 {
                let count = self.held.len().min(usize::try_from(self.credit).unwrap_or(usize::MAX));
                self.credit -= count as u64;
                let data = self.held.split_to(count);
                return Poll::Ready(Some(Ok(Frame::Data(data))));
            }
            self.sleep = Some(Box::pin(sleep_until(self.filled + Duration::from_secs(1) / 16)));
        }
    }

    fn size(&self) -> Option<u64> {
        Some(self.body.size()? + self.held.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_takes_its_time() {
        let body = Body::Full(Bytes::from(vec![0; 3 * 1024]));
        let started = Instant::now();
        let (collected, _) = throttled(body, 1).collect(usize::MAX).await.unwrap();
        assert_eq!(collected.len(), 3 * 1024);
        assert_eq!(started.elapsed().as_secs(), 2, "the first second's worth goes at once");
    }
}
