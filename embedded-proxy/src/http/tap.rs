//! Bodies made from other bodies: ones whose frames somebody looks at, and ones that are all here.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::{Body, BodyStream, Frame, Headers, StreamError};

struct Tap<F> {
    body: Body,
    see: F,
}

impl<F: FnMut(&mut Frame) + Send + Sync + Unpin> BodyStream for Tap<F> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let tap = self.get_mut();
        let mut frame = ready!(tap.body.poll_frame(cx));
        if let Some(Ok(frame)) = &mut frame {
            (tap.see)(frame);
        }
        Poll::Ready(frame)
    }

    fn size(&self) -> Option<u64> {
        self.body.size()
    }
}

struct Ahead {
    frames: VecDeque<Frame>,
    rest: Body,
}

impl BodyStream for Ahead {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => self.rest.poll_frame(cx),
        }
    }

    fn size(&self) -> Option<u64> {
        let ahead: usize =
            self.frames.iter().map(|frame| if let Frame::Data(data) = frame { data.len() } else { 0 }).sum();
        Some(ahead as u64 + self.rest.size()?)
    }
}

impl Body {
    /// The same body; `see` gets each frame on its way and may change trailers (and data of equal length).
    #[must_use]
    pub fn tapped(self, see: impl FnMut(&mut Frame) + Send + Sync + Unpin + 'static) -> Self {
        if self.is_empty() { self } else { Self::stream(Tap { body: self, see }) }
    }

    /// Reads until there are more than `limit` bytes or the end, and returns what was read: bytes, trailers, and whether
    /// that was all. The rest stays in the body; [`Body::behind`] puts what was read back.
    pub async fn read_ahead(&mut self, limit: usize) -> Result<(Bytes, Option<Headers>, bool), StreamError> {
        let mut collected = bytes::BytesMut::new();
        while collected.len() <= limit {
            match self.frame().await.transpose()? {
                Some(Frame::Data(data)) => collected.extend_from_slice(&data),
                Some(Frame::Trailers(trailers)) => return Ok((collected.freeze(), Some(trailers), true)),
                None => return Ok((collected.freeze(), None, true)),
            }
        }
        Ok((collected.freeze(), None, false))
    }

    /// A body that is all here: bytes, then trailers if there are some.
    pub fn ended(bytes: Bytes, trailers: Option<Headers>) -> Self {
        match trailers {
            None => bytes.into(),
            Some(trailers) => Self::Empty.behind(bytes, Some(trailers)),
        }
    }

    /// This body with bytes that were read from it put back in front.
    #[must_use]
    pub fn behind(self, bytes: Bytes, trailers: Option<Headers>) -> Self {
        let mut frames = VecDeque::with_capacity(2);
        if !bytes.is_empty() {
            frames.push_back(Frame::Data(bytes));
        }
        frames.extend(trailers.map(Frame::Trailers));
        Self::stream(Ahead { frames, rest: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_read_comes_again() {
        let mut body = Body::Full(Bytes::from_static(b"cd")).behind(Bytes::from_static(b"ab"), None);
        assert_eq!(body.size(), Some(4));
        assert_eq!(body.collect(9).await.unwrap(), (Bytes::from_static(b"abcd"), true));
    }

    #[tokio::test]
    async fn a_tap_sees_each_frame() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let sender = parking_lot::Mutex::new(sender);
        let mut body = Body::ended(Bytes::from_static(b"ab"), Some(Headers::new()))
            .tapped(move |frame| sender.lock().send(matches!(frame, Frame::Data(_))).unwrap());
        while body.frame().await.is_some() {}
        assert_eq!(receiver.try_iter().collect::<Vec<_>>(), [true, false]);
    }
}
