//! Traces: where a request's span belongs, whether it is kept, what it tells, and who gets it.

mod config;
mod propagate;
mod provider;
mod sampler;
mod span;
#[cfg(test)]
mod tests;

pub use config::{Overrides, Tracing, UpstreamSpan, begin_upstream, respond};
pub use propagate::{SpanContext, hex};
