//! The inbound side of a sidecar.

use super::{Snapshot, View};

/// The inbound listener and the clusters of the process.
pub fn build(_view: &View<'_>, _out: &mut Snapshot) {}
