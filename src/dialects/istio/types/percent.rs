//! A percentage with fractions.

use crate::message;
use crate::schema::Number;

message! {
    /// A percentage with fractions, from 0.0 to 100.0.
    pub struct Percent {
        /// The percentage.
        value: Option<Number> = "value",
    }
}
