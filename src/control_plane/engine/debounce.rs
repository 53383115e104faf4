//! Changes are gathered until it is quiet for a moment, or until the first of them has waited long enough.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout_at};

/// How long changes are gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debounce {
    /// Without a change for so long, they are taken.
    pub quiet: Duration,
    /// The first change waits no longer than this.
    pub longest: Duration,
}

impl Default for Debounce {
    fn default() -> Self {
        Self { quiet: Duration::from_millis(10), longest: Duration::from_millis(100) }
    }
}

impl Debounce {
    /// The next changes, in their order; none when no more can come.
    pub async fn next<T>(&self, changes: &mut UnboundedReceiver<Vec<T>>) -> Option<Vec<T>> {
        let mut all = changes.recv().await?;
        let end = Instant::now() + self.longest;
        loop {
            let quiet = (Instant::now() + self.quiet).min(end);
            match timeout_at(quiet, changes.recv()).await {
                Ok(Some(more)) => all.extend(more),
                // What was gathered still counts; the next call tells the end.
                Ok(None) | Err(_) => return Some(all),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn changes_come_together_and_none_waits_for_ever() {
        let (sender, mut receiver) = unbounded_channel();
        tokio::spawn(async move {
            for number in 0..40 {
                sender.send(vec![number]).unwrap();
                tokio::time::sleep(Duration::from_millis(if number == 1 { 50 } else { 5 })).await;
            }
        });
        let debounce = Debounce::default();
        assert_eq!(debounce.next(&mut receiver).await, Some(vec![0, 1]), "quiet after the second");
        let begun = Instant::now();
        let next = debounce.next(&mut receiver).await.unwrap();
        assert!(next.len() > 10 && next.len() < 38, "{}", next.len());
        assert!(begun.elapsed() <= Duration::from_millis(150));
        while debounce.next(&mut receiver).await.is_some() {}
    }
}
