//! The mesh on one machine, without Kubernetes: the control plane, a proxy for each declared workload and a sample
//! application behind it, all in this process and on loopback addresses.
//!
//! Nothing redirects traffic here. Applications name the destination of a connection with the PROXY protocol at the outbound
//! listener of their own proxy ([`client`]); from there on everything is as in a cluster: routes, mutual TLS, policies.
//! One process means that nothing is left when it ends, even when it is killed.

pub mod app;
pub mod authority;
pub mod behaviour;
pub mod client;
pub mod control;
pub mod door;
pub mod message;
pub mod pod;
pub mod proxy;
pub mod resolve;
pub mod run;
pub mod slot;
pub mod state;
pub mod status;
pub mod traffic;
pub mod world;
