//! Webhooks of a control plane outside of the cluster.

pub mod address;
