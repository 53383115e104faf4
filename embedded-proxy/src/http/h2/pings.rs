//! Keep-alive pings: a peer that is gone without a word is noticed.

use std::task::{Context, Poll};

use h2::{Ping, PingPong};
use tokio::time::Instant;

use crate::hcm::Keepalive;

/// Pings of one connection.
pub(super) struct Pings {
    wire: PingPong,
    keepalive: Keepalive,
    /// When the next ping is due; none when there is none without being asked for.
    due: Option<Instant>,
    /// When the answer to the one on its way is due.
    answer_due: Option<Instant>,
}

/// The peer did not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dead;

impl Pings {
    /// Pings by these rules. None when none would ever be sent.
    pub(super) fn new(wire: PingPong, keepalive: Keepalive, now: Instant) -> Option<Self> {
        if keepalive.interval.is_none() && keepalive.idle.is_none() {
            return None;
        }
        let due = keepalive.next().map(|interval| now + interval);
        Some(Self { wire, keepalive, due, answer_due: None })
    }

    /// When it has to be looked after next.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.answer_due.or(self.due)
    }

    /// Sends a ping now unless one is on its way.
    pub(super) fn send(&mut self, now: Instant) {
        if self.answer_due.is_none() && self.wire.send_ping(Ping::opaque()).is_ok() {
            self.answer_due = Some(now + self.keepalive.timeout);
        }
    }

    /// Takes an answer and sends what is due. The caller wakes at [`Pings::deadline`].
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Result<(), Dead> {
        if self.answer_due.is_some() {
            match self.wire.poll_pong(cx) {
                Poll::Ready(Ok(_)) => {
                    self.answer_due = None;
                    self.due = self.keepalive.next().map(|interval| Instant::now() + interval);
                }
                // The connection says itself that it is closed.
                Poll::Ready(Err(_)) => self.answer_due = None,
                Poll::Pending if self.answer_due.is_some_and(|due| due <= Instant::now()) => return Err(Dead),
                Poll::Pending => return Ok(()),
            }
        }
        let now = Instant::now();
        if self.due.is_some_and(|due| due <= now) {
            self.due = None;
            self.send(now);
            // Registers for the answer.
            return match self.wire.poll_pong(cx) {
                Poll::Ready(Ok(_)) => {
                    self.answer_due = None;
                    Ok(())
                }
                _ => Ok(()),
            };
        }
        Ok(())
    }
}
