//! Does what signals and the admin interface ask of a running proxy.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

use super::life::Stage;
use super::{Ask, Options};
use crate::services::Services;

/// Runs until the proxy has ended.
pub(super) async fn steer(services: Arc<Services>, options: Options) {
    let Some(mut asked) = services.life.asked() else { return };
    let mut signals = Signals::new(options.signals);
    let life = &services.life;
    // Begins when it is polled first.
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
            Ask::DrainListeners { inbound_only, graceful } => {
                let deadline = graceful.then(|| Instant::now() + options.drain_time);
                if let Some(deadline) = deadline {
                    services.listeners.drain(inbound_only, Some(deadline));
                }
                stop_at(&services, inbound_only, deadline);
            }
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

/// Stops accepting connections, at once or later.
fn stop_at(services: &Arc<Services>, inbound_only: bool, at: Option<Instant>) {
    let Some(at) = at else { return services.listeners.stop(inbound_only) };
    let later = services.clone();
    services.main.spawn(async move {
        tokio::time::sleep_until(at).await;
        later.listeners.stop(inbound_only);
    });
}

/// Lets exchanges in flight finish: ends when no connection is left, at the latest after the termination drain. Clients that
/// do not know yet that the proxy goes away may still connect until then.
async fn drain(services: &Services, options: &Options) {
    let deadline = Instant::now() + options.termination_drain;
    services.listeners.drain(false, Some(deadline));
    let _ = tokio::time::timeout_at(deadline, services.listeners.idle()).await;
    services.listeners.stop(false);
    services.listeners.close();
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
