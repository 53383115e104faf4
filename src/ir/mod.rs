//! The model of the mesh that every dialect lowers to and everything after reads. It has no word of any dialect.
//!
//! Values are plain data with an order: the same input gives the same mesh, and two meshes are compared with `==`. Every
//! node knows its [`Origin`]. What a dialect resolves while lowering is no longer to be seen here: names are full, lists of
//! routes are in the order in which they are tried, scopes are namespaces and label predicates.

mod access;
mod addresses;
mod authz;
mod balancing;
mod clients;
mod destination;
mod endpoint;
mod gateway;
mod http_action;
mod http_match;
mod http_route;
mod inbound;
mod jwt;
mod l4_route;
mod limits;
mod loss;
mod mesh;
mod name;
mod origin;
mod patch;
mod predicate;
mod rate_limit;
mod scope;
mod selection;
mod service;
mod settings;
mod share;
mod telemetry;
mod text_match;
mod tls;
mod workload;

pub use access::*;
pub use addresses::AddressPlan;
pub use authz::*;
pub use balancing::*;
pub use clients::*;
pub use destination::*;
pub use endpoint::*;
pub use gateway::*;
pub use http_action::*;
pub use http_match::*;
pub use http_route::*;
pub use inbound::*;
pub use jwt::*;
pub use l4_route::*;
pub use limits::*;
pub use loss::*;
pub use mesh::*;
pub use name::*;
pub use origin::*;
pub use patch::*;
pub use predicate::*;
pub use rate_limit::*;
pub use scope::*;
pub use service::*;
pub use settings::*;
pub use share::*;
pub use telemetry::*;
pub use text_match::*;
pub use tls::*;
pub use workload::*;
