//! Who may talk to whom: authorization, authentication, mutual TLS.

pub mod authorization_policies;
pub mod blocked_cidrs;
