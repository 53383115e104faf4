//! A matched route.

/// The route that a request takes, with the table it came from.
#[derive(Debug, Clone)]
pub struct RouteHit {}

impl RouteHit {
    /// Whether route, virtual host or table turn the filter of that name off (true) or on (false). None: they do not say.
    pub fn filter_disabled(&self, _filter: &str) -> Option<bool> {
        None
    }

    /// What the most specific of weighted cluster, route, virtual host and table configures for the filter of that name.
    pub fn per_route<T: std::any::Any>(&self, _filter: &str) -> Option<&T> {
        None
    }
}
