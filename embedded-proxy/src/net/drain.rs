//! Word to connections that they should end: first at the next good moment, then at once.

use std::future::pending;

use tokio::sync::watch;
use tokio::time::Instant;

/// What is wanted of connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// They go on.
    Running,
    /// They end when their work is done, at the latest at that time (none: whenever they are done). HTTP/1 answers with
    /// `connection: close`, HTTP/2 with GOAWAY; nothing new is begun.
    Draining(Option<Instant>),
    /// They end now.
    Closing,
}

/// Who says when to drain. When it is dropped, its last word holds.
#[derive(Debug)]
pub struct DrainControl(watch::Sender<Phase>);

impl Default for DrainControl {
    fn default() -> Self {
        Self(watch::Sender::new(Phase::Running))
    }
}

impl DrainControl {
    /// A handle for a connection.
    pub fn drain(&self) -> Drain {
        Drain(self.0.subscribe())
    }

    /// Asks connections to end, at the latest at `deadline`. It is theirs to keep: this sends no second word.
    /// A phase never goes back; asked again, the earlier deadline holds.
    pub fn start(&self, deadline: Option<Instant>) {
        self.0.send_if_modified(|phase| {
            let next = match *phase {
                Phase::Running => Phase::Draining(deadline),
                Phase::Draining(old) => Phase::Draining([old, deadline].into_iter().flatten().min()),
                Phase::Closing => Phase::Closing,
            };
            std::mem::replace(phase, next) != next
        });
    }

    /// Ends all connections now.
    pub fn close(&self) {
        self.0.send_replace(Phase::Closing);
    }

    /// Connections that hold a handle.
    pub fn holders(&self) -> usize {
        self.0.receiver_count()
    }

    /// Waits until no connection holds a handle any more.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}

/// A connection's view of its [`DrainControl`]. Clones see the same words.
#[derive(Debug, Clone)]
pub struct Drain(watch::Receiver<Phase>);

impl Drain {
    /// One that never drains: for tests and for connections that nobody manages.
    pub fn never() -> Self {
        DrainControl::default().drain()
    }

    /// Whether the connection should end: after the exchange in hand, or now.
    pub fn draining(&self) -> bool {
        *self.0.borrow() != Phase::Running
    }

    /// Whether the connection has to end now, whatever is in hand.
    pub fn closing(&self) -> bool {
        match *self.0.borrow() {
            Phase::Running => false,
            Phase::Draining(deadline) => deadline.is_some_and(|deadline| deadline <= Instant::now()),
            Phase::Closing => true,
        }
    }

    /// The phase now.
    pub fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits for a phase that this handle has not seen yet. Never returns when nobody can change it any more.
    pub async fn changed(&mut self) -> Phase {
        if self.0.changed().await.is_err() {
            pending::<()>().await;
        }
        *self.0.borrow_and_update()
    }

    /// Waits until the connection has to end now: word to close, or the deadline of draining.
    pub async fn closed(&mut self) {
        let mut phase = *self.0.borrow_and_update();
        loop {
            phase = match phase {
                Phase::Closing => return,
                Phase::Running | Phase::Draining(None) => self.changed().await,
                Phase::Draining(Some(deadline)) => tokio::select! {
                    phase = self.changed() => phase,
                    () = tokio::time::sleep_until(deadline) => return,
                },
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn connections_drain_and_end_at_the_deadline() {
        let control = DrainControl::default();
        let mut drain = control.drain();
        assert!(!drain.draining());
        let deadline = Instant::now() + Duration::from_secs(5);
        control.start(Some(deadline));
        assert_eq!(drain.changed().await, Phase::Draining(Some(deadline)));
        assert!(drain.draining() && !drain.closing());
        control.start(Some(deadline + Duration::from_secs(9)));
        drain.closed().await;
        assert_eq!(Instant::now(), deadline, "a later deadline does not prolong it");
        assert!(drain.closing());
    }

    #[tokio::test(start_paused = true)]
    async fn closing_is_final_and_control_knows_who_is_left() {
        let control = DrainControl::default();
        let mut drain = control.drain();
        control.close();
        control.start(None);
        assert_eq!(drain.changed().await, Phase::Closing);
        drain.closed().await;
        assert_eq!(control.holders(), 1);
        drop(drain);
        control.gone().await;
    }
}
