//! Metadata in operators: `%DYNAMIC_METADATA(namespace:key:key)%`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::{FormatContext, Piece};

/// Whose metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// Of the exchange.
    Dynamic,
    /// Of the cluster.
    Cluster,
    /// Of the chosen host.
    Host,
    /// Of the route.
    Route,
}

/// A place in metadata: namespace and keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    owner: Owner,
    namespace: String,
    keys: Vec<String>,
}

impl Place {
    /// Reads `namespace:key:key`.
    pub(super) fn parse(owner: Owner, text: &str) -> Self {
        let mut parts = text.split(':').map(str::to_string);
        let namespace = parts.next().unwrap_or_default();
        Self { owner, namespace, keys: parts.collect() }
    }

    /// Reads `OWNER:namespace:key`, as `%METADATA()%` has it.
    pub(super) fn parse_owned(text: &str) -> Result<Self, String> {
        let (owner, rest) = text.split_once(':').unwrap_or((text, ""));
        let owner = match owner {
            "DYNAMIC" => Owner::Dynamic,
            "CLUSTER" => Owner::Cluster,
            "UPSTREAM_HOST" => Owner::Host,
            "ROUTE" => Owner::Route,
            "LISTENER" | "LISTENER_FILTER_CHAIN" | "VIRTUAL_HOST" => {
                return Err(format!("the proxy does not have METADATA({owner})"));
            }
            owner => return Err(format!("METADATA has no metadata of {owner:?}")),
        };
        Ok(Self::parse(owner, rest))
    }

    /// What stands at the place.
    pub(super) fn value<'c>(&self, context: &FormatContext<'c>) -> Piece<'c> {
        self.find(context)
            .filter(|value| !value.is_null())
            .map_or(Piece::None, |value| Piece::Json(Cow::Borrowed(value)))
    }

    fn find<'c>(&self, context: &FormatContext<'c>) -> Option<&'c Value> {
        let all: &'c BTreeMap<String, Value> = match self.owner {
            // What is known of a TCP connection stands at the connection.
            Owner::Dynamic if !context.info.metadata.contains_key(&self.namespace) => &context.connection.metadata,
            Owner::Dynamic => &context.info.metadata,
            Owner::Cluster => context.info.cluster_metadata.as_deref()?,
            Owner::Host => context.info.upstream.metadata.as_deref()?,
            Owner::Route => context.info.route_metadata.as_deref()?,
        };
        let mut value = all.get(&self.namespace)?;
        for key in &self.keys {
            value = value.get(key.as_str())?;
        }
        Some(value)
    }
}
