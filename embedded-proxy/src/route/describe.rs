//! Why each earlier route did not take a request: for explanations.

use std::sync::Arc;

use super::{Input, RouteHit, RouteTable};
use crate::cluster::Metadata;

/// A route that was passed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// Index in its virtual host.
    pub index: usize,
    /// Name, may be empty.
    pub name: String,
    /// The condition that did not hold.
    pub because: String,
    /// Its metadata by namespace.
    pub metadata: Arc<Metadata>,
}

impl RouteTable {
    /// The routes of the request's virtual host before the one that takes it (all when none does), each with the first
    /// condition that did not hold.
    pub fn passed_over(&self, input: &Input<'_>, hit: Option<&RouteHit>) -> Vec<Passed> {
        let Some(host) = self.host(input) else { return Vec::new() };
        let path = self.path(input);
        let end = hit.map(|hit| hit.position().1.unwrap_or(0));
        let routes = self.hosts[host].routes.iter().take(end.unwrap_or(usize::MAX)).enumerate();
        let passed = routes.filter_map(|(index, route)| {
            let because = route.matcher.misses(input, path)?;
            Some(Passed { index, name: route.name.to_string(), because, metadata: route.metadata.clone() })
        });
        passed.collect()
    }
}
