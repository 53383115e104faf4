//! One endpoint of a cluster.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use serde_json::Value;

/// An endpoint: its address, its weight, and how it does. Shared by pickers, pools, health checks and outlier detection;
/// it survives updates of its cluster as long as its address stays.
#[derive(Debug)]
pub struct Host {
    /// Address.
    pub address: SocketAddr,
    /// Host name, when the endpoint has one.
    pub hostname: Option<Arc<str>>,
    /// Load balancing weight, at least 1.
    pub weight: AtomicU32,
    /// Region, zone, sub-zone.
    pub locality: (Arc<str>, Arc<str>, Arc<str>),
    /// Priority, 0 first.
    pub priority: u32,
    /// Metadata by namespace (`envoy.lb`, `istio`).
    pub metadata: Arc<BTreeMap<String, Value>>,
    /// Whether the control plane, health checks and outlier detection all let it take traffic.
    pub healthy: AtomicBool,
    /// Requests on their way.
    pub active: AtomicU32,
    /// Requests since it is known.
    pub requests: AtomicU64,
}

impl Host {
    /// Whether it may take traffic.
    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }
}
