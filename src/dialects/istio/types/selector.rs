//! How a policy names the workloads, Services or gateways that it applies to.

use super::rules::{KEYS_NOT_EMPTY, KEYS_WITHOUT_WILDCARD, LABEL_VALUES};
use crate::message;
use crate::schema::{Map, Text};

message! {
    /// Workloads by their labels (`selector` of the policy kinds).
    pub struct WorkloadSelector {
        /// Labels that a workload must have, all of them.
        match_labels: Map<Text> = "matchLabels" [MaxItems(4096), KEYS_WITHOUT_WILDCARD, KEYS_NOT_EMPTY, LABEL_VALUES],
    }
}

message! {
    /// Workloads by their labels (`workloadSelector` of the networking kinds).
    pub struct LabelsSelector {
        /// Labels that a workload must have, all of them.
        labels: Map<Text> = "labels" [MaxItems(256), LABEL_VALUES],
    }
}

message! {
    /// A Service, ServiceEntry, Gateway or GatewayClass that a policy is attached to.
    pub struct PolicyTargetReference {
        /// API group; empty for Services.
        group: Option<Text> = "group" [MaxLen(253), Test(
            r#"self == "" || self.matches("^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")"#,
            "must be a DNS name in lower case",
            |node| node.as_str().is_none_or(|text| text.is_empty() || dns_name(text)),
        )],
        /// Kind.
        kind: Option<Text> = "kind" [Required, MinLen(1), MaxLen(63), Test(
            r#"self.matches("^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")"#,
            "must be the name of a kind: letters, digits and `-`, first a letter",
            |node| node.as_str().is_none_or(|text| text.is_empty() || kind_name(text)),
        )],
        /// Name.
        name: Option<Text> = "name" [Required, MinLen(1), MaxLen(253)],
        /// Must stay empty: a policy is attached within its own namespace.
        namespace: Option<Text> = "namespace" [Test(
            "self.size() == 0",
            "must not be set: the target is in the policy's own namespace",
            |node| node.as_str().is_none_or(str::is_empty),
        )],
    }
}

fn dns_name(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

fn kind_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}
