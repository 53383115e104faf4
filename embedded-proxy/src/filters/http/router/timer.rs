//! Timers of exchanges that rarely fire: taken from and given back to the thread, so that most cost no allocation, and
//! moving one to a later time costs no lock.

use std::cell::RefCell;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Timers kept for later by one thread.
const SPARE: usize = 256;

thread_local! {
    static SPARES: RefCell<Vec<Pin<Box<Sleep>>>> = const { RefCell::new(Vec::new()) };
}

/// A moment to wait for, or none. The timer behind it is armed when it is first waited for.
#[derive(Debug, Default)]
pub(super) struct Timer {
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timer {
    /// Fires `after` the moment `from`; never when that is zero.
    pub(super) fn after(from: Instant, after: Duration) -> Self {
        Self { at: (!after.is_zero()).then(|| from.checked_add(after)).flatten(), sleep: None }
    }

    /// When it fires.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Fires later, or earlier, or never.
    pub(super) fn move_to(&mut self, at: Option<Instant>) {
        self.at = at;
        if let (Some(sleep), Some(at)) = (&mut self.sleep, at) {
            sleep.as_mut().reset(at);
        }
    }

    /// Ready when the moment has come.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        self.sleep.get_or_insert_with(|| spare(at)).as_mut().poll(cx)
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        let Some(sleep) = self.sleep.take().filter(|sleep| !cfg!(test) && !sleep.is_elapsed()) else { return };
        // Fails only while the thread ends.
        let _ = SPARES.try_with(|spares| {
            let mut spares = spares.borrow_mut();
            if spares.len() < SPARE {
                spares.push(sleep);
            }
        });
    }
}

fn spare(at: Instant) -> Pin<Box<Sleep>> {
    match SPARES.with_borrow_mut(Vec::pop) {
        Some(mut sleep) => {
            sleep.as_mut().reset(at);
            sleep
        }
        None => Box::pin(sleep_until(at)),
    }
}
