//! A connection whose bytes are counted, with something that lives as long as it.

use std::any::Any;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::Io;
use crate::telemetry::stats::Counter;

/// See the module.
#[derive(Debug)]
pub struct Counted {
    pub(super) io: Io,
    rx: Arc<Counter>,
    tx: Arc<Counter>,
    /// Set when the peer has closed its side or the connection.
    closed: Arc<AtomicBool>,
    _guard: Option<Box<dyn Any + Send + Sync>>,
}

impl Counted {
    /// Counts bytes received in `rx` and bytes sent in `tx`; notes in `closed` that the peer closed.
    pub fn new(io: Io, rx: Arc<Counter>, tx: Arc<Counter>, closed: Arc<AtomicBool>) -> Self {
        Self { io, rx, tx, closed, _guard: None }
    }

    /// With a guard that is dropped with the connection.
    pub fn guarded(self, guard: Box<dyn Any + Send + Sync>) -> Self {
        Self { _guard: Some(guard), ..self }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let room = buf.remaining();
        let read = ready!(Pin::new(&mut self.io).poll_read(cx, buf));
        let count = buf.filled().len() - before;
        if read.is_err() || (count == 0 && room > 0) {
            self.closed.store(true, Ordering::Relaxed);
        }
        self.rx.add(count as u64);
        Poll::Ready(read)
    }

    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.io.poll_closed(cx));
        self.closed.store(true, Ordering::Relaxed);
        Poll::Ready(())
    }

    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        self.tx.add(written as u64);
        Poll::Ready(Ok(written))
    }

    pub(super) fn poll_write_vectored(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, slices))?;
        self.tx.add(written as u64);
        Poll::Ready(Ok(written))
    }
}
