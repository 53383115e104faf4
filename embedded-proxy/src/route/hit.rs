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

    /// What each of weighted cluster, route, virtual host and table configures for the filter of that name, most specific
    /// first.
    pub fn per_routes<T: std::any::Any>(&self, filter: &str) -> impl Iterator<Item = &T> {
        self.per_route(filter).into_iter()
    }

    /// Name of the cluster that the request goes to; none when it goes to none.
    pub fn cluster(&self) -> Option<&str> {
        None
    }
}
