//! Deployments: the Services in front of them, their labels, and the user that they run as.

pub mod application_uid;
pub mod labels;
pub mod multi_service;
