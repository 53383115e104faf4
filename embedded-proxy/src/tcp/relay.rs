//! Bytes both ways between two connections until both directions are done.
//!
//! Nothing is allocated while bytes flow: a thread reads into one buffer of its own and writes from there. Only what the
//! slower side does not take at once is kept, at most one reading, and nothing more is read until it is gone.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::net::{Drain, Io};

/// Bytes read at once.
const READ: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into_boxed_slice());
}

/// Why a relay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Both sides had said all.
    Done,
    /// The downstream connection broke.
    Downstream(io::ErrorKind),
    /// The upstream connection broke.
    Upstream(io::ErrorKind),
    /// Nothing moved for the idle timeout.
    Idle,
    /// The connection reached its maximum duration.
    Duration,
    /// The proxy ends connections.
    Drained,
}

/// Limits of time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Longest time in which nothing moves.
    pub idle: Option<Duration>,
    /// Latest end.
    pub deadline: Option<Instant>,
}

/// One direction.
#[derive(Debug, Default)]
struct Way {
    kept: Vec<u8>,
    written: usize,
    unflushed: bool,
    ended: bool,
    closed: bool,
    bytes: u64,
}

/// What broke a direction.
enum Broken {
    Read(io::Error),
    Write(io::Error),
}

impl Way {
    /// Moves what can be moved. Ready when this direction is done.
    fn poll(&mut self, from: &mut Io, to: &mut Io, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        loop {
            ready!(self.poll_kept(to, cx)).map_err(Broken::Write)?;
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                // A peer that is gone already has nothing to be told.
                let _ = ready!(Pin::new(&mut *to).poll_shutdown(cx));
                self.closed = true;
                return Poll::Ready(Ok(()));
            }
            let read = SCRATCH.with_borrow_mut(|scratch| self.poll_once(scratch, from, to, cx));
            match read {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    self.poll_flush(to, cx).map_err(Broken::Write)?;
                    return Poll::Pending;
                }
            }
        }
    }

    /// Writes what was kept.
    fn poll_kept(&mut self, to: &mut Io, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.kept.len() {
            let count = ready!(Pin::new(&mut *to).poll_write(cx, &self.kept[self.written..]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += count;
            self.wrote(count);
        }
        if self.written > 0 {
            self.kept = Vec::new();
            self.written = 0;
        }
        Poll::Ready(Ok(()))
    }

    fn wrote(&mut self, count: usize) {
        self.bytes += count as u64;
        self.unflushed = true;
    }

    fn poll_flush(&mut self, to: &mut Io, cx: &mut Context<'_>) -> io::Result<()> {
        if self.unflushed {
            match Pin::new(to).poll_flush(cx) {
                Poll::Ready(flushed) => {
                    flushed?;
                    self.unflushed = false;
                }
                Poll::Pending => {}
            }
        }
        Ok(())
    }

    /// One reading, written as far as the other side takes it.
    fn poll_once(
        &mut self,
        scratch: &mut [u8],
        from: &mut Io,
        to: &mut Io,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Broken>> {
        let mut buffer = ReadBuf::new(scratch);
        match ready!(Pin::new(from).poll_read(cx, &mut buffer)) {
            Ok(()) => {}
            // TLS peers that close without saying so. Nothing more comes.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            Err(error) => return Poll::Ready(Err(Broken::Read(error))),
        }
        let mut bytes = buffer.filled();
        if bytes.is_empty() {
            self.ended = true;
            return Poll::Ready(Ok(()));
        }
        while !bytes.is_empty() {
            match Pin::new(&mut *to).poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(Broken::Write(io::ErrorKind::WriteZero.into()))),
                Poll::Ready(Ok(count)) => {
                    bytes = &bytes[count..];
                    self.wrote(count);
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(Broken::Write(error))),
                Poll::Pending => {
                    self.kept = bytes.to_vec();
                    break;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// Two connections that are being joined.
#[derive(Debug)]
pub struct Relay {
    downstream: Io,
    upstream: Io,
    up: Way,
    down: Way,
}

impl Relay {
    /// Joins them.
    pub fn new(downstream: Io, upstream: Io) -> Self {
        Self { downstream, upstream, up: Way::default(), down: Way::default() }
    }

    /// Bytes sent upstream and downstream so far.
    pub fn bytes(&self) -> (u64, u64) {
        (self.up.bytes, self.down.bytes)
    }

    fn moved(&self) -> u64 {
        self.up.bytes + self.down.bytes
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        let up = self.up.poll(&mut self.downstream, &mut self.upstream, cx);
        let down = self.down.poll(&mut self.upstream, &mut self.downstream, cx);
        match (up, down) {
            (Poll::Ready(Err(Broken::Read(error))), _) | (_, Poll::Ready(Err(Broken::Write(error)))) => {
                reset(&error, &self.upstream);
                Poll::Ready(End::Downstream(error.kind()))
            }
            (Poll::Ready(Err(Broken::Write(error))), _) | (_, Poll::Ready(Err(Broken::Read(error)))) => {
                reset(&error, &self.downstream);
                Poll::Ready(End::Upstream(error.kind()))
            }
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(End::Done),
            _ => Poll::Pending,
        }
    }

    /// Runs to the end. Dropping it closes both connections.
    pub async fn run(&mut self, limits: Limits, drain: &mut Drain) -> End {
        let mut moved = self.moved();
        let mut since = Instant::now();
        let mut sleep = std::pin::pin!(tokio::time::sleep_until(wake(limits, since).unwrap_or(since)));
        let timed = limits.idle.is_some() || limits.deadline.is_some();
        let mut drained = std::pin::pin!(drain.closed());
        std::future::poll_fn(|cx| {
            if let Poll::Ready(end) = self.poll(cx) {
                return Poll::Ready(end);
            }
            if drained.as_mut().poll(cx).is_ready() {
                return Poll::Ready(End::Drained);
            }
            if timed {
                if self.moved() != moved {
                    (moved, since) = (self.moved(), Instant::now());
                }
                return poll_limits(limits, since, sleep.as_mut(), cx);
            }
            Poll::Pending
        })
        .await
    }
}

/// When limits are to be looked at again.
fn wake(limits: Limits, since: Instant) -> Option<Instant> {
    let idle = limits.idle.and_then(|idle| since.checked_add(idle));
    idle.into_iter().chain(limits.deadline).min()
}

/// The timer is set again only when it fires: activity costs no timer.
fn poll_limits(limits: Limits, since: Instant, mut sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<End> {
    while sleep.as_mut().poll(cx).is_ready() {
        let now = Instant::now();
        if limits.deadline.is_some_and(|deadline| deadline <= now) {
            return Poll::Ready(End::Duration);
        }
        if limits.idle.is_some_and(|idle| since + idle <= now) {
            return Poll::Ready(End::Idle);
        }
        let Some(next) = wake(limits, since) else { return Poll::Pending };
        sleep.as_mut().reset(next);
    }
    Poll::Pending
}

/// A connection that was reset resets the other one: an end of file would make what was sent so far look complete.
fn reset(error: &io::Error, other: &Io) {
    if error.kind() == io::ErrorKind::ConnectionReset
        && let Some(tcp) = other.tcp()
    {
        // A socket that is gone needs no reset.
        let _ = SockRef::from(tcp).set_linger(Some(Duration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    fn joined(size: usize) -> (DuplexStream, Relay, DuplexStream) {
        let (client, downstream) = duplex(size);
        let (upstream, server) = duplex(size);
        (client, Relay::new(Io::Memory(downstream), Io::Memory(upstream)), server)
    }

    #[tokio::test]
    async fn each_direction_ends_on_its_own() {
        let (mut client, mut relay, mut server) = joined(10);
        let run = tokio::spawn(async move {
            let end = relay.run(Limits::default(), &mut Drain::never()).await;
            (end, relay.bytes())
        });
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut question = String::new();
        server.read_to_string(&mut question).await.unwrap();
        assert_eq!(question, "question", "the server sees the end of the question");
        let answer = vec![b'a'; 100_000];
        let writes = async {
            server.write_all(&answer).await.unwrap();
            server.shutdown().await.unwrap();
        };
        let mut read = Vec::new();
        let ((), count) = tokio::join!(writes, client.read_to_end(&mut read));
        assert_eq!(count.unwrap(), 100_000, "the answer arrives after the client has ended its side");
        assert_eq!(run.await.unwrap(), (End::Done, (8, 100_000)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_side_that_does_not_read_stops_the_other() {
        let (mut client, mut relay, _server) = joined(1000);
        let run = tokio::spawn(async move {
            let limits = Limits { idle: Some(Duration::from_secs(60)), deadline: None };
            (relay.run(limits, &mut Drain::never()).await, relay.up.kept.len())
        });
        let written = tokio::time::timeout(Duration::from_secs(1), client.write_all(&vec![0; 1_000_000])).await;
        assert!(written.is_err(), "nobody takes a megabyte");
        let (end, kept) = run.await.unwrap();
        assert_eq!(end, End::Idle);
        assert!(kept <= READ);
    }

    #[tokio::test(start_paused = true)]
    async fn activity_puts_the_idle_timeout_off_but_not_the_deadline() {
        let (mut client, mut relay, _server) = joined(1000);
        let began = Instant::now();
        let limits = Limits { idle: Some(Duration::from_secs(10)), deadline: Some(began + Duration::from_secs(25)) };
        let run = tokio::spawn(async move { relay.run(limits, &mut Drain::never()).await });
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(7)).await;
            client.write_all(b"x").await.unwrap();
        }
        assert_eq!(run.await.unwrap(), End::Duration);
        assert_eq!(began.elapsed(), Duration::from_secs(25));
    }

    #[tokio::test]
    async fn a_reset_goes_through() {
        let listen = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listen.local_addr().unwrap();
        let pair = || async {
            let (one, other) = tokio::join!(tokio::net::TcpStream::connect(address), listen.accept());
            (one.unwrap(), other.unwrap().0)
        };
        let ((client, downstream), (upstream, mut server)) = (pair().await, pair().await);
        let run = tokio::spawn(async move {
            let mut relay = Relay::new(Io::Tcp(downstream.into()), Io::Tcp(upstream.into()));
            relay.run(Limits::default(), &mut Drain::never()).await
        });
        SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        assert_eq!(run.await.unwrap(), End::Downstream(io::ErrorKind::ConnectionReset));
        assert_eq!(server.read(&mut [0]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}
