//! State of the world: a response holds all resources of its kind. No I/O here.

use std::collections::{BTreeMap, BTreeSet};

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use envoy_types::pb::google::rpc::Status;

use super::Kind;
use super::delivered::{InUse, Opened, Take, Wanted, open, sentence};

/// gRPC's INVALID_ARGUMENT: the code of every NACK.
pub(super) const INVALID: i32 = 3;

/// One kind on one stream.
#[derive(Debug, Default)]
struct Subscription {
    /// What was asked for on this stream; none before the first request.
    asked: Option<Wanted>,
    /// Version of the last accepted response.
    version: String,
    /// Nonce of the last response on this stream.
    nonce: String,
    in_use: InUse,
}

/// The client's side of the protocol. It outlives streams: what was accepted stays in use while there is none.
#[derive(Debug)]
pub(super) struct Sotw {
    node: Option<Node>,
    node_sent: bool,
    kinds: BTreeMap<Kind, Subscription>,
}

impl Sotw {
    /// A client of that identity.
    pub fn new(node: Option<Node>) -> Self {
        Self { node, node_sent: false, kinds: BTreeMap::new() }
    }

    /// A new stream begins.
    pub fn connected(&mut self) {
        self.node_sent = false;
        for kind in self.kinds.values_mut() {
            kind.asked = None;
            kind.nonce.clear();
        }
    }

    /// The request that tells what is wanted now, if that is not what was asked for last.
    pub fn want(&mut self, kind: Kind, wanted: &Wanted) -> Option<DiscoveryRequest> {
        let subscription = self.kinds.entry(kind).or_default();
        match &subscription.asked {
            None if wanted.is_nothing() => return None,
            Some(asked) if asked == wanted => return None,
            _ => {}
        }
        subscription.in_use.forget_unwanted(wanted);
        subscription.asked = Some(wanted.clone());
        Some(self.request(kind, None))
    }

    /// Takes a response; the result is the ACK or NACK. None: nobody asked for its kind.
    pub fn receive(&mut self, response: DiscoveryResponse, taker: &mut dyn Take) -> Option<(Kind, DiscoveryRequest)> {
        let kind = Kind::of_url(&response.type_url)?;
        let subscription = self.kinds.get_mut(&kind)?;
        let wanted = subscription.asked.clone()?;
        subscription.nonce.clone_from(&response.nonce);
        let mut refused = Vec::new();
        let mut opened = Vec::new();
        for (index, any) in response.resources.into_iter().enumerate() {
            match open(any, kind, &response.version_info) {
                Ok(item) => opened.push(item),
                Err(error) => refused.push((format!("resources[{index}]"), error)),
            }
        }
        let names: BTreeSet<String> = opened.iter().map(|item| item.name().to_string()).collect();
        // A damaged resource has no name that could be kept: nothing is removed then.
        let whole = kind.is_whole() && refused.is_empty();
        if whole && kind.goes_first() {
            subscription.in_use.keep_only(kind, &names, taker);
        }
        opened.retain(|item| wanted.wants(item.name()));
        refused.extend(subscription.in_use.offer(kind, opened, taker));
        if whole && kind == Kind::Cluster {
            // Old clusters go last: routes may lead to them until now.
            subscription.in_use.keep_only(kind, &names, taker);
        }
        if refused.is_empty() {
            subscription.version = response.version_info;
            return Some((kind, self.request(kind, None)));
        }
        Some((kind, self.request(kind, Some(sentence(kind, &refused)))))
    }

    fn request(&mut self, kind: Kind, error: Option<String>) -> DiscoveryRequest {
        let node = if std::mem::replace(&mut self.node_sent, true) { None } else { self.node.clone() };
        let subscription = self.kinds.entry(kind).or_default();
        DiscoveryRequest {
            version_info: subscription.version.clone(),
            node,
            resource_names: subscription.asked.as_ref().map(Wanted::list).unwrap_or_default(),
            type_url: kind.url(),
            response_nonce: subscription.nonce.clone(),
            error_detail: error.map(|message| Status { code: INVALID, message, details: Vec::new() }),
            ..DiscoveryRequest::default()
        }
    }

    /// What is in use, by kind.
    pub fn in_use(&mut self) -> impl Iterator<Item = (Kind, &mut InUse)> {
        self.kinds.iter_mut().map(|(kind, subscription)| (*kind, &mut subscription.in_use))
    }
}

impl Opened {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Resource(resource) => &resource.name,
            Self::Heartbeat(name, _) => name,
        }
    }
}
