//! The admin interface: Envoy's paths, methods, status codes and JSON.

mod certs;
mod clusters;
mod config_dump;
mod endpoints;
mod info;
mod listeners;
mod logging;
mod mask;
mod page;
mod redact;
mod router;
mod server;
mod stats;
#[cfg(test)]
mod tests;

pub use certs::first_end;
pub use redact::redact;
pub use router::{Admin, AdminOptions, Call, Page};
pub use server::serve;
