//! TLS: the only place that knows rustls.

mod acceptor;
mod certificate;
mod connector;
mod context;
mod data;
mod errors;
mod facts;
mod material;
mod names;
mod params;
mod peer;
mod secret;
mod stats;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod validation;
mod verify;

pub use acceptor::Acceptor;
pub use certificate::Certificate;
pub use connector::{Connector, Target};
pub(crate) use data::Data;
pub use facts::{CertificateFacts, Name};
pub use material::Presented;
pub(crate) use names::is_id as is_spiffe_id;
pub use secret::Secret;
pub use validation::Validation;
