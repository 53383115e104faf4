//! What a control plane delivers, and who takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hasher as _;
use std::time::Duration;

use bytes::Bytes;
use envoy_types::pb::envoy::service::discovery::v3::Resource;
use envoy_types::pb::google::protobuf::Any;
use prost::Message;
use tokio::time::Instant;
use twox_hash::XxHash64;

use super::Kind;

/// One resource of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Name.
    pub name: String,
    /// Version: its own (delta), or the one of the response.
    pub version: String,
    /// Bytes of the message.
    pub bytes: Bytes,
    /// Time after which it is gone unless it is delivered again.
    pub ttl: Option<Duration>,
}

/// The one field that all kinds of resources have in common: their name has number 1.
#[derive(Clone, PartialEq, Eq, Message)]
struct Named {
    #[prost(string, tag = "1")]
    name: String,
}

/// A resource, or word that one lives on (a heartbeat: a wrapper without content).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Opened {
    Resource(Delivered),
    Heartbeat(String, Option<Duration>),
}

/// Opens a resource of a response of the state of the world: bare, or in a wrapper with a time to live.
pub(super) fn open(any: Any, kind: Kind, version: &str) -> Result<Opened, String> {
    if any.type_url.ends_with("/envoy.service.discovery.v3.Resource") {
        let wrapper = Resource::decode(any.value.as_slice()).map_err(|error| error.to_string())?;
        return open_wrapper(wrapper, kind, Some(version));
    }
    open_any(any, kind, version, None).map(Opened::Resource)
}

/// Opens a wrapped resource. `version` overrides its own.
pub(super) fn open_wrapper(wrapper: Resource, kind: Kind, version: Option<&str>) -> Result<Opened, String> {
    let ttl = wrapper.ttl.and_then(|ttl| {
        Some(Duration::new(u64::try_from(ttl.seconds).ok()?, u32::try_from(ttl.nanos).ok()?.min(999_999_999)))
    });
    let Some(any) = wrapper.resource else { return Ok(Opened::Heartbeat(wrapper.name, ttl)) };
    let delivered = open_any(any, kind, version.unwrap_or(&wrapper.version), ttl)?;
    if !wrapper.name.is_empty() && wrapper.name != delivered.name {
        return Err(format!("the resource {:?} holds a message that is named {:?}", wrapper.name, delivered.name));
    }
    Ok(Opened::Resource(delivered))
}

fn open_any(any: Any, kind: Kind, version: &str, ttl: Option<Duration>) -> Result<Delivered, String> {
    if Kind::of_url(&any.type_url) != Some(kind) {
        return Err(format!("{} holds a resource of type {:?}", kind.url(), any.type_url));
    }
    let bytes = Bytes::from(any.value);
    let name = Named::decode(bytes.clone()).map_err(|error| format!("not a {}: {error}", kind.message()))?.name;
    if name.is_empty() {
        return Err(format!("a {} has no name", kind.message()));
    }
    Ok(Delivered { name, version: version.to_string(), bytes, ttl })
}

/// Takes resources into use.
pub(super) trait Take {
    /// Uses a resource that is new or changed. An error says why it cannot be used, with the path of the field; what was
    /// in use of that name stays.
    fn put(&mut self, kind: Kind, resource: &Delivered) -> Result<(), String>;

    /// Withdraws a resource.
    fn remove(&mut self, kind: Kind, name: &str);
}

/// Which resources of a kind are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All that the control plane has for this node.
    All,
    /// These.
    Names(BTreeSet<String>),
}

impl Wanted {
    /// None of them.
    pub fn nothing() -> Self {
        Self::Names(BTreeSet::new())
    }

    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Names(names) if names.is_empty())
    }

    pub fn wants(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.contains(name),
        }
    }

    /// As requests have it: everything is an empty list.
    pub fn list(&self) -> Vec<String> {
        match self {
            Self::All => Vec::new(),
            Self::Names(names) => names.iter().cloned().collect(),
        }
    }
}

/// What is in use of one kind: by name the version, a hash of the content, and when it ends by itself.
#[derive(Debug, Default)]
pub(super) struct InUse(BTreeMap<String, Known>);

#[derive(Debug)]
struct Known {
    version: String,
    hash: u64,
    expires: Option<Instant>,
}

impl InUse {
    /// Offers resources to `taker`: those that changed are taken. The result names the ones that were refused and why.
    pub fn offer(&mut self, kind: Kind, opened: Vec<Opened>, taker: &mut dyn Take) -> Vec<(String, String)> {
        let mut refused = Vec::new();
        let mut seen = BTreeSet::new();
        for item in opened {
            let resource = match item {
                Opened::Heartbeat(name, ttl) => {
                    if let Some(known) = self.0.get_mut(&name) {
                        known.expires = ttl.map(|ttl| Instant::now() + ttl);
                    }
                    continue;
                }
                Opened::Resource(resource) => resource,
            };
            if !seen.insert(resource.name.clone()) {
                refused.push((resource.name, "is delivered twice in one response".to_string()));
                continue;
            }
            if let Err(error) = self.offer_one(kind, &resource, taker) {
                refused.push((resource.name, error));
            }
        }
        refused
    }

    fn offer_one(&mut self, kind: Kind, resource: &Delivered, taker: &mut dyn Take) -> Result<(), String> {
        let mut hasher = XxHash64::with_seed(0);
        hasher.write(&resource.bytes);
        let hash = hasher.finish();
        let expires = resource.ttl.map(|ttl| Instant::now() + ttl);
        let same = self.0.get(&resource.name).is_some_and(|known| known.hash == hash);
        if !same {
            taker.put(kind, resource)?;
        }
        self.0.insert(resource.name.clone(), Known { version: resource.version.clone(), hash, expires });
        Ok(())
    }

    /// Removes a resource that the control plane withdrew.
    pub fn withdraw(&mut self, kind: Kind, name: &str, taker: &mut dyn Take) {
        if self.0.remove(name).is_some() {
            taker.remove(kind, name);
        }
    }

    /// Removes everything but `keep`.
    pub fn keep_only(&mut self, kind: Kind, keep: &BTreeSet<String>, taker: &mut dyn Take) {
        let gone: Vec<String> = self.0.keys().filter(|name| !keep.contains(*name)).cloned().collect();
        for name in gone {
            self.withdraw(kind, &name, taker);
        }
    }

    /// Forgets what is not wanted any more; whoever used it has let go of it already.
    pub fn forget_unwanted(&mut self, wanted: &Wanted) {
        self.0.retain(|name, _| wanted.wants(name));
    }

    /// Names and versions, for the first request of a delta stream.
    pub fn versions(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter().map(|(name, known)| (name, &known.version))
    }

    /// When the next resource ends by itself.
    pub fn next_expiry(&self) -> Option<Instant> {
        self.0.values().filter_map(|known| known.expires).min()
    }

    /// Withdraws resources whose time is over.
    pub fn expire(&mut self, kind: Kind, taker: &mut dyn Take) {
        let now = Instant::now();
        let over = |known: &Known| known.expires.is_some_and(|at| at <= now);
        let gone: Vec<String> = self.0.iter().filter(|(_, known)| over(known)).map(|(name, _)| name.clone()).collect();
        for name in gone {
            self.withdraw(kind, &name, taker);
        }
    }
}

/// The sentence of a NACK: each refused resource with its reason, as long as it stays readable.
pub(super) fn sentence(kind: Kind, refused: &[(String, String)]) -> String {
    let noun = match kind {
        Kind::Cluster => "cluster(s)",
        Kind::Endpoint => "endpoint(s)",
        Kind::Listener => "listener(s)",
        Kind::Scope => "scoped route(s)",
        Kind::Route => "route(s)",
        Kind::Secret => "secret(s)",
        Kind::Extension => "extension(s)",
    };
    let reasons: Vec<String> = refused.iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
    let mut text = format!("Error adding/updating {noun} {}", reasons.join("; "));
    if text.len() > 4096 {
        let end = (0..=4096).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str(&format!(" ... ({} refused)", refused.len()));
    }
    text
}
