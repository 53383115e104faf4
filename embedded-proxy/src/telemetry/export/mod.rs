//! Sending what was recorded to collectors, in batches and off the data path.

mod batch;
mod otlp;

pub use batch::{Batch, Entries};
pub use otlp::{Otlp, any_value, attribute};
