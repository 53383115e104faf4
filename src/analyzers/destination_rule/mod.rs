//! DestinationRules against the rest of the input: hosts, pods of subsets, certificates of servers; and settings that
//! work less well than they look.

pub mod ca_certificate;
pub mod old_load_balancer;
pub mod old_outlier_field;
mod policies;
pub mod small_pool;
pub mod subset_select_pod;
