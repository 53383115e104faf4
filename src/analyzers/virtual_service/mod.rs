//! VirtualServices against the rest of the input: hosts, subsets, gateways, and each other; and what their routes do not
//! do as they look.

pub mod conflicting_hosts;
pub mod destination_host;
pub mod destination_rule;
pub mod gateway;
pub mod host_without_workload;
mod ingress_subset;
pub mod jwt_claim_route;
pub mod raw_prefix;
pub mod retries_fit_timeout;
pub mod shadowed_route;
mod targets;
