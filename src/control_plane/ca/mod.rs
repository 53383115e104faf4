//! The certificate authority of the mesh: a root that signs itself, an issuer below it that signs proxies, and the service
//! over which proxies ask.

mod authority;
mod files;
mod identity;
mod service;
mod tokens;

pub use authority::{Authority, CaError};
pub use identity::of_certificate;
pub use service::{Ca, CaService};
pub use tokens::Tokens;
