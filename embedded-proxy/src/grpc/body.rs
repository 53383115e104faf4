//! Bodies between tonic and the proxy.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body as _;
use parking_lot::Mutex;

use crate::http::{Body, BodyStream, Frame, Headers, StreamError};

/// A body of tonic's as one of ours. The mutex only makes it `Sync`; it is never locked.
pub(super) struct Outgoing(pub Mutex<tonic::body::Body>);

impl BodyStream for Outgoing {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let body = self.get_mut().0.get_mut();
        loop {
            let frame = match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                None => return Poll::Ready(None),
                Some(Err(_)) => return Poll::Ready(Some(Err(StreamError::Protocol("a message could not be encoded")))),
                Some(Ok(frame)) => frame,
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => return Poll::Ready(Some(Ok(Frame::Data(data)))),
                Err(frame) => {
                    let trailers = frame.into_trailers().unwrap_or_default();
                    return Poll::Ready(Some(Ok(Frame::Trailers(Headers::from(trailers)))));
                }
            }
        }
    }
}

/// A body of ours for tonic.
pub(super) struct Incoming(pub Body);

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, StreamError>>> {
        let frame = ready!(self.get_mut().0.poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| match frame {
                Frame::Data(data) => http_body::Frame::data(data),
                Frame::Trailers(trailers) => http_body::Frame::trailers(trailers.into_map()),
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }
}
