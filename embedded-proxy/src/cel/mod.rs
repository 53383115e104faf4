//! Expressions of the Common Expression Language over the attributes of a request or connection, under Envoy's names.
//!
//! What an expression looks at is checked when it is read: an attribute or a function that the proxy does not have makes
//! the configuration wrong. What is left can only fail for what a request is like (a field that it does not have); who
//! asks says what such a failure means.

mod attributes;
mod check;
mod program;
mod syntax;

pub use attributes::Attributes;
pub use program::Program;
