//! PrometheusRule: alerts and recorded series.

use crate::message;
use crate::schema::{At, Int, IntOrString, List, Map, Text};

message! {
    /// Groups of rules.
    pub struct PrometheusRule {
        /// Groups.
        groups: List<RuleGroup> = "groups",
    }
}

message! {
    /// Rules that are evaluated together.
    pub struct RuleGroup {
        /// Name.
        name: Option<Text> = "name" [Required, MinLen(1)],
        /// Time between two evaluations.
        interval: Option<Text> = "interval",
        /// How far back to look.
        query_offset: Option<Text> = "query_offset",
        /// Most alerts or series of a rule.
        limit: Option<Int> = "limit",
        /// Labels of all rules.
        labels: Map<Text> = "labels",
        /// Thanos: what becomes of partial answers.
        partial_response_strategy: Option<Text> = "partial_response_strategy",
        /// Rules.
        rules: List<Rule> = "rules",
    }
}

message! {
    /// An alert or a recorded series.
    pub struct Rule {
        /// Name of the series.
        record: Option<Text> = "record",
        /// Name of the alert.
        alert: Option<Text> = "alert",
        /// PromQL.
        expr: Option<At<IntOrString>> = "expr" [Required],
        /// How long before it fires.
        r#for: Option<Text> = "for",
        /// How long it fires on.
        keep_firing_for: Option<Text> = "keep_firing_for",
        /// Labels to add.
        labels: Map<Text> = "labels",
        /// Texts for people.
        annotations: Map<Text> = "annotations",
    }
}
