//! How an endpoint is chosen.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Name, Origin};

/// Choice of the endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balancing {
    /// Where it is declared.
    pub origin: Origin,
    /// The algorithm; least request when not set.
    pub algorithm: Option<Algorithm>,
    /// New endpoints get less for a while.
    pub warmup: Option<Warmup>,
    /// Preference by locality.
    pub locality: Option<LocalityPreference>,
}

/// The algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Algorithm {
    /// In turn.
    RoundRobin,
    /// The less loaded of two.
    LeastRequest,
    /// By chance.
    Random,
    /// The address that the caller connected to.
    Original,
    /// Smoothed response time.
    PeakEwma,
    /// The same key gets the same endpoint.
    Hash {
        /// What is hashed; the first that is there.
        keys: Vec<HashKey>,
        /// The table.
        table: HashTable,
    },
}

/// What is hashed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashKey {
    /// A request header.
    Header(Name),
    /// A cookie; made with this life (zero: until the browser closes) when the request has none. Attributes are name and value.
    Cookie {
        /// Name.
        name: Name,
        /// Path.
        path: Name,
        /// Life; no cookie is made when not set.
        ttl: Option<Duration>,
        /// Further attributes.
        attributes: Vec<(Name, Name)>,
    },
    /// A query parameter.
    Query(Name),
    /// The caller's address.
    SourceAddress,
}

/// The table of a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashTable {
    /// A ring with at least so many points.
    Ring(Option<u64>),
    /// Maglev with a table of this size.
    Maglev(Option<u64>),
}

/// New endpoints get less for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warmup {
    /// How long.
    pub duration: Duration,
    /// Part of their weight at the beginning, in percent.
    pub minimum_percent: Option<u32>,
    /// Exponent of the growth, in thousandths; 1000 is linear.
    pub aggression_milli: Option<u32>,
}

/// Preference by locality. Off by an explicit [`LocalityPreference::Off`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalityPreference {
    /// None.
    Off,
    /// Shares by locality of the caller: from a locality pattern (`region/zone/*`) to patterns with percentages.
    Distribute(BTreeMap<Name, BTreeMap<Name, u32>>),
    /// Nearest first, then by these regions.
    Failover(Vec<(Name, Name)>),
    /// Nearest first by equal values of these labels, in order; `key=value` fixes the wanted value.
    FailoverByLabels(Vec<Name>),
}
