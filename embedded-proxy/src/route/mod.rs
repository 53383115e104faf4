//! Routing: which route a request takes, and what the route says about it.

mod hit;
mod table;

pub use hit::RouteHit;
pub use table::RouteTable;
