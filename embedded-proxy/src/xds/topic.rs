//! Named values of one kind, from whoever delivers them to whoever needs them.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{ConfigSource, Place};

/// What a watcher sees: none until the value arrives, and again when it is withdrawn.
pub type Watched<T> = watch::Receiver<Option<Arc<T>>>;

/// Values of one kind by the place they come from and their name: route tables, load assignments, secrets.
///
/// Whoever needs a value watches its name; the names that are watched are what xDS subscribes to. A value without
/// watchers is forgotten.
#[derive(Debug)]
pub struct Topic<T> {
    held: Mutex<Names<T>>,
    /// Counts the names that began to be watched.
    changed: watch::Sender<u64>,
}

/// Values by place and name.
type Names<T> = BTreeMap<Place, BTreeMap<String, watch::Sender<Option<Arc<T>>>>>;

impl<T> Default for Topic<T> {
    fn default() -> Self {
        Self { held: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

impl<T> Topic<T> {
    /// Watches a name that the aggregated stream delivers.
    pub fn watch(&self, name: &str) -> Watched<T> {
        self.watch_from(&ConfigSource::ADS, name)
    }

    /// Watches a name that `source` delivers. The names wanted may change by this: [`Topic::changes`] tells.
    pub fn watch_from(&self, source: &ConfigSource, name: &str) -> Watched<T> {
        let mut held = self.held.lock();
        let names = held.entry(source.place.clone()).or_default();
        let (value, new) = match names.get(name) {
            Some(sender) => {
                let unwatched = sender.receiver_count() == 0;
                (sender.subscribe(), unwatched)
            }
            None => {
                let (sender, value) = watch::channel(None);
                names.insert(name.to_string(), sender);
                (value, true)
            }
        };
        if new {
            self.changed.send_modify(|count| *count += 1);
        }
        value
    }

    /// Delivers a value of the aggregated stream, or withdraws it. False: nobody watches the name, the value was dropped.
    pub fn publish(&self, name: &str, value: Option<Arc<T>>) -> bool {
        self.publish_from(&Place::Ads, name, value)
    }

    /// Delivers a value of `place`, or withdraws it. False: nobody watches the name, the value was dropped.
    pub fn publish_from(&self, place: &Place, name: &str, value: Option<Arc<T>>) -> bool {
        match self.held.lock().get(place).and_then(|names| names.get(name)) {
            Some(sender) => {
                sender.send_replace(value);
                true
            }
            None => false,
        }
    }

    /// Delivers a value to all who watch the name, wherever they expect it from: for values of the proxy's own. Who has
    /// it already is not told again.
    pub fn publish_everywhere(&self, name: &str, value: &Arc<T>) {
        for names in self.held.lock().values() {
            if let Some(sender) = names.get(name) {
                sender.send_if_modified(|held| {
                    let same = held.as_ref().is_some_and(|held| Arc::ptr_eq(held, value));
                    if !same {
                        *held = Some(value.clone());
                    }
                    !same
                });
            }
        }
    }

    /// The value of that name in the aggregated stream now.
    pub fn get(&self, name: &str) -> Option<Arc<T>> {
        self.get_from(&Place::Ads, name)
    }

    /// The value of that name at `place` now.
    pub fn get_from(&self, place: &Place, name: &str) -> Option<Arc<T>> {
        self.held.lock().get(place)?.get(name)?.borrow().clone()
    }

    /// The names that somebody watches at `place`, sorted. Names that nobody watches any more are forgotten.
    pub fn names(&self, place: &Place) -> Vec<String> {
        let mut held = self.held.lock();
        let Some(names) = held.get_mut(place) else { return Vec::new() };
        names.retain(|_, sender| sender.receiver_count() > 0);
        names.keys().cloned().collect()
    }

    /// The names that somebody watches at `place` and that have no value, sorted.
    pub fn missing(&self, place: &Place) -> Vec<String> {
        let held = self.held.lock();
        let names = held.get(place).into_iter().flatten();
        let missing = names.filter(|(_, sender)| sender.receiver_count() > 0 && sender.borrow().is_none());
        missing.map(|(name, _)| name.clone()).collect()
    }

    /// The places that somebody watches something at, sorted.
    pub fn places(&self) -> Vec<Place> {
        let mut held = self.held.lock();
        held.retain(|_, names| names.values().any(|sender| sender.receiver_count() > 0));
        held.keys().cloned().collect()
    }

    /// Changes whenever a name is watched that was not.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
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
        assert_eq!(topic.names(&Place::Ads), ["a"]);
        drop(watched);
        assert!(topic.names(&Place::Ads).is_empty());
        assert_eq!(topic.get("a"), None);
    }

    #[test]
    fn places_are_kept_apart() {
        let topic = Topic::default();
        let (fixed, dynamic) = (topic.watch_from(&ConfigSource::STATIC, "a"), topic.watch("a"));
        topic.publish_from(&Place::Static, "a", Some(Arc::new(1)));
        assert_eq!((fixed.borrow().as_deref(), dynamic.borrow().as_deref()), (Some(&1), None));
        assert_eq!(topic.places(), [Place::Ads, Place::Static]);
        assert!(topic.missing(&Place::Static).is_empty());
        assert_eq!(topic.missing(&Place::Ads), ["a"]);
    }
}
