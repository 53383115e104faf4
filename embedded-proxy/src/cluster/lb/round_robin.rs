//! Round robin: one host after the other, by weight.

use std::sync::Arc;

use crate::cluster::Host;

use super::slow_start::SlowStart;
use super::stride::Stride;

/// Shares of a weight are counted in this many parts.
const PARTS: f64 = 1024.0;

/// Weight of a host, in parts when slow start takes some of it away.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn weight(host: &Host, slow: Option<&SlowStart>) -> u64 {
    let weight = u64::from(host.weight());
    match slow {
        None => weight,
        Some(slow) => ((f64::from(host.weight()) * PARTS * slow.share(host)) as u64).max(1),
    }
}

/// Turns over hosts by weight.
pub fn turns(hosts: &[Arc<Host>], slow: Option<&SlowStart>, start: u64) -> Stride {
    Stride::new(hosts.iter().map(|host| weight(host, slow)), start)
}
