//! Who may talk to whom: authorization, authentication, mutual TLS.

pub mod authorization_policies;
pub mod blocked_cidrs;
pub mod deny_all_ingress;
pub mod literal_subject;
pub mod plaintext_port;
pub mod principals_never_match;
pub mod rule_split;
