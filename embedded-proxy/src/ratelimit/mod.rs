//! Rate limits inside this process: token buckets, and descriptors that choose among them.

mod bucket;
mod local;

pub use bucket::TokenBucket;
pub use local::{Limiter, Taken};
