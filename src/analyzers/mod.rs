//! The analyzers: one file each, one registry line each; pure functions from the input to findings.

pub mod annotations;
pub mod codes;
pub mod context;
<<<<<<< HEAD
pub mod deployment;
=======
pub mod destination_rule;
>>>>>>> 8f1cb33 (destinationrule and serviceentry analyzers: certificates of servers, pods of subsets, addresses and protocols)
pub mod docs;
pub mod injection;
pub mod mesh;
pub mod registry;
pub mod run;
pub mod schema;
pub mod security;
<<<<<<< HEAD
pub mod services;
=======
pub mod service_entry;
>>>>>>> 8f1cb33 (destinationrule and serviceentry analyzers: certificates of servers, pods of subsets, addresses and protocols)
pub mod shared;
pub mod structure;
pub mod suppression;
pub mod telemetry;
pub mod virtual_service;
