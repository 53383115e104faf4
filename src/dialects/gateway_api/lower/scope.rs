//! What the lowering of one route needs.

use super::grants::Grants;
use crate::dialects::lower::context::Context;
use crate::ir::{Loss, LossKind, Mesh, Name};
use crate::manifests::source::Place;

/// API group of the Gateway API.
pub const GROUP: &str = "gateway.networking.k8s.io";

/// One route, or one gateway, that is lowered.
pub struct Scope<'a> {
    /// The object.
    pub cx: Context<'a>,
    /// Who may name what.
    pub grants: &'a Grants<'a>,
    /// What was lowered so far: services are looked up there.
    pub mesh: &'a Mesh,
    /// Where its rules are served.
    pub served: Served,
    /// Status of the answer where the mesh cannot do what the route says.
    pub error: u16,
}

/// Where rules are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Served {
    /// In the proxies of callers, not at a gateway.
    pub in_mesh: bool,
    /// The port that requests come to, where it is known.
    pub port: Option<u16>,
    /// Requests come over TLS that ends there.
    pub tls: bool,
}

/// A field that cannot be had.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Path of the field.
    pub path: String,
    /// Where it stands.
    pub place: Place,
    /// Why.
    pub reason: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(path: &str, place: Place, reason: impl Into<String>) -> Self {
        Self { path: path.to_owned(), place, reason: reason.into() }
    }

    /// As a loss, with what happens instead.
    pub fn loss(&self, cx: &Context<'_>, instead: &str) -> Loss {
        let reason: Name = format!("{}; {instead}", self.reason).into();
        cx.loss(self.path.as_str(), self.place, LossKind::Refused, reason)
    }
}
