//! A body on its way to the wire.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite as _;

use super::encode::Encoder;
use super::out::Out;
use crate::http::{Body, Frame, StreamError};
use crate::net::Io;

/// Where a body goes. The body is never asked for frames while this is in use: it may need the same connection.
pub(super) trait Sink {
    /// Writes and flushes all of `out`.
    fn poll_write(&mut self, out: &mut Out, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends our side.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Sink for Io {
    fn poll_write(&mut self, out: &mut Out, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        out.poll_write(self, cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self).poll_shutdown(cx)
    }
}

/// Why a body could not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UploadError {
    /// The body itself failed.
    Body(StreamError),
    /// The connection failed.
    Transport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The body still has frames.
    Body,
    /// The body ended; its last bytes are on their way.
    Flush,
    /// The tunnel's end is told to the peer.
    Shutdown,
    Done,
}

/// A body, what encodes it, and how far it is.
#[derive(Debug)]
pub(super) struct Upload {
    body: Body,
    encoder: Encoder,
    stage: Stage,
    /// The end of the body is the end of our side of the connection.
    tunnel: bool,
    /// Bytes of the body taken so far.
    pub bytes: u64,
    fits: bool,
}

impl Upload {
    pub fn new(body: Body, encoder: Encoder, tunnel: bool) -> Self {
        Self { body, encoder, stage: Stage::Body, tunnel, bytes: 0, fits: true }
    }

    /// Whether all of it was written.
    pub fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Whether the body was as long as its head promised.
    pub fn fits(&self) -> bool {
        self.fits
    }

    /// Takes frames and writes them until the body is over and all is written. Small pieces go out together, and
    /// with the head that may lie in `out`.
    pub fn poll(&mut self, sink: &mut impl Sink, out: &mut Out, cx: &mut Context<'_>) -> Poll<Result<(), UploadError>> {
        loop {
            let waits = self.stage == Stage::Body && self.gather(out, cx)?;
            match self.stage {
                Stage::Body | Stage::Flush => {
                    ready!(sink.poll_write(out, cx)).map_err(|_| UploadError::Transport)?;
                    if self.stage == Stage::Flush {
                        self.stage = if self.tunnel { Stage::Shutdown } else { Stage::Done };
                    } else if waits {
                        return Poll::Pending;
                    }
                }
                Stage::Shutdown => {
                    ready!(sink.poll_shutdown(cx)).map_err(|_| UploadError::Transport)?;
                    self.stage = Stage::Done;
                }
                Stage::Done => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Fills the buffer. True: the body has nothing more for now.
    fn gather(&mut self, out: &mut Out, cx: &mut Context<'_>) -> Result<bool, UploadError> {
        while out.has_room() {
            let trailers = match self.body.poll_frame(cx) {
                Poll::Pending => return Ok(true),
                Poll::Ready(Some(Ok(Frame::Data(data)))) => {
                    self.bytes += data.len() as u64;
                    if self.encoder.data(out, data) {
                        continue;
                    }
                    self.fits = false;
                    None
                }
                Poll::Ready(Some(Ok(Frame::Trailers(trailers)))) => Some(trailers),
                Poll::Ready(Some(Err(error))) => return Err(UploadError::Body(error)),
                Poll::Ready(None) => None,
            };
            self.fits &= self.encoder.end(out, trailers.as_ref());
            self.body = Body::Empty;
            self.stage = Stage::Flush;
            return Ok(false);
        }
        Ok(false)
    }
}
