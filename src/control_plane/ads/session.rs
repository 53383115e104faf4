//! One aggregated stream as a state machine without I/O: requests and states of the mesh go in, responses come out.
//!
//! - One response of a kind is in flight; what changes meanwhile goes into the next one, so that a slow client gets fewer
//!   responses and not a queue of old ones.
//! - Make before break: clusters, then their endpoints, then listeners, then routes, each after the answers to the ones
//!   before. Clusters and endpoints that are gone go last, when no listener and no route can name them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};

use super::subscription::{Difference, Has, Subscription};
use crate::control_plane::engine::Served;
use crate::ir::Name;
use crate::xds::{Kind, Resource};

/// The name that stands for all resources of a kind.
const ALL: &str = "*";

/// The two variants of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// State of the world: listeners and clusters are sent as a whole.
    World,
    /// Only what is different is sent.
    Delta,
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The kind of its resources.
    pub kind: Kind,
    /// What the answer names.
    pub nonce: String,
    /// A fingerprint of all that the client has with it.
    pub version: String,
    /// Its resources.
    pub resources: Vec<Arc<Resource>>,
    /// Names that do not exist (any more).
    pub removed: Vec<Name>,
}

/// One stream.
#[derive(Debug)]
pub struct Session {
    variant: Variant,
    kinds: BTreeMap<Kind, Subscription>,
    nonces: u64,
}

impl Session {
    /// A stream on which nothing was said.
    pub fn new(variant: Variant) -> Self {
        Self { variant, kinds: BTreeMap::new(), nonces: 0 }
    }

    /// What is known of each kind that was asked for.
    pub fn kinds(&self) -> &BTreeMap<Kind, Subscription> {
        &self.kinds
    }

    /// Takes a request of the state-of-the-world variant. Gives the kind when it was a refusal.
    pub fn world(&mut self, request: &DiscoveryRequest) -> Option<Kind> {
        let kind = Kind::of(&request.type_url)?;
        let first = !self.kinds.contains_key(&kind);
        let subscription = self.kinds.entry(kind).or_default();
        let error = request.error_detail.as_ref().map(|error| error.message.as_str());
        let stale = !request.response_nonce.is_empty() && request.response_nonce != subscription.sent;
        if !first && stale {
            return None;
        }
        subscription.answered(&request.response_nonce, error);
        let mut names: BTreeSet<Name> = request.resource_names.iter().map(|name| name.as_str().into()).collect();
        let all = names.remove(ALL);
        // No names at all, ever, means everything of the kinds for which that can be.
        subscription.wildcard = all || (names.is_empty() && kind.is_wildcard() && (first || subscription.wildcard));
        subscription.want_only(names);
        subscription.owes |= first && subscription.wildcard;
        error.map(|_| kind)
    }

    /// Takes a request of the incremental variant. Gives the kind when it was a refusal.
    pub fn delta(&mut self, request: &DeltaDiscoveryRequest) -> Option<Kind> {
        let kind = Kind::of(&request.type_url)?;
        let first = !self.kinds.contains_key(&kind);
        let subscription = self.kinds.entry(kind).or_default();
        let names = |list: &[String]| -> Vec<Name> {
            list.iter().filter(|name| *name != ALL).map(|name| name.as_str().into()).collect()
        };
        let says_all = |list: &[String]| list.iter().any(|name| name == ALL);
        let (wanted, unwanted) = (&request.resource_names_subscribe, &request.resource_names_unsubscribe);
        subscription.wildcard |= says_all(wanted) || (first && wanted.is_empty() && kind.is_wildcard());
        if says_all(unwanted) {
            subscription.wildcard = false;
            subscription.has.retain(|name, _| subscription.names.contains(name));
        }
        subscription.owes |= first && subscription.wildcard;
        subscription.want(names(wanted));
        subscription.unwant(unwanted.iter().map(String::as_str));
        if first {
            let had = request.initial_resource_versions.iter().map(|(name, version)| (name.as_str().into(), version));
            let had: BTreeMap<Name, _> = had.collect();
            subscription
                .has
                .extend(had.into_iter().map(|(name, version)| (name, Has::Version(version.as_str().into()))));
        }
        let error = request.error_detail.as_ref().map(|error| error.message.as_str());
        let refused = subscription.answered(&request.response_nonce, error) && error.is_some();
        refused.then_some(kind)
    }

    /// The next response that is due, if any.
    pub fn next(&mut self, served: &Served) -> Option<Push> {
        let may_take_away = self.may_take_away(served);
        let mut earlier_done = true;
        for kind in Kind::ALL {
            let Some(subscription) = self.kinds.get_mut(&kind) else { continue };
            let ordered = !matches!(kind, Kind::Secret | Kind::Extension);
            if subscription.flight.is_some() {
                earlier_done &= !ordered;
                continue;
            }
            if ordered && !earlier_done {
                continue;
            }
            let mut difference = subscription.difference(kind, served);
            if difference.is_empty() && !subscription.owes {
                subscription.settled = Some(served.state);
                continue;
            }
            if matches!(kind, Kind::Cluster | Kind::Endpoints) && !may_take_away {
                difference.gone.clear();
            }
            if self.variant == Variant::World && !subscription.wildcard {
                // This variant has no words for what does not exist, except where everything is sent.
                subscription.note_missing(&difference);
                difference.gone.clear();
                difference.absent.clear();
            }
            if !difference.is_empty() || subscription.owes {
                return Some(self.push(kind, difference, served));
            }
        }
        None
    }

    /// True when neither listeners nor routes of the client can name a cluster of a state before.
    fn may_take_away(&self, served: &Served) -> bool {
        let users = [Kind::Listener, Kind::Route].into_iter().filter_map(|kind| Some((kind, self.kinds.get(&kind)?)));
        users.into_iter().all(|(kind, subscription)| {
            subscription.flight.is_none()
                && subscription.refusal.is_none()
                && subscription.difference(kind, served).changed.is_empty()
        })
    }

    fn push(&mut self, kind: Kind, difference: Difference, served: &Served) -> Push {
        self.nonces += 1;
        let nonce = self.nonces.to_string();
        if kind == Kind::Cluster {
            self.send_endpoints_again(&difference);
        }
        let subscription = self.kinds.entry(kind).or_default();
        subscription.sends(&nonce, &difference);
        let version = version(subscription);
        let resources = match self.variant {
            Variant::World if subscription.wildcard => subscription.whole(kind, served),
            _ => difference.changed,
        };
        let removed = difference.gone.into_iter().chain(difference.absent).collect();
        Push { kind, nonce, version, resources, removed }
    }

    /// A cluster that comes again starts without endpoints and waits for them, so they are sent again.
    fn send_endpoints_again(&mut self, clusters: &Difference) {
        let known = self.kinds.get(&Kind::Cluster).map(|clusters| &clusters.has);
        let again = clusters.changed.iter().filter(|cluster| known.is_some_and(|has| has.contains_key(&cluster.name)));
        let again: Vec<Name> = again.map(|cluster| cluster.name.clone()).collect();
        if let Some(endpoints) = self.kinds.get_mut(&Kind::Endpoints) {
            for name in again {
                endpoints.has.remove(&name);
                endpoints.settled = None;
            }
        }
    }
}

/// A fingerprint of what the client has of a kind. Equal content gives equal versions in every replica.
fn version(subscription: &Subscription) -> String {
    let mut hash = twox_hash::XxHash64::with_seed(0);
    for (name, has) in &subscription.has {
        let version = match has {
            Has::Sent(resource) => &*resource.version,
            Has::Version(version) => version,
            Has::Nothing => continue,
        };
        for part in [name, version] {
            std::hash::Hasher::write(&mut hash, part.as_bytes());
            std::hash::Hasher::write_u8(&mut hash, 0);
        }
    }
    format!("{:016x}", std::hash::Hasher::finish(&hash))
}
