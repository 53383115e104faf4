//! Delta: a response holds what changed. No I/O here.

use std::collections::BTreeMap;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use envoy_types::pb::google::rpc::Status;

use super::Kind;
use super::delivered::{InUse, Take, Wanted, open_wrapper, sentence};
use super::sotw::INVALID;

/// One kind on one stream.
#[derive(Debug, Default)]
struct Subscription {
    /// What was asked for on this stream; none before the first request.
    asked: Option<Wanted>,
    in_use: InUse,
}

/// The client's side of the protocol. It outlives streams: what was accepted stays in use while there is none, and a new
/// stream begins with its versions.
#[derive(Debug)]
pub(super) struct Delta {
    node: Option<Node>,
    node_sent: bool,
    kinds: BTreeMap<Kind, Subscription>,
}

impl Delta {
    /// A client of that identity.
    pub fn new(node: Option<Node>) -> Self {
        Self { node, node_sent: false, kinds: BTreeMap::new() }
    }

    /// A new stream begins.
    pub fn connected(&mut self) {
        self.node_sent = false;
        for kind in self.kinds.values_mut() {
            kind.asked = None;
        }
    }

    /// The request that tells what is wanted now, if that is not what was asked for last.
    pub fn want(&mut self, kind: Kind, wanted: &Wanted) -> Option<DeltaDiscoveryRequest> {
        let subscription = self.kinds.entry(kind).or_default();
        let (subscribe, unsubscribe) = match &subscription.asked {
            None if wanted.is_nothing() => return None,
            Some(asked) if asked == wanted => return None,
            // Everything is an empty list in the first request.
            None => (wanted.list(), Vec::new()),
            Some(asked) => difference(asked, wanted),
        };
        subscription.in_use.forget_unwanted(wanted);
        let first = subscription.asked.is_none();
        subscription.asked = Some(wanted.clone());
        let versions = subscription.in_use.versions().filter(|_| first);
        let versions = versions.map(|(name, version)| (name.clone(), version.clone())).collect();
        Some(DeltaDiscoveryRequest {
            node: self.node(),
            type_url: kind.url(),
            resource_names_subscribe: subscribe,
            resource_names_unsubscribe: unsubscribe,
            initial_resource_versions: versions,
            ..DeltaDiscoveryRequest::default()
        })
    }

    /// Takes a response; the result is the ACK or NACK. None: nobody asked for its kind.
    pub fn receive(
        &mut self,
        response: DeltaDiscoveryResponse,
        taker: &mut dyn Take,
    ) -> Option<(Kind, DeltaDiscoveryRequest)> {
        let kind = Kind::of_url(&response.type_url)?;
        let subscription = self.kinds.get_mut(&kind)?;
        let wanted = subscription.asked.clone()?;
        let mut refused = Vec::new();
        let mut opened = Vec::new();
        for wrapper in response.resources {
            let name = wrapper.name.clone();
            match open_wrapper(wrapper, kind, None) {
                Ok(item) if wanted.wants(item.name()) => opened.push(item),
                Ok(_) => {}
                Err(error) => refused.push((name, error)),
            }
        }
        let both = opened.iter().find(|item| response.removed_resources.iter().any(|name| name == item.name()));
        if let Some(item) = both {
            refused.push((item.name().to_string(), "is delivered and removed in one response".to_string()));
        }
        let removed = |subscription: &mut Subscription, taker: &mut dyn Take| {
            for name in &response.removed_resources {
                subscription.in_use.withdraw(kind, name, taker);
            }
        };
        if kind.goes_first() {
            removed(subscription, taker);
        }
        refused.extend(subscription.in_use.offer(kind, opened, taker));
        if !kind.goes_first() {
            removed(subscription, taker);
        }
        let error = (!refused.is_empty()).then(|| sentence(kind, &refused));
        let request = DeltaDiscoveryRequest {
            node: self.node(),
            type_url: kind.url(),
            response_nonce: response.nonce,
            error_detail: error.map(|message| Status { code: INVALID, message, details: Vec::new() }),
            ..DeltaDiscoveryRequest::default()
        };
        Some((kind, request))
    }

    fn node(&mut self) -> Option<Node> {
        if std::mem::replace(&mut self.node_sent, true) { None } else { self.node.clone() }
    }

    /// What is in use, by kind.
    pub fn in_use(&mut self) -> impl Iterator<Item = (Kind, &mut InUse)> {
        self.kinds.iter_mut().map(|(kind, subscription)| (*kind, &mut subscription.in_use))
    }
}

/// Names to subscribe to and to unsubscribe from.
fn difference(asked: &Wanted, wanted: &Wanted) -> (Vec<String>, Vec<String>) {
    match (asked, wanted) {
        (Wanted::Names(asked), Wanted::Names(wanted)) => {
            (wanted.difference(asked).cloned().collect(), asked.difference(wanted).cloned().collect())
        }
        (Wanted::All, other) => (other.list(), vec!["*".to_string()]),
        (other, Wanted::All) => (vec!["*".to_string()], other.list()),
    }
}
