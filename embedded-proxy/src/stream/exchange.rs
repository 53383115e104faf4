//! One request on its way through the filters.

use std::any::{Any, TypeId};
use std::sync::Arc;

use http::StatusCode;

use super::{Connection, StreamInfo};
use crate::http::Request;
use crate::net::Address;
use crate::route::RouteHit;

/// Room for what a filter wants to remember between request, response and end, one value a type.
#[derive(Default)]
pub struct Scratch(Vec<(TypeId, Box<dyn Any + Send + Sync>)>);

impl Scratch {
    /// Keeps `value`; the earlier one of its type is replaced.
    pub fn put<T: Any + Send + Sync>(&mut self, value: T) {
        let id = TypeId::of::<T>();
        self.0.retain(|(other, _)| *other != id);
        self.0.push((id, Box::new(value)));
    }

    /// What was kept of that type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        let id = TypeId::of::<T>();
        self.0.iter().find(|(other, _)| *other == id)?.1.downcast_ref()
    }

    /// What was kept of that type, to be changed.
    pub fn get_mut<T: Any>(&mut self) -> Option<&mut T> {
        let id = TypeId::of::<T>();
        self.0.iter_mut().find(|(other, _)| *other == id)?.1.downcast_mut()
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scratch({} values)", self.0.len())
    }
}

/// A request, the route it has taken, and the record of what happened.
#[derive(Debug)]
pub struct Exchange {
    /// The request. The router takes its body.
    pub request: Request,
    /// The connection it came on.
    pub connection: Arc<Connection>,
    /// The matched route; none when none matches. `Hcm::find_route` fills it before the first filter runs; a filter
    /// that changes what routes look at calls `clear_route`.
    pub route: Option<RouteHit>,
    /// Set by [`Exchange::clear_route`]: the router looks the route up again.
    pub route_stale: bool,
    /// The record.
    pub info: StreamInfo,
    /// The random number of this request: fractions and weights use it, so that they are stable for one request.
    pub random: u64,
    /// What filters remember.
    pub scratch: Scratch,
}

/// Application protocols to offer upstream instead of the configured ones. Kept in the scratch, for the router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamAlpn(pub Arc<[String]>);

/// In the scratch: replies of the proxy are plain HTTP although the request looks like gRPC. The filter that made it look
/// so translates them.
#[derive(Debug, Clone, Copy)]
pub struct RepliesAsHttp;

/// The host that a session has. Kept in the scratch, for the router's first attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickyHost {
    /// Its address, as the client sent it.
    pub address: String,
    /// No other host will do.
    pub strict: bool,
    /// Status when it is strict and the host is not there.
    pub missing: StatusCode,
}

impl Exchange {
    /// The client's address: the connection's, or what trusted fields say.
    pub fn client(&self) -> &Address {
        self.info.remote.as_ref().unwrap_or(&self.connection.remote)
    }

    /// Forgets the route: path or headers that routes match on have changed.
    pub fn clear_route(&mut self) {
        self.route_stale = true;
    }
}
