//! The endpoints of a cluster: `envoy.config.endpoint.v3.ClusterLoadAssignment`.

/// Endpoints by locality and priority.
#[derive(Debug, Default)]
pub struct LoadAssignment {}
