//! The analyzers: one file each, one registry line each; pure functions from the input to findings.

pub mod annotations;
pub mod codes;
pub mod context;
pub mod deployment;
pub mod destination_rule;
pub mod docs;
pub mod injection;
pub mod mesh;
pub mod registry;
pub mod run;
pub mod schema;
pub mod security;
pub mod service_entry;
pub mod services;
pub mod shared;
pub mod structure;
pub mod suppression;
pub mod telemetry;
pub mod virtual_service;
