//! Bytes on their way out: small pieces are gathered, a large one is sent from where it lies.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::AsyncWrite as _;

use crate::net::Io;

/// Pieces up to this size are copied behind the head: cheaper than one more slice for the kernel.
const COPY: usize = 4096;

/// More is only taken below this many bytes: back pressure for the sender.
const ROOM: usize = 16 * 1024;

/// What a connection still has to write: gathered bytes, then at most one large piece, then what closes it.
#[derive(Debug, Default)]
pub(super) struct Out {
    /// Gathered bytes.
    pub bytes: Vec<u8>,
    written: usize,
    large: Bytes,
    behind: &'static [u8],
    total: u64,
    unflushed: bool,
}

impl Out {
    /// Whether more may be added now.
    pub fn has_room(&self) -> bool {
        self.large.is_empty() && self.behind.is_empty() && self.bytes.len() < ROOM
    }

    /// Whether everything was written.
    pub fn is_empty(&self) -> bool {
        self.written == self.bytes.len() && self.large.is_empty() && self.behind.is_empty()
    }

    /// Bytes that reached the transport so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Adds a piece and what follows it. Only while there is room.
    pub fn piece(&mut self, data: Bytes, behind: &'static [u8]) {
        if data.len() <= COPY {
            self.bytes.extend_from_slice(&data);
            self.bytes.extend_from_slice(behind);
        } else {
            self.large = data;
            self.behind = behind;
        }
    }

    /// Writes all of it and flushes.
    pub fn poll_write(&mut self, io: &mut Io, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let slices =
                [IoSlice::new(&self.bytes[self.written..]), IoSlice::new(&self.large), IoSlice::new(self.behind)];
            let io = Pin::new(&mut *io);
            let count = if self.large.is_empty() && self.behind.is_empty() {
                ready!(io.poll_write(cx, &slices[0]))?
            } else if self.written == self.bytes.len() {
                ready!(io.poll_write_vectored(cx, &slices[1..]))?
            } else {
                ready!(io.poll_write_vectored(cx, &slices))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.total += count as u64;
            self.unflushed = true;
            self.consume(count);
        }
        if self.unflushed {
            ready!(Pin::new(io).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn consume(&mut self, mut count: usize) {
        let gathered = count.min(self.bytes.len() - self.written);
        self.written += gathered;
        count -= gathered;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.written = 0;
        }
        let large = count.min(self.large.len());
        self.large.advance(large);
        self.behind = &self.behind[count - large..];
        if self.large.is_empty() {
            self.large = Bytes::new();
        }
    }

    /// Gives memory back that a small response does not need: the connection goes idle.
    pub fn release(&mut self) {
        if self.is_empty() && self.bytes.capacity() > COPY / 2 {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn order_is_kept_over_small_pipes() {
        let (ours, mut theirs) = tokio::io::duplex(7);
        let mut io = Io::Memory(ours);
        let mut out = Out::default();
        out.bytes.extend_from_slice(b"head ");
        out.piece(Bytes::from_static(b"small "), b"| ");
        out.piece(Bytes::from(vec![b'x'; 5000]), b" end");
        assert!(!out.has_room());
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.unwrap();
            all
        });
        poll_fn(|cx| out.poll_write(&mut io, cx)).await.unwrap();
        assert!(out.is_empty() && out.has_room());
        drop(io);
        let all = reader.await.unwrap();
        assert!(all.starts_with(b"head small | xxx") && all.ends_with(b"xxx end"));
        assert_eq!(all.len(), 13 + 5000 + 4);
    }
}
