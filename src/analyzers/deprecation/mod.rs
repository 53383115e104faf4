//! Fields and kinds that Istio has given up.

pub mod fields;
