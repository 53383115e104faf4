//! A TCP connection whose end shows even while nobody takes what it sent before.
//!
//! What has arrived hides what comes behind it: a socket with unread bytes stays readable, and whoever does not want these
//! bytes yet is told nothing new. So the runtime's note "readable" is taken away while the end is waited for, and bytes
//! that wait are then read without it.

use std::future::Future as _;
use std::io::{self, Read as _};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead as _, Interest, ReadBuf};
use tokio::net::TcpStream;

/// See the module.
#[derive(Debug)]
pub struct Tcp {
    pub(super) stream: TcpStream,
    /// Bytes may wait without the runtime knowing.
    unnoted: bool,
}

impl From<TcpStream> for Tcp {
    fn from(stream: TcpStream) -> Self {
        Self { stream, unnoted: false }
    }
}

impl Tcp {
    /// The connection, if the runtime knows when it is readable.
    pub(super) fn noted(&self) -> Option<&TcpStream> {
        (!self.unnoted).then_some(&self.stream)
    }

    /// Ready when the peer has ended its side or the connection broke, whatever waits to be read. For the task that reads,
    /// while it does not read.
    pub(super) fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.unnoted = true;
            // The error is the point: it takes the note away.
            let _ = self.stream.try_io(Interest::READABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
            if ready!(self.stream.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            match pin!(self.stream.ready(Interest::READABLE)).poll(cx) {
                Poll::Ready(Ok(state)) if !state.is_read_closed() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {}
            }
        }
    }

    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.unnoted {
            let room = buf.remaining();
            match (&*SockRef::from(&self.stream)).read(buf.initialize_unfilled()) {
                Ok(count) => {
                    buf.advance(count);
                    // All was taken: what comes from here on is noted again.
                    self.unnoted = count == room;
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.unnoted = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::time::timeout;

    use super::*;
    use crate::net::Io;

    async fn pair() -> (TcpStream, Io) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), Io::Tcp(server.unwrap().0.into()))
    }

    async fn closed(io: &mut Io) -> bool {
        timeout(Duration::from_millis(50), poll_fn(|cx| io.poll_closed(cx))).await.is_ok()
    }

    #[tokio::test]
    async fn the_end_shows_behind_unread_bytes_and_none_is_lost() {
        let (mut client, mut io) = pair().await;
        client.write_all(b"one").await.unwrap();
        assert!(!closed(&mut io).await, "bytes are no end");
        client.write_all(b"two").await.unwrap();
        assert!(!closed(&mut io).await);
        let mut some = [0; 4];
        io.read_exact(&mut some).await.unwrap();
        assert!(io.plain().is_none(), "the runtime does not know of the rest");
        assert!(!closed(&mut io).await);
        client.shutdown().await.unwrap();
        assert!(closed(&mut io).await);
        let mut rest = Vec::new();
        io.read_to_end(&mut rest).await.unwrap();
        assert_eq!([&some[..], &rest].concat(), b"onetwo");
    }

    #[tokio::test]
    async fn a_reset_is_an_end() {
        let (mut client, mut io) = pair().await;
        client.write_all(b"one").await.unwrap();
        assert!(!closed(&mut io).await);
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        assert!(closed(&mut io).await);
    }

    #[tokio::test]
    async fn reading_goes_on_as_if_nobody_had_asked() {
        let (mut client, mut io) = pair().await;
        assert!(!closed(&mut io).await);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            io.read_to_end(&mut all).await.map(|_| all)
        });
        for _ in 0..3 {
            tokio::task::yield_now().await;
            client.write_all(&vec![7; 100_000]).await.unwrap();
        }
        drop(client);
        assert_eq!(reading.await.unwrap().unwrap().len(), 300_000);
    }
}
