//! Removal of endpoints that fail.

use super::rules::{DURATION, INT32, UINT32};
use crate::message;
use crate::schema::{At, Int, List, Period};

message! {
    /// When an endpoint is taken out, and for how long.
    pub struct OutlierDetection {
        /// Old form of `consecutive5xxErrors`.
        consecutive_errors: Option<Int> = "consecutiveErrors" [INT32],
        /// Count failures to connect apart from error answers.
        split_external_local_origin_errors: Option<At<bool>> = "splitExternalLocalOriginErrors",
        /// Failures to connect in a row.
        consecutive_local_origin_failures: Option<Int> = "consecutiveLocalOriginFailures" [UINT32],
        /// Answers 502, 503 and 504 in a row; 0 turns it off.
        consecutive_gateway_errors: Option<Int> = "consecutiveGatewayErrors" [UINT32],
        /// Answers 5xx in a row; 5 when not set, 0 turns it off.
        consecutive_5xx_errors: Option<Int> = "consecutive5xxErrors" [UINT32],
        /// Time between two looks at the counts.
        interval: Option<At<Period>> = "interval" [DURATION],
        /// Shortest removal; it grows with the number of removals.
        base_ejection_time: Option<At<Period>> = "baseEjectionTime" [DURATION],
        /// Largest share of endpoints that may be out; 10 when not set.
        max_ejection_percent: Option<Int> = "maxEjectionPercent" [INT32],
        /// Share of healthy endpoints under which nothing is taken out.
        min_health_percent: Option<Int> = "minHealthPercent" [INT32],
        /// HTTP codes that count as errors.
        outlier_detection_http_error_codes: List<Int> = "outlierDetectionHttpErrorCodes" [Test(
            "self.all(code, 100 <= code && code <= 599)",
            "must have HTTP codes from 100 to 599",
            |node| node.items().iter().all(|code| Range(100.0, 599.0).broken_by(code).is_none()),
        )],
    }
}
