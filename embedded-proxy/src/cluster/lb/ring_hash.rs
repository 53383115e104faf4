//! Ring hash: every host stands at many places of a ring, by the hashes of its key and a number (ketama). Places and
//! lookups are those of Envoy.

use twox_hash::XxHash64;

use crate::proto::Reader;

use super::LbStats;
use super::hashed::{Consistent, Weighed};
use super::murmur::murmur;

/// Size of a ring when nothing else is said, and the largest there is.
const DEFAULT_MIN: u64 = 1024;
const MAX: u64 = 8 * 1024 * 1024;

/// How a ring is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RingHashConfig {
    /// Least places.
    pub min: u64,
    /// Most places.
    pub max: u64,
    /// MurmurHash2 instead of xxHash.
    pub murmur: bool,
    /// What all hashing balancers have.
    pub consistent: Consistent,
}

impl RingHashConfig {
    /// Reads `RingHashLbConfig` or the extension's message; `consistent` is read by the caller. None: a defect was noted.
    pub fn read(reader: Option<&Reader<'_>>, consistent: Consistent) -> Option<Self> {
        let mut config = Self { min: DEFAULT_MIN, max: MAX, murmur: false, consistent };
        let Some(reader) = reader else { return Some(config) };
        config.min = reader.number("minimum_ring_size").unwrap_or(DEFAULT_MIN);
        config.max = reader.number("maximum_ring_size").unwrap_or(MAX);
        config.murmur = reader.word("hash_function") == "MURMUR_HASH_2";
        for (field, size) in [("minimum_ring_size", config.min), ("maximum_ring_size", config.max)] {
            if size > MAX {
                reader.defect(field, format!("must be at most {MAX}"));
                return None;
            }
        }
        if config.min > config.max {
            let sentence = format!("is greater than maximum_ring_size ({} > {})", config.min, config.max);
            reader.defect("minimum_ring_size", sentence);
            return None;
        }
        Some(config)
    }
}

/// Places in the order of their hashes, each with the index of its host.
#[derive(Debug, Default)]
pub struct Ring(Box<[(u64, u32)]>);

impl Ring {
    /// Places the hosts.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub fn new(config: &RingHashConfig, hosts: &[Weighed], stats: &LbStats) -> Self {
        let least = hosts.iter().map(|host| host.share).fold(1.0, f64::min);
        if hosts.is_empty() || least <= 0.0 {
            return Self::default();
        }
        // So many that the lightest host has a whole number of places, if the ring may be that large.
        let scale = ((least * config.min as f64).ceil() / least).min(config.max as f64);
        let size = scale.ceil() as u64;
        let mut places = Vec::with_capacity(size as usize);
        let (mut placed, mut due) = (0.0, 0.0);
        let (mut fewest, mut most) = (size, 0);
        let mut text = String::new();
        for (index, host) in hosts.iter().enumerate() {
            due += scale * host.share;
            let mut number = 0;
            while placed < due {
                text.clear();
                // Writing to a String cannot fail.
                let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{}_{number}", host.key));
                let bytes = text.as_bytes();
                let hash = if config.murmur { murmur(bytes) } else { XxHash64::oneshot(0, bytes) };
                places.push((hash, index as u32));
                number += 1;
                placed += 1.0;
            }
            (fewest, most) = (number.min(fewest), number.max(most));
        }
        places.sort_by_key(|place| place.0);
        stats.ring("size", size);
        stats.ring("min_hashes_per_host", fewest);
        stats.ring("max_hashes_per_host", most);
        Self(places.into())
    }

    /// Index of the host at the first place at or after the hash; further attempts take the places behind it.
    pub fn find(&self, hash: u64, attempt: u32) -> Option<usize> {
        let count = self.0.len();
        if count == 0 {
            return None;
        }
        let first = self.0.partition_point(|place| place.0 < hash) % count;
        let place = (first + usize::try_from(attempt).unwrap_or(0)) % count;
        usize::try_from(self.0[place].1).ok()
    }
}
