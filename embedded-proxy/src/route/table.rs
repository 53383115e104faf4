//! A route table: `envoy.config.route.v3.RouteConfiguration`.

/// Virtual hosts and their routes.
#[derive(Debug, Default)]
pub struct RouteTable {}
