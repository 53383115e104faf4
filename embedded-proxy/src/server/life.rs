//! How far the proxy's life is, and what others ask of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// Where the proxy is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Reading its bootstrap.
    PreInitializing,
    /// Waiting for clusters and listeners to have what they need.
    Initializing,
    /// Accepting connections.
    Live,
    /// Ending.
    Draining,
    /// Nothing is left to wait for.
    Ended,
}

impl Stage {
    /// As `/server_info` and `/ready` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreInitializing => "PRE_INITIALIZING",
            Self::Initializing => "INITIALIZING",
            Self::Live => "LIVE",
            Self::Draining | Self::Ended => "DRAINING",
        }
    }
}

/// What somebody (the admin interface, a signal) wants of the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Stop accepting connections: `/drain_listeners`.
    DrainListeners {
        /// Only listeners of inbound traffic.
        inbound_only: bool,
        /// Ask connections to end over the drain time first.
        graceful: bool,
    },
    /// Finish what is in flight, then end.
    Drain,
    /// End now: `/quitquitquit`.
    Quit,
}

/// The proxy's life, shared with whoever reports it.
#[derive(Debug)]
pub struct Life {
    stage: watch::Sender<Stage>,
    failing: AtomicBool,
    began: (Instant, SystemTime),
    asks: mpsc::UnboundedSender<Ask>,
    asked: Mutex<Option<mpsc::UnboundedReceiver<Ask>>>,
}

impl Default for Life {
    fn default() -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        Self {
            stage: watch::Sender::new(Stage::PreInitializing),
            failing: AtomicBool::new(false),
            began: (Instant::now(), SystemTime::now()),
            asks,
            asked: Mutex::new(Some(asked)),
        }
    }
}

impl Life {
    /// How far it is, as others see it: `/healthcheck/fail` makes a living proxy look draining.
    pub fn stage(&self) -> Stage {
        match *self.stage.borrow() {
            Stage::Live if self.failing() => Stage::Draining,
            stage => stage,
        }
    }

    /// Goes on to a later stage; there is no way back.
    pub(crate) fn go(&self, next: Stage) {
        self.stage.send_if_modified(|stage| {
            let later = next > *stage;
            if later {
                *stage = next;
            }
            later
        });
    }

    /// Whether the proxy takes traffic and says so.
    pub fn ready(&self) -> bool {
        self.stage() == Stage::Live
    }

    /// Waits until the proxy is at `stage` or beyond.
    pub async fn reached(&self, stage: Stage) {
        let _ = self.stage.subscribe().wait_for(|now| *now >= stage).await;
    }

    /// Whether health checks are to fail: `/healthcheck/fail`, or draining.
    pub fn failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Lets health checks fail or succeed again.
    pub fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }

    /// When the process began, for durations and for people.
    pub fn began(&self) -> (Instant, SystemTime) {
        self.began
    }

    /// Asks something of the proxy; it happens soon after.
    pub fn ask(&self, ask: Ask) {
        // A proxy that is gone does nothing any more.
        let _ = self.asks.send(ask);
    }

    /// What is asked; there is one listener.
    pub(crate) fn asked(&self) -> Option<mpsc::UnboundedReceiver<Ask>> {
        self.asked.lock().take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_go_forward_only() {
        let life = Life::default();
        life.go(Stage::Live);
        life.go(Stage::Initializing);
        assert!(life.ready());
        life.set_failing(true);
        assert_eq!(life.stage().as_str(), "DRAINING");
        life.set_failing(false);
        assert!(life.ready());
        life.go(Stage::Draining);
        assert!(!life.ready());
    }
}
