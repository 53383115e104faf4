//! Gateways: listeners by port, server names and hosts.

use super::{Snapshot, View};

/// Everything of a gateway's proxy that is not a service's own.
pub fn build(_view: &View<'_>, _out: &mut Snapshot) {}
