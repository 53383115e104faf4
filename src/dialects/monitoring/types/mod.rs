//! ServiceMonitor, PodMonitor and PrometheusRule as typed manifests.

mod monitor;
mod rule;

pub use monitor::{Endpoint, NamespaceSelector, PodMonitor, ServiceMonitor};
pub use rule::{PrometheusRule, Rule, RuleGroup};
