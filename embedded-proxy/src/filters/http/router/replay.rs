//! The request's body on its way upstream: passed through, noticed when it ends, and kept as long as a retry or a copy
//! may need it from the beginning.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::http::{Body, BodyStream, Frame, StreamError};

/// A body that can be sent several times.
#[derive(Debug, Clone)]
pub(super) enum Replay {
    /// None at all.
    Empty,
    /// All of it, at hand.
    Full(Bytes),
    /// A stream.
    Stream(Arc<Mutex<Kept>>),
}

/// A streamed body and what is kept of it.
#[derive(Debug)]
pub(super) struct Kept {
    source: Body,
    frames: Vec<Frame>,
    /// Frames that the source gave.
    given: usize,
    size: u64,
    limit: u64,
    state: State,
    ended_at: Option<Instant>,
    wakers: Vec<Waker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Frames are kept.
    Keeping,
    /// There were more than may be kept: the beginning is gone.
    TooLarge,
    /// The beginning is gone because nobody needs it.
    LetGo,
}

/// What became of keeping a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeping {
    /// It can be sent again.
    Whole,
    /// It cannot: it is larger than what may be kept.
    TooLarge,
}

impl Replay {
    /// A body of which up to `limit` bytes are kept; none with `keep` false.
    pub(super) fn new(body: Body, keep: bool, limit: u64) -> Self {
        match body {
            Body::Empty => Self::Empty,
            Body::Full(bytes) if bytes.is_empty() => Self::Empty,
            Body::Full(bytes) => Self::Full(bytes),
            source @ Body::Stream(_) => Self::Stream(Arc::new(Mutex::new(Kept {
                source,
                frames: Vec::new(),
                given: 0,
                size: 0,
                limit,
                state: if keep { State::Keeping } else { State::LetGo },
                ended_at: None,
                wakers: Vec::new(),
            }))),
        }
    }

    /// The body for an attempt: what was kept, then the rest from the client.
    pub(super) fn body(&self) -> Body {
        self.reader(true)
    }

    /// The body for a copy: it never asks the client for more, but follows what attempts ask for.
    pub(super) fn follower(&self) -> Body {
        self.reader(false)
    }

    fn reader(&self, leads: bool) -> Body {
        match self {
            Self::Empty => Body::Empty,
            Self::Full(bytes) => Body::Full(bytes.clone()),
            Self::Stream(kept) => Body::stream(Reader { kept: kept.clone(), next: 0, leads }),
        }
    }

    /// When the client had sent all of it. `start` is when the request began.
    pub(super) fn ended_at(&self, start: Instant) -> Option<Instant> {
        match self {
            Self::Empty | Self::Full(_) => Some(start),
            Self::Stream(kept) => kept.lock().ended_at,
        }
    }

    /// Whether it can be sent again.
    pub(super) fn keeping(&self) -> Keeping {
        match self {
            Self::Stream(kept) if kept.lock().state != State::Keeping => Keeping::TooLarge,
            _ => Keeping::Whole,
        }
    }

    /// Lets go of what was kept: no attempt will follow. Copies on their way keep getting theirs.
    pub(super) fn let_go(&self) {
        let Self::Stream(kept) = self else { return };
        if Arc::strong_count(kept) > 2 {
            return; // A copy still follows.
        }
        let mut kept = kept.lock();
        if kept.state == State::Keeping {
            kept.state = State::LetGo;
            kept.frames = Vec::new();
        }
    }
}

impl Kept {
    fn keep(&mut self, frame: &Frame) {
        self.given += 1;
        if self.state != State::Keeping {
            return;
        }
        if let Frame::Data(data) = frame {
            self.size += data.len() as u64;
        }
        if self.size > self.limit {
            self.state = State::TooLarge;
            self.frames = Vec::new();
        } else {
            self.frames.push(frame.clone());
        }
    }

    /// Asks the client for more.
    fn pull(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let frame = std::task::ready!(self.source.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                self.keep(frame);
                if matches!(frame, Frame::Trailers(_)) || self.source.size() == Some(0) {
                    self.ended_at = Some(Instant::now());
                }
            }
            Some(Err(_)) => {}
            None => self.ended_at = self.ended_at.or_else(|| Some(Instant::now())),
        }
        self.wakers.drain(..).for_each(Waker::wake);
        Poll::Ready(frame)
    }
}

struct Reader {
    kept: Arc<Mutex<Kept>>,
    next: usize,
    leads: bool,
}

impl BodyStream for Reader {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let reader = self.get_mut();
        let mut kept = reader.kept.lock();
        if reader.next < kept.given {
            let frame = kept.frames.get(reader.next).cloned();
            reader.next += 1;
            // The beginning is gone: a copy that was slower than the request ends here.
            return Poll::Ready(Some(frame.ok_or(StreamError::TooLarge)));
        }
        if kept.ended_at.is_some() && kept.source.size() == Some(0) {
            return Poll::Ready(None);
        }
        if !reader.leads {
            if kept.ended_at.is_some() {
                return Poll::Ready(None);
            }
            kept.wakers.push(cx.waker().clone());
            return Poll::Pending;
        }
        let frame = std::task::ready!(kept.pull(cx));
        reader.next = kept.given;
        Poll::Ready(frame)
    }

    fn size(&self) -> Option<u64> {
        let kept = self.kept.lock();
        if self.next == kept.given {
            return kept.source.size();
        }
        let rest = kept.frames.get(self.next..)?;
        let ahead: u64 =
            rest.iter().map(|frame| if let Frame::Data(data) = frame { data.len() as u64 } else { 0 }).sum();
        Some(ahead + kept.source.size()?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    struct Pieces(VecDeque<&'static str>);

    impl BodyStream for Pieces {
        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::Data(Bytes::from_static(piece.as_bytes())))))
        }
    }

    fn replay(limit: u64) -> Replay {
        Replay::new(Body::stream(Pieces(["ab", "c", "d"].into())), true, limit)
    }

    async fn all(body: &mut Body) -> Result<Vec<Bytes>, StreamError> {
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Frame::Data(data) = frame? {
                pieces.push(data);
            }
        }
        Ok(pieces)
    }

    #[tokio::test]
    async fn a_second_attempt_gets_everything_from_the_beginning() {
        let replay = replay(10);
        let mut first = replay.body();
        assert_eq!(first.frame().await, Some(Ok(Frame::Data("ab".into()))));
        assert_eq!(replay.ended_at(Instant::now()), None);
        drop(first);
        assert_eq!(all(&mut replay.body()).await.unwrap(), ["ab", "c", "d"]);
        assert!(replay.ended_at(Instant::now()).is_some());
        assert_eq!(all(&mut replay.follower()).await.unwrap(), ["ab", "c", "d"]);
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_passes_once() {
        let replay = replay(2);
        assert_eq!(all(&mut replay.body()).await.unwrap(), ["ab", "c", "d"]);
        assert_eq!(replay.keeping(), Keeping::TooLarge);
        assert_eq!(all(&mut replay.follower()).await, Err(StreamError::TooLarge));
    }
}
