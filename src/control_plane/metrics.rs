//! What the control plane counts.

use std::sync::atomic::{AtomicU64, Ordering};

use super::ads::Push;
use crate::xds::Kind;

/// Counters of one kind of resource.
#[derive(Debug, Default)]
pub struct OfKind {
    /// Responses that were sent.
    pub pushes: AtomicU64,
    /// Bytes of the resources in them.
    pub bytes: AtomicU64,
    /// Responses that were refused.
    pub refusals: AtomicU64,
}

/// All counters.
#[derive(Debug, Default)]
pub struct Metrics {
    kinds: [OfKind; Kind::ALL.len()],
}

impl Metrics {
    /// The counters of a kind.
    pub fn of(&self, kind: Kind) -> &OfKind {
        let at = Kind::ALL.iter().position(|one| *one == kind).unwrap_or_default();
        &self.kinds[at]
    }

    /// A response goes out.
    pub fn pushed(&self, push: &Push) {
        let bytes: usize = push.resources.iter().map(|resource| resource.body.len()).sum();
        let of = self.of(push.kind);
        of.pushes.fetch_add(1, Ordering::Relaxed);
        of.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// A response was refused.
    pub fn refused(&self, kind: Kind) {
        self.of(kind).refusals.fetch_add(1, Ordering::Relaxed);
    }
}
