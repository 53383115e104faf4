//! ProxyConfig: settings of proxies as a resource of its own.

use super::rules::INT32_NOT_NEGATIVE;
use super::selector::WorkloadSelector;
use crate::message;
use crate::schema::{Int, Map, Text};

message! {
    /// Settings of the proxies beside some workloads; they take effect when the pods are created anew.
    pub struct ProxyConfig {
        /// The workloads; all of the namespace when not set.
        selector: Option<WorkloadSelector> = "selector",
        /// Worker threads; 0 means one for each core.
        concurrency: Option<Int> = "concurrency" [INT32_NOT_NEGATIVE],
        /// Environment variables of the proxy.
        environment_variables: Map<Text> = "environmentVariables" [Each(&MaxLen(2048))],
        /// The proxy's image.
        image: Option<ProxyImage> = "image",
    }
}

message! {
    /// The proxy's image.
    pub struct ProxyImage {
        /// `default`, `debug` or `distroless`.
        image_type: Option<Text> = "imageType",
    }
}
