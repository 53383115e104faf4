//! The resources as they were delivered, kept as bytes: what `/config_dump` shows.

use std::collections::BTreeMap;
use std::time::SystemTime;

use bytes::Bytes;
use parking_lot::Mutex;

use super::Kind;

/// How far a resource is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// From the bootstrap.
    Static,
    /// Delivered and waiting for what it refers to.
    Warming,
    /// In use.
    Active,
    /// No longer in use; connections that it serves are ending.
    Draining,
}

/// A delivery that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Bytes of the message; empty when it could not be kept.
    pub bytes: Bytes,
    /// Version that the control plane gave it.
    pub version: String,
    /// When.
    pub at: SystemTime,
    /// Why, with the path of the field.
    pub details: String,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Kind.
    pub kind: Kind,
    /// Name.
    pub name: String,
    /// How far it is.
    pub state: State,
    /// Version that the control plane gave it; empty for static ones.
    pub version: String,
    /// When it was taken.
    pub updated: SystemTime,
    /// Bytes of the message. None: nothing was taken yet, `refused` says why.
    pub bytes: Option<Bytes>,
    /// The last refused delivery since.
    pub refused: Option<Refusal>,
}

type Key = (Kind, String, State);

/// All resources. A listener or cluster may stand here twice: active, and warming with its next configuration.
#[derive(Debug, Default)]
pub struct Store(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    resources: BTreeMap<Key, Resource>,
    versions: BTreeMap<Kind, String>,
    bootstrap: Option<(Bytes, SystemTime)>,
    changes: u64,
}

impl Store {
    /// Keeps the bootstrap (bytes of the message).
    pub fn put_bootstrap(&self, bytes: Bytes) {
        self.0.lock().bootstrap = Some((bytes, SystemTime::now()));
    }

    /// The bootstrap and when it was read.
    pub fn bootstrap(&self) -> Option<(Bytes, SystemTime)> {
        self.0.lock().bootstrap.clone()
    }

    /// Keeps a resource in `state`. What it replaces: the same name in the same state, and the warming one when it
    /// becomes active.
    pub fn put(&self, kind: Kind, name: &str, state: State, version: &str, bytes: Bytes) {
        let mut held = self.0.lock();
        held.changes += 1;
        if state == State::Active {
            held.resources.remove(&(kind, name.to_string(), State::Warming));
        }
        let resource = Resource {
            kind,
            name: name.to_string(),
            state,
            version: version.to_string(),
            updated: SystemTime::now(),
            bytes: Some(bytes),
            refused: None,
        };
        held.resources.insert((kind, name.to_string(), state), resource);
    }

    /// Moves a resource from one state to another, for instance from warming to active.
    pub fn shift(&self, kind: Kind, name: &str, from: State, to: State) {
        let mut held = self.0.lock();
        held.changes += 1;
        if let Some(resource) = held.resources.remove(&(kind, name.to_string(), from)) {
            held.resources.insert((kind, name.to_string(), to), Resource { state: to, ..resource });
        }
    }

    /// Notes a refused delivery at the resource of that name, which need not exist.
    pub fn refuse(&self, kind: Kind, name: &str, refusal: Refusal) {
        let mut held = self.0.lock();
        let state = [State::Active, State::Static, State::Warming]
            .into_iter()
            .find(|state| held.resources.contains_key(&(kind, name.to_string(), *state)));
        let state = state.unwrap_or(State::Active);
        let resource = held.resources.entry((kind, name.to_string(), state)).or_insert_with(|| Resource {
            kind,
            name: name.to_string(),
            state,
            version: String::new(),
            updated: refusal.at,
            bytes: None,
            refused: None,
        });
        resource.refused = Some(refusal);
    }

    /// Forgets a resource, in all its states but the static one.
    pub fn remove(&self, kind: Kind, name: &str) {
        let mut held = self.0.lock();
        held.changes += 1;
        for state in [State::Warming, State::Active, State::Draining] {
            held.resources.remove(&(kind, name.to_string(), state));
        }
    }

    /// Forgets a resource in one state.
    pub fn remove_state(&self, kind: Kind, name: &str, state: State) {
        let mut held = self.0.lock();
        held.changes += 1;
        held.resources.remove(&(kind, name.to_string(), state));
    }

    /// How often resources came, moved or went.
    pub fn changes(&self) -> u64 {
        self.0.lock().changes
    }

    /// Notes the version of the last accepted response of a kind.
    pub fn set_version(&self, kind: Kind, version: &str) {
        self.0.lock().versions.insert(kind, version.to_string());
    }

    /// Version of the last accepted response of a kind; empty before the first.
    pub fn version(&self, kind: Kind) -> String {
        self.0.lock().versions.get(&kind).cloned().unwrap_or_default()
    }

    /// The resources of a kind, sorted by name, then by state.
    pub fn of(&self, kind: Kind) -> Vec<Resource> {
        let held = self.0.lock();
        held.resources.values().filter(|resource| resource.kind == kind).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warming_resource_replaces_the_active_one() {
        let store = Store::default();
        store.put(Kind::Cluster, "a", State::Active, "1", Bytes::from_static(b"x"));
        store.put(Kind::Cluster, "a", State::Warming, "2", Bytes::from_static(b"y"));
        assert_eq!(store.of(Kind::Cluster).len(), 2);
        store.shift(Kind::Cluster, "a", State::Warming, State::Active);
        let all = store.of(Kind::Cluster);
        assert_eq!((all.len(), all[0].version.as_str()), (1, "2"));
    }

    #[test]
    fn a_refusal_stands_beside_what_is_in_use() {
        let store = Store::default();
        let refusal = Refusal { bytes: Bytes::new(), version: "2".into(), at: SystemTime::now(), details: "no".into() };
        store.put(Kind::Route, "r", State::Active, "1", Bytes::new());
        store.refuse(Kind::Route, "r", refusal.clone());
        store.refuse(Kind::Route, "new", refusal);
        let all = store.of(Kind::Route);
        assert_eq!(all[0].bytes, None);
        assert_eq!((all[1].version.as_str(), all[1].refused.as_ref().map(|r| r.version.as_str())), ("1", Some("2")));
        store.remove(Kind::Route, "r");
        assert_eq!(store.of(Kind::Route).len(), 1);
    }
}
