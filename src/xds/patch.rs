//! Patches of the generated resources.

use super::{Snapshot, View};

/// Applies the patches whose scope has the proxy, in order.
pub fn apply(_view: &View<'_>, _out: &mut Snapshot) {}
