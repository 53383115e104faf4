//! Rate limits inside this process: token buckets, and descriptors that choose among them.

mod bucket;
mod descriptor;
mod local;

pub use bucket::TokenBucket;
pub use descriptor::Descriptor;
pub use local::{Limiter, Taken};
