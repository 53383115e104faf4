//! One kind of resource on one stream: what the client wants, what it has, and what it is being sent.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use crate::control_plane::engine::Served;
use crate::ir::Name;
use crate::xds::{Kind, Resource};

/// What the client has of one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Has {
    /// This resource, sent on this stream.
    Sent(Arc<Resource>),
    /// This version, from a stream before.
    Version(Name),
    /// Nothing, and it knows that there is nothing.
    Nothing,
}

impl Has {
    fn version(&self) -> Option<&Name> {
        match self {
            Self::Sent(resource) => Some(&resource.version),
            Self::Version(version) => Some(version),
            Self::Nothing => None,
        }
    }
}

/// A response that waits for its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flight {
    /// What the answer names.
    pub nonce: String,
    /// Names of the resources in it.
    pub names: Vec<Name>,
}

/// A response that the client refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What it says.
    pub error: String,
    /// Names of the resources in the response.
    pub names: Vec<Name>,
    /// When.
    pub at: SystemTime,
}

/// What is different from what the client has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// New or other resources.
    pub changed: Vec<Arc<Resource>>,
    /// Names that were asked for and do not exist.
    pub absent: Vec<Name>,
    /// Names that the client has and that do not exist any more.
    pub gone: Vec<Name>,
}

impl Difference {
    /// True when nothing is.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.absent.is_empty() && self.gone.is_empty()
    }
}

/// One kind of resource on one stream.
#[derive(Debug, Default)]
pub struct Subscription {
    /// Everything of the kind is wanted.
    pub wildcard: bool,
    /// These are wanted.
    pub names: BTreeSet<Name>,
    /// What the client has.
    pub has: BTreeMap<Name, Has>,
    /// What it is being sent.
    pub flight: Option<Flight>,
    /// It asked for something and is to be answered even with nothing.
    pub owes: bool,
    /// Nonce of the last response that it took.
    pub acked: String,
    /// Nonce of the last response.
    pub sent: String,
    /// The last refusal, until a later response is taken.
    pub refusal: Option<Refusal>,
    /// State that was compared last, when nothing was different.
    pub settled: Option<u64>,
}

impl Subscription {
    /// What is different.
    pub fn difference(&self, kind: Kind, served: &Served) -> Difference {
        if self.settled == Some(served.state) {
            return Difference::default();
        }
        let mut difference = Difference::default();
        let mut consider = |resource: &Arc<Resource>| {
            if self.has.get(&resource.name).and_then(Has::version) != Some(&resource.version) {
                difference.changed.push(Arc::clone(resource));
            }
        };
        if self.wildcard {
            served.all(kind).for_each(&mut consider);
        } else {
            self.names.iter().filter_map(|name| served.get(kind, name)).for_each(&mut consider);
        }
        let exists = |name: &Name| served.get(kind, name).is_some();
        difference
            .absent
            .extend(self.names.iter().filter(|name| !self.has.contains_key(*name) && !exists(name)).cloned());
        let had = self.has.iter().filter(|(_, has)| **has != Has::Nothing).map(|(name, _)| name);
        difference.gone.extend(had.filter(|name| !exists(name)).cloned());
        difference
    }

    /// Notes an answer; true when it is one to the response in flight.
    pub fn answered(&mut self, nonce: &str, error: Option<&str>) -> bool {
        let Some(flight) = self.flight.take_if(|flight| flight.nonce == nonce) else { return false };
        match error {
            None => {
                self.acked = flight.nonce;
                self.refusal = None;
            }
            Some(error) => {
                self.refusal = Some(Refusal { error: error.to_owned(), names: flight.names, at: SystemTime::now() });
            }
        }
        true
    }

    /// Notes what is sent.
    pub fn sends(&mut self, nonce: &str, difference: &Difference) {
        self.owes = false;
        nonce.clone_into(&mut self.sent);
        for resource in &difference.changed {
            self.has.insert(resource.name.clone(), Has::Sent(Arc::clone(resource)));
        }
        self.note_missing(difference);
        let names = difference.changed.iter().map(|resource| resource.name.clone()).collect();
        self.flight = Some(Flight { nonce: nonce.to_owned(), names });
    }

    /// Notes that the client has nothing of the names that do not exist.
    pub fn note_missing(&mut self, difference: &Difference) {
        self.settled = None;
        for name in difference.gone.iter().chain(&difference.absent) {
            if self.names.contains(name) {
                self.has.insert(name.clone(), Has::Nothing);
            } else {
                self.has.remove(name);
            }
        }
    }

    /// All that the client is to have: what exists, and what was sent and is not taken away yet.
    pub fn whole(&self, kind: Kind, served: &Served) -> Vec<Arc<Resource>> {
        let held = self.has.values().filter_map(|has| match has {
            Has::Sent(resource) if served.get(kind, &resource.name).is_none() => Some(Arc::clone(resource)),
            _ => None,
        });
        served.all(kind).cloned().chain(held).collect()
    }

    /// Wants these names, whatever the client has of them: they are sent again.
    pub fn want(&mut self, names: impl IntoIterator<Item = Name>) {
        for name in names {
            self.has.remove(&name);
            self.names.insert(name);
        }
        self.settled = None;
    }

    /// Wants exactly these names.
    pub fn want_only(&mut self, names: BTreeSet<Name>) {
        if names != self.names {
            if !self.wildcard {
                self.has.retain(|name, _| names.contains(name));
            }
            self.names = names;
            self.settled = None;
        }
    }

    /// Does not want these names any more.
    pub fn unwant<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            self.names.remove(name);
            if !self.wildcard {
                self.has.remove(name);
            }
        }
        self.settled = None;
    }
}
