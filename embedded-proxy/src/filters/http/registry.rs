//! The HTTP filters that exist: one line each, from type URL to constructor.

use std::sync::Arc;

use super::{HttpFilter, PerRoute};
use crate::proto::Reader;
use crate::services::Build;

/// A kind of filter.
struct Kind {
    /// Full name of the message that configures it.
    config: &'static str,
    /// Full name of the message that configures it at a route, if there is one.
    route: Option<&'static str>,
    /// Makes the filter. None: a defect was noted.
    make: fn(&Reader<'_>, &Build) -> Option<Arc<dyn HttpFilter>>,
    /// Reads what stands at a route.
    per_route: fn(&Reader<'_>, &Build) -> Option<PerRoute>,
}

/// Reads no per-route configuration: for filters that have none.
#[allow(dead_code)]
fn none(reader: &Reader<'_>, _: &Build) -> Option<PerRoute> {
    reader.defect("", "this filter has no configuration per route");
    None
}

const KINDS: &[Kind] = &[];

/// Makes the filter that a `typed_config` of type `name` describes.
pub fn build(name: &str, reader: &Reader<'_>, build: &Build) -> Option<Arc<dyn HttpFilter>> {
    match KINDS.iter().find(|kind| kind.config == name) {
        Some(kind) => (kind.make)(reader, build),
        None => {
            reader.defect("", format!("the proxy does not have the HTTP filter {name}"));
            None
        }
    }
}

/// Reads what stands for a filter at a route, virtual host or weighted cluster.
pub fn per_route(name: &str, reader: &Reader<'_>, build: &Build) -> Option<PerRoute> {
    match KINDS.iter().find(|kind| kind.route == Some(name)) {
        Some(kind) => (kind.per_route)(reader, build),
        None => {
            reader.defect("", format!("the proxy does not have a filter that is configured per route by {name}"));
            None
        }
    }
}
