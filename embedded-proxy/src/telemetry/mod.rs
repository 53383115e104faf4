//! What the proxy tells about itself: stats, access logs, traces.

pub mod access_log;
pub mod export;
pub mod format;
pub mod istio;
pub mod log;
pub mod stats;
pub mod tag;
pub mod trace;
