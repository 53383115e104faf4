//! DestinationRules against the rest of the input: hosts, pods of subsets, and certificates of servers.

pub mod ca_certificate;
pub mod subset_select_pod;
