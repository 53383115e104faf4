//! Named values of one kind, from whoever delivers them to whoever needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

/// What a watcher sees: none until the value arrives, and again when it is withdrawn.
pub type Watched<T> = watch::Receiver<Option<Arc<T>>>;

/// Values of one kind by name: route tables, load assignments, secrets.
///
/// Whoever needs a value watches its name; the names that are watched are what xDS subscribes to. A value without
/// watchers is forgotten.
#[derive(Debug)]
pub struct Topic<T> {
    values: Mutex<BTreeMap<String, watch::Sender<Option<Arc<T>>>>>,
    changed: Notify,
}

impl<T> Default for Topic<T> {
    fn default() -> Self {
        Self { values: Mutex::default(), changed: Notify::new() }
    }
}

impl<T> Topic<T> {
    /// Watches a name. The names wanted may change by this: [`Topic::names_changed`] wakes.
    pub fn watch(&self, name: &str) -> Watched<T> {
        let mut values = self.values.lock();
        if let Some(sender) = values.get(name) {
            let unwatched = sender.receiver_count() == 0;
            let receiver = sender.subscribe();
            if unwatched {
                self.changed.notify_one();
            }
            return receiver;
        }
        let (sender, receiver) = watch::channel(None);
        values.insert(name.to_string(), sender);
        self.changed.notify_one();
        receiver
    }

    /// Delivers a value, or withdraws it. False: nobody watches the name, the value was dropped.
    pub fn publish(&self, name: &str, value: Option<Arc<T>>) -> bool {
        match self.values.lock().get(name) {
            Some(sender) => {
                sender.send_replace(value);
                true
            }
            None => false,
        }
    }

    /// The value of that name now.
    pub fn get(&self, name: &str) -> Option<Arc<T>> {
        self.values.lock().get(name)?.borrow().clone()
    }

    /// The names that somebody watches, sorted. Names that nobody watches any more are forgotten.
    pub fn names(&self) -> Vec<String> {
        let mut values = self.values.lock();
        values.retain(|_, sender| sender.receiver_count() > 0);
        values.keys().cloned().collect()
    }

    /// Waits until a name was watched that was not.
    pub async fn names_changed(&self) {
        self.changed.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_reaches_its_watchers_and_is_forgotten_without_them() {
        let topic = Topic::default();
        assert!(!topic.publish("a", Some(Arc::new(1))), "nobody watches");
        let watched = topic.watch("a");
        assert!(topic.publish("a", Some(Arc::new(2))));
        assert_eq!(watched.borrow().as_deref(), Some(&2));
        assert_eq!(topic.names(), ["a"]);
        drop(watched);
        assert!(topic.names().is_empty());
        assert_eq!(topic.get("a"), None);
    }
}
