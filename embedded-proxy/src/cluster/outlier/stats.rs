//! Stats of outlier detection: `cluster.NAME.outlier_detection.*`.

use std::sync::Arc;

use crate::telemetry::stats::{Counter, Gauge, Scope};

use super::config::Enforcing;

/// Why a host is an outlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    Server,
    Gateway,
    Local,
    SuccessRate,
    LocalSuccessRate,
    FailurePercent,
    LocalFailurePercent,
}

/// The stats.
#[derive(Debug)]
pub(super) struct OutlierStats {
    pub(super) active: Arc<Gauge>,
    pub(super) overflow: Arc<Counter>,
    enforced_total: Arc<Counter>,
    /// Older counters that Envoy still keeps.
    total: Arc<Counter>,
    consecutive_5xx: Arc<Counter>,
    success_rate: Arc<Counter>,
    /// Detected and enforced, in the order of [`Reason`].
    detected: [Arc<Counter>; 7],
    enforced: [Arc<Counter>; 7],
}

const NAMES: [&str; 7] = [
    "consecutive_5xx",
    "consecutive_gateway_failure",
    "consecutive_local_origin_failure",
    "success_rate",
    "local_origin_success_rate",
    "failure_percentage",
    "local_origin_failure_percentage",
];

impl Reason {
    fn index(self) -> usize {
        match self {
            Self::Server => 0,
            Self::Gateway => 1,
            Self::Local => 2,
            Self::SuccessRate => 3,
            Self::LocalSuccessRate => 4,
            Self::FailurePercent => 5,
            Self::LocalFailurePercent => 6,
        }
    }

    /// Percent of detections that are acted upon.
    pub(super) fn enforcing(self, enforcing: &Enforcing) -> u32 {
        match self {
            Self::Server => enforcing.consecutive_5xx,
            Self::Gateway => enforcing.consecutive_gateway,
            Self::Local => enforcing.consecutive_local,
            Self::SuccessRate => enforcing.success_rate,
            Self::LocalSuccessRate => enforcing.local_success_rate,
            Self::FailurePercent => enforcing.failure_percent,
            Self::LocalFailurePercent => enforcing.local_failure_percent,
        }
    }
}

impl OutlierStats {
    pub(super) fn new(scope: &Scope) -> Self {
        let scope = scope.sub("outlier_detection");
        Self {
            active: scope.gauge("ejections_active"),
            overflow: scope.counter("ejections_overflow"),
            enforced_total: scope.counter("ejections_enforced_total"),
            total: scope.counter("ejections_total"),
            consecutive_5xx: scope.counter("ejections_consecutive_5xx"),
            success_rate: scope.counter("ejections_success_rate"),
            detected: NAMES.map(|name| scope.counter(&format!("ejections_detected_{name}"))),
            enforced: NAMES.map(|name| scope.counter(&format!("ejections_enforced_{name}"))),
        }
    }

    pub(super) fn detected(&self, reason: Reason) {
        self.detected[reason.index()].inc();
        match reason {
            Reason::Server => self.consecutive_5xx.inc(),
            Reason::SuccessRate | Reason::LocalSuccessRate => self.success_rate.inc(),
            _ => {}
        }
    }

    /// An ejection that the share of ejected hosts allows.
    pub(super) fn allowed(&self, reason: Reason) {
        if matches!(reason, Reason::Server | Reason::SuccessRate) {
            self.total.inc();
        }
    }

    pub(super) fn enforced(&self, reason: Reason) {
        self.enforced_total.inc();
        self.enforced[reason.index()].inc();
    }
}
