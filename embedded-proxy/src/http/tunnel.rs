//! Bytes both ways over one HTTP exchange: what is written is the request's body, what is read is the response's.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::ReadBuf;

use super::{Body, BodyStream, Frame, Headers, StreamError};

/// Bytes taken at once.
const PIECE: usize = 64 * 1024;

/// The request's side: at most one piece is between writer and connection.
#[derive(Debug, Default)]
struct Slot {
    piece: Option<Bytes>,
    ended: bool,
    /// The writer went away before its end.
    broken: bool,
    /// Nobody will take anything any more.
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The request's body.
struct Upload(Arc<Mutex<Slot>>);

impl BodyStream for Upload {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        let mut slot = self.0.lock();
        if let Some(piece) = slot.piece.take() {
            if let Some(writer) = slot.writer.take() {
                writer.wake();
            }
            return Poll::Ready(Some(Ok(Frame::Data(piece))));
        }
        if slot.broken {
            return Poll::Ready(Some(Err(StreamError::Disconnected)));
        }
        if slot.ended {
            return Poll::Ready(None);
        }
        slot.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let mut slot = self.0.lock();
        slot.closed = true;
        if let Some(writer) = slot.writer.take() {
            writer.wake();
        }
    }
}

/// A tunnel whose request was not answered yet. Dropping it breaks the request off.
#[derive(Debug)]
pub struct Opening(Arc<Mutex<Slot>>);

impl Opening {
    /// A tunnel, and the body of the request that opens it: it waits for what is written later.
    pub fn new() -> (Self, Body) {
        let slot = Arc::new(Mutex::new(Slot::default()));
        (Self(slot.clone()), Body::stream(Upload(slot)))
    }

    /// The response accepted it; `download` is its body.
    pub fn accepted(self, download: Body) -> Tunnel {
        let upload = Writer(self.0);
        Tunnel { upload, download, rest: Bytes::new(), ended: false, trailers: Arc::default() }
    }
}

/// Breaks the request off when it goes before its end.
#[derive(Debug)]
struct Writer(Arc<Mutex<Slot>>);

impl Drop for Writer {
    fn drop(&mut self) {
        let mut slot = self.0.lock();
        slot.broken = !slot.ended;
        if let Some(reader) = slot.reader.take() {
            reader.wake();
        }
    }
}

/// An open tunnel.
#[derive(Debug)]
pub struct Tunnel {
    upload: Writer,
    download: Body,
    rest: Bytes,
    ended: bool,
    trailers: Arc<Mutex<Option<Headers>>>,
}

impl Tunnel {
    /// Where the trailers of the response are put when they come.
    pub fn trailers(&self) -> Arc<Mutex<Option<Headers>>> {
        self.trailers.clone()
    }

    /// Reads what the response's body brings.
    pub fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.rest.is_empty() && !self.ended {
            match ready!(self.download.poll_frame(cx)) {
                Some(Ok(Frame::Data(data))) => self.rest = data,
                Some(Ok(Frame::Trailers(trailers))) => {
                    *self.trailers.lock() = Some(trailers);
                    self.ended = true;
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::ConnectionAborted, error)));
                }
                None => self.ended = true,
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(buf.remaining()));
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }

    /// Takes bytes for the request's body.
    pub fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut slot = self.upload.0.lock();
        if slot.closed || slot.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if slot.piece.is_some() {
            slot.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let taken = bytes.len().min(PIECE);
        slot.piece = Some(Bytes::copy_from_slice(&bytes[..taken]));
        if let Some(reader) = slot.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(taken))
    }

    /// Ends the request's body; the response's goes on.
    pub fn end(&mut self) {
        let mut slot = self.upload.0.lock();
        slot.ended = true;
        if let Some(reader) = slot.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;
    use crate::net::Io;

    #[tokio::test]
    async fn both_bodies_are_one_stream_of_bytes() {
        let (opening, mut body) = Opening::new();
        let down = Body::ended(Bytes::from_static(b"answer"), Some(Headers::new()));
        let tunnel = opening.accepted(down);
        let trailers = tunnel.trailers();
        let mut io = Io::Tunnel(Box::new(tunnel));
        let write = async {
            io.write_all(&vec![b'q'; 200_000]).await.unwrap();
            io.shutdown().await.unwrap();
            let mut answer = String::new();
            io.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let (answer, collected) = tokio::join!(write, body.collect(1_000_000));
        assert_eq!(answer, "answer");
        assert_eq!(collected.unwrap().0.len(), 200_000);
        assert!(trailers.lock().is_some());
    }

    #[tokio::test]
    async fn what_breaks_off_does_not_look_complete() {
        let (opening, mut body) = Opening::new();
        drop(opening.accepted(Body::Empty));
        assert_eq!(body.frame().await, Some(Err(StreamError::Disconnected)));
        let (opening, body) = Opening::new();
        let mut io = Io::Tunnel(Box::new(opening.accepted(Body::Empty)));
        drop(body);
        assert_eq!(io.write(b"x").await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
