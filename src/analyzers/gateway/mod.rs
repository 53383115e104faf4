//! Gateways against each other, the gateway pods, their Services and Secrets.

pub mod certificate;
pub mod conflicting;
pub mod ingress_port;
pub mod secret;
