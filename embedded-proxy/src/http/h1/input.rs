//! Bytes that came in and were not taken yet. The buffer grows with what arrives and is given back when a connection idles.

use std::future::Future as _;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;

use crate::net::Io;

/// First size of a buffer: most heads fit.
const SMALL: usize = 4 * 1024;

/// Size of a buffer while a body streams.
const LARGE: usize = 64 * 1024;

/// With less room than this a buffer is made larger before it is read into.
const LEAST: usize = 1024;

/// The read buffer of a connection.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Bytes not taken yet.
    pub bytes: BytesMut,
    /// The peer ended its side.
    pub ended: bool,
    full: bool,
}

impl Input {
    /// Reads once. The count; 0 is the end. No system call is made while nothing has arrived.
    pub fn poll_fill(&mut self, io: &mut Io, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        if self.full {
            self.bytes.reserve(LARGE);
        } else if self.bytes.capacity() - self.bytes.len() < LEAST {
            self.bytes.reserve(SMALL);
        }
        let count = ready!(pin!(io.read_buf(&mut self.bytes)).poll(cx))?;
        self.full = self.bytes.len() == self.bytes.capacity();
        self.ended = count == 0;
        Poll::Ready(Ok(count))
    }

    /// Waits for bytes without holding a buffer: an idle connection costs no memory. Afterwards [`Input::poll_fill`].
    pub fn poll_idle(&mut self, io: &mut Io, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.bytes.capacity() == 0
            && let Some(tcp) = io.plain()
        {
            ready!(tcp.poll_read_ready(cx))?;
        }
        let filled = self.poll_fill(io, cx);
        if filled.is_pending() && self.bytes.is_empty() {
            self.bytes = BytesMut::new();
        }
        filled
    }
}
