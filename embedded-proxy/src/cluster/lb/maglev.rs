//! Maglev: a table of fixed size in which hosts take turns to claim places, each by a permutation of its own. The table
//! is that of Envoy.

use twox_hash::XxHash64;

use crate::proto::Reader;

use super::LbStats;
use super::hashed::{Consistent, Weighed};

const DEFAULT_SIZE: u64 = 65537;
const MAX_SIZE: u64 = 5_000_011;

/// How a table is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaglevConfig {
    /// Places, a prime number.
    pub size: u64,
    /// What all hashing balancers have.
    pub consistent: Consistent,
}

fn is_prime(number: u64) -> bool {
    number >= 2 && (2..=number.isqrt()).all(|factor| !number.is_multiple_of(factor))
}

impl MaglevConfig {
    /// Reads `MaglevLbConfig` or the extension's message; `consistent` is read by the caller. None: a defect was noted.
    pub fn read(reader: Option<&Reader<'_>>, consistent: Consistent) -> Option<Self> {
        let size = reader.and_then(|reader| reader.number("table_size")).unwrap_or(DEFAULT_SIZE);
        if let Some(reader) = reader {
            if size > MAX_SIZE {
                reader.defect("table_size", format!("must be at most {MAX_SIZE}"));
                return None;
            }
            if !is_prime(size) {
                reader.defect("table_size", "the table size of maglev must be a prime number");
                return None;
            }
        }
        Some(Self { size, consistent })
    }
}

/// Which host has each place; small indices where they fit.
#[derive(Debug)]
enum Places {
    Small(Box<[u16]>),
    Large(Box<[u32]>),
}

/// The table.
#[derive(Debug)]
pub struct Maglev(Places);

/// A host that claims places.
struct Claim {
    index: u32,
    share: f64,
    due: f64,
    offset: u64,
    skip: u64,
    next: u64,
    count: u64,
}

impl Claim {
    fn place(&self, size: u64) -> u64 {
        (self.offset + self.skip * self.next) % size
    }
}

impl Maglev {
    /// Fills the table.
    pub fn new(config: &MaglevConfig, hosts: &[Weighed], stats: &LbStats) -> Self {
        let most = hosts.iter().map(|host| host.share).fold(0.0, f64::max);
        if hosts.is_empty() || most <= 0.0 || most.is_nan() {
            return Self(Places::Small(Box::default()));
        }
        let size = config.size;
        let mut order: Vec<usize> = (0..hosts.len()).collect();
        order.sort_by(|one, other| hosts[*one].key.cmp(&hosts[*other].key));
        let mut claims: Vec<Claim> = order
            .into_iter()
            .map(|index| {
                let key = hosts[index].key.as_bytes();
                Claim {
                    index: u32::try_from(index).unwrap_or(u32::MAX),
                    share: hosts[index].share,
                    due: 0.0,
                    offset: XxHash64::oneshot(0, key) % size,
                    skip: XxHash64::oneshot(1, key) % (size - 1).max(1) + 1,
                    next: 0,
                    count: 0,
                }
            })
            .collect();
        let places = fill(&mut claims, size, most);
        stats.maglev("min_entries_per_host", claims.iter().map(|claim| claim.count).min().unwrap_or(0));
        stats.maglev("max_entries_per_host", claims.iter().map(|claim| claim.count).max().unwrap_or(0));
        if u16::try_from(hosts.len()).is_ok() {
            return Self(Places::Small(places.iter().map(|index| u16::try_from(*index).unwrap_or(0)).collect()));
        }
        Self(Places::Large(places.into()))
    }

    /// Index of the host that a hash falls on; further attempts change the hash.
    pub fn find(&self, hash: u64, attempt: u32) -> Option<usize> {
        let hash = if attempt == 0 { hash } else { hash ^ (u64::MAX - u64::from(attempt) + 1) };
        let count = match &self.0 {
            Places::Small(places) => places.len(),
            Places::Large(places) => places.len(),
        } as u64;
        let place = usize::try_from(hash.checked_rem(count)?).ok()?;
        match &self.0 {
            Places::Small(places) => places.get(place).map(|index| usize::from(*index)),
            Places::Large(places) => usize::try_from(*places.get(place)?).ok(),
        }
    }
}

/// Lets the hosts claim places in turn, lighter ones less often, until all are taken.
fn fill(claims: &mut [Claim], size: u64, most: f64) -> Vec<u32> {
    const FREE: u32 = u32::MAX;
    let length = usize::try_from(size).unwrap_or(0);
    let mut places = vec![FREE; length];
    let (mut taken, mut round) = (0, 0.0);
    while taken < length {
        round += 1.0;
        for claim in &mut *claims {
            if taken == length {
                break;
            }
            if round * claim.share < claim.due {
                continue;
            }
            claim.due += most;
            let mut place = usize::try_from(claim.place(size)).unwrap_or(0);
            while places[place] != FREE {
                claim.next += 1;
                place = usize::try_from(claim.place(size)).unwrap_or(0);
            }
            places[place] = claim.index;
            claim.next += 1;
            claim.count += 1;
            taken += 1;
        }
    }
    places
}
