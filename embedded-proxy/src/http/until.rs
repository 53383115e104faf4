//! A body that may last only so long.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use super::{Body, BodyStream, Frame, StreamError};

struct Until {
    body: Body,
    end: Pin<Box<Sleep>>,
}

impl BodyStream for Until {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        match self.body.poll_frame(cx) {
            Poll::Pending => self.end.as_mut().poll(cx).map(|()| Some(Err(StreamError::Duration))),
            frame @ Poll::Ready(_) => frame,
        }
    }

    fn size(&self) -> Option<u64> {
        self.body.size()
    }
}

impl Body {
    /// The same body; it fails when it waits at `end` or later.
    #[must_use]
    pub fn until(self, end: Instant) -> Self {
        if self.is_empty() { self } else { Self::stream(Until { body: self, end: Box::pin(sleep_until(end)) }) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Never;

    impl BodyStream for Never {
        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_ended() {
        let begun = Instant::now();
        let mut body = Body::stream(Never).until(begun + Duration::from_secs(3));
        assert_eq!(body.frame().await, Some(Err(StreamError::Duration)));
        assert_eq!(begun.elapsed().as_secs(), 3);
    }
}
