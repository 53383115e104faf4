//! Services: the names of their ports, and their likeness across clusters.

pub mod multi_cluster;
pub mod port_name;
