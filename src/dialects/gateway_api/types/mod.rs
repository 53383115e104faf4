//! Gateway API kinds as typed manifests.

mod backend_tls;
mod filter;
mod gateway;
mod grpc_route;
mod http_route;
mod l4_route;
mod matching;
mod reference;
mod reference_grant;

pub use backend_tls::*;
pub use filter::*;
pub use gateway::*;
pub use grpc_route::*;
pub use http_route::*;
pub use l4_route::*;
pub use matching::*;
pub use reference::*;
pub use reference_grant::*;
