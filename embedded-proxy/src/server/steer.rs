//! Does what signals and the admin interface ask of a running proxy.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::life::Stage;
use super::{Ask, Options};
use crate::services::Services;

/// Runs until the proxy has ended.
pub(super) async fn steer(services: Arc<Services>, options: Options) {
    let Some(mut asked) = services.life.asked() else { return };
    let mut signals = Signals::new(options.signals);
    let life = &services.life;
    let mut drained = std::pin::pin!(drain(&services, &options));
    let mut draining = false;
    loop {
        let ask = tokio::select! {
            ask = asked.recv() => ask.unwrap_or(Ask::Quit),
            () = signals.next() => Ask::Drain,
            () = &mut drained, if draining => Ask::Quit,
        };
        tracing::info!("asked to {ask:?}");
        match ask {
            Ask::DrainListeners { .. } => {}
            Ask::Drain if !draining => {
                life.go(Stage::Draining);
                draining = true;
            }
            // Asked twice: whoever asks does not want to wait.
            Ask::Drain | Ask::Quit => break,
        }
    }
    life.go(Stage::Ended);
}

/// Lets exchanges in flight finish: ends when none is left, at the latest after the termination drain.
async fn drain(_services: &Services, options: &Options) {
    let _ = tokio::time::timeout(options.termination_drain, async {}).await;
}

/// SIGTERM and SIGINT, or nothing at all.
struct Signals(Vec<Signal>);

impl Signals {
    fn new(wanted: bool) -> Self {
        let kinds = [SignalKind::terminate(), SignalKind::interrupt()];
        Self(kinds.into_iter().filter(|_| wanted).filter_map(|kind| signal(kind).ok()).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|cx| {
            let came = self.0.iter_mut().any(|signal| matches!(signal.poll_recv(cx), std::task::Poll::Ready(Some(()))));
            if came { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}
