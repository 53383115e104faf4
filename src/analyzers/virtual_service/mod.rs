//! VirtualServices against the rest of the input: hosts, subsets, gateways, and each other.

pub mod conflicting_hosts;
pub mod destination_host;
pub mod destination_rule;
pub mod gateway;
mod ingress_subset;
pub mod jwt_claim_route;
mod targets;
