//! Traces, metrics and access logs.

pub mod default_selector;
pub mod lightstep;
pub mod no_op_override;
pub mod provider;
pub mod provider_kind;
pub mod selector;
pub mod split_items;
pub mod tag_values;
pub mod unknown_provider;
