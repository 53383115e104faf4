//! The aggregated discovery service: what each connected proxy is to have, in the order in which it can take it.

mod blame;
mod registry;
mod service;
mod session;
mod stream;
mod subscription;
mod wire;

pub use blame::blame;
pub use registry::{Registry, Stream};
pub use service::{Ads, AdsService, Peer};
pub use session::{Push, Session, Variant};
pub use subscription::{Difference, Flight, Has, Refusal, Subscription};
