//! Every target of a VirtualService: of routes and of copies.

use crate::dialects::istio::types::{Destination, VirtualService};
use crate::manifests::source::Span;
use crate::schema::Text;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target<'v> {
    /// The target; nothing when the route leaves it out.
    pub destination: Option<&'v Destination>,
    /// True for a copy of requests.
    pub is_mirror: bool,
    /// The list item, for targets without a host.
    item: Span,
}

impl<'v> Target<'v> {
    fn of(destination: Option<&'v Destination>, item: Span, is_mirror: bool) -> Self {
        Self { destination, is_mirror, item }
    }

    /// The host, when it is there.
    pub fn host(&self) -> Option<&'v Text> {
        self.destination?.host.as_ref()
    }

    /// What to underline: the host, or the item without one.
    pub fn span(&self) -> Span {
        self.host().map_or(self.item, Text::span)
    }
}

/// All targets in source order of their lists.
pub fn targets(spec: &VirtualService) -> Vec<Target<'_>> {
    let mut all = Vec::new();
    for route in &spec.http {
        all.extend(route.route.iter().map(|t| Target::of(t.destination.as_ref(), t.place.span(), false)));
        all.extend(route.mirror.as_deref().map(|m| Target::of(Some(m), m.place.span(), true)));
        all.extend(route.mirrors.iter().map(|m| Target::of(m.destination.as_ref(), m.place.span(), true)));
    }
    let opaque = spec.tls.iter().map(|r| &r.route).chain(spec.tcp.iter().map(|r| &r.route));
    for list in opaque {
        all.extend(list.iter().map(|t| Target::of(t.destination.as_ref(), t.place.span(), false)));
    }
    all
}
