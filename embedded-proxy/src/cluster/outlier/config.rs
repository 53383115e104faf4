//! `envoy.config.cluster.v3.OutlierDetection`.

use std::time::Duration;

use crate::proto::Reader;

/// When hosts are ejected, and for how long. Percentages are whole numbers up to 100.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutlierConfig {
    /// Server errors in a row (5).
    pub consecutive_5xx: u32,
    /// Gateway errors (502, 503, 504) in a row (5).
    pub consecutive_gateway: u32,
    /// Local failures in a row, when told apart (5).
    pub consecutive_local: u32,
    /// Local failures have counts of their own.
    pub split: bool,
    /// Time between analyses (10 s).
    pub interval: Duration,
    /// First ejection; each further one is longer by this (30 s).
    pub base: Duration,
    /// Longest ejection (300 s).
    pub longest: Duration,
    /// Up to this much is added.
    pub jitter: Duration,
    /// Share of hosts that may be ejected (10).
    pub max_percent: u32,
    /// One host may be ejected whatever the share.
    pub always_one: bool,
    /// Ends an ejection when the host passes its active health check.
    pub uneject_on_check: bool,
    /// Success rates: hosts needed (5), requests needed (100), deviations times 1000 (1900).
    pub success_rate: (usize, u64, u32),
    /// Failure percentage: hosts needed (5), requests needed (50), percent that is too much (85).
    pub failure_percent: (usize, u64, u32),
    /// How often a detection is acted upon, by kind.
    pub enforcing: Enforcing,
}

/// Percent of detections that are acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforcing {
    /// Server errors in a row (100).
    pub consecutive_5xx: u32,
    /// Gateway errors in a row (0).
    pub consecutive_gateway: u32,
    /// Local failures in a row (100).
    pub consecutive_local: u32,
    /// Success rate (100).
    pub success_rate: u32,
    /// Success rate of local origin (100).
    pub local_success_rate: u32,
    /// Failure percentage (0).
    pub failure_percent: u32,
    /// Failure percentage of local origin (0).
    pub local_failure_percent: u32,
}

impl OutlierConfig {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Self {
        let number = |field: &str, default: u32| reader.u32(field).unwrap_or(default);
        let percent = |field: &str, default: u32| {
            let percent = number(field, default);
            if percent > 100 {
                reader.defect(field, "must be at most 100");
            }
            percent
        };
        let time = |field: &str, default: Duration| {
            let time = reader.duration(field).unwrap_or(default);
            if time.is_zero() {
                reader.defect(field, "must be greater than 0");
            }
            time
        };
        let base = time("base_ejection_time", Duration::from_secs(30));
        let longest = time("max_ejection_time", Duration::from_mins(5).max(base));
        if longest < base {
            reader.defect("max_ejection_time", "must not be smaller than base_ejection_time");
        }
        let size = |field: &str, default: u32| usize::try_from(number(field, default)).unwrap_or(usize::MAX);
        Self {
            consecutive_5xx: number("consecutive_5xx", 5),
            consecutive_gateway: number("consecutive_gateway_failure", 5),
            consecutive_local: number("consecutive_local_origin_failure", 5),
            split: reader.flag("split_external_local_origin_errors"),
            interval: time("interval", Duration::from_secs(10)),
            base,
            longest,
            jitter: reader.duration("max_ejection_time_jitter").unwrap_or_default(),
            max_percent: percent("max_ejection_percent", 10),
            always_one: reader.flag("always_eject_one_host"),
            uneject_on_check: reader.opt_flag("successful_active_health_check_uneject_host").unwrap_or(true),
            success_rate: (
                size("success_rate_minimum_hosts", 5),
                number("success_rate_request_volume", 100).into(),
                number("success_rate_stdev_factor", 1900),
            ),
            failure_percent: (
                size("failure_percentage_minimum_hosts", 5),
                number("failure_percentage_request_volume", 50).into(),
                percent("failure_percentage_threshold", 85),
            ),
            enforcing: Enforcing {
                consecutive_5xx: percent("enforcing_consecutive_5xx", 100),
                consecutive_gateway: percent("enforcing_consecutive_gateway_failure", 0),
                consecutive_local: percent("enforcing_consecutive_local_origin_failure", 100),
                success_rate: percent("enforcing_success_rate", 100),
                local_success_rate: percent("enforcing_local_origin_success_rate", 100),
                failure_percent: percent("enforcing_failure_percentage", 0),
                local_failure_percent: percent("enforcing_failure_percentage_local_origin", 0),
            },
        }
    }
}
