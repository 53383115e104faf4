//! MON0010: the same alert twice in one group.

use std::collections::HashMap;

use super::promql;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::monitoring::types::Rule;
use crate::schema::Text;

declare_code! {
    /// One alert twice in a group
    ///
    /// ## Why
    ///
    /// Two rules of a group with the same alert name and the same labels make alerts that nobody can tell apart; the
    /// Alertmanager merges them. Alerts of one name that differ in a label such as `severity` are fine.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// - alert: HighLatency
    ///   expr: job:latency:p99 > 1
    /// - alert: HighLatency
    ///   expr: job:latency:p50 > 0.5
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// - alert: HighTailLatency
    ///   expr: job:latency:p99 > 1
    /// - alert: HighMedianLatency
    ///   expr: job:latency:p50 > 0.5
    /// ```
    ///
    /// ## Fix
    ///
    /// Rename one of them, or give them different labels.
    pub TWICE = "MON0010", "DuplicateAlert", Warning
}

/// Finds alerts that stand twice in a group.
pub static ANALYZER: Analyzer = Analyzer {
    name: "monitoring.Groups",
    summary: "Alerts of a group can be told apart",
    codes: &[&TWICE],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for (meta, group) in promql::groups(cx.model()) {
        let mut seen: HashMap<_, &Text> = HashMap::new();
        for rule in &group.rules {
            let Some(alert) = &rule.alert else { continue };
            let Some(first) = seen.insert((alert.as_str(), labels(rule)), alert) else { continue };
            sink.report(
                &TWICE,
                meta,
                alert.span(),
                format!("The alert {} stands twice in this group.", alert.as_str()),
            )
            .label("the same name and labels again")
            .related(meta.file, first.span(), "first here")
            .help("Rename one of them, or give them different labels.");
        }
    }
}

fn labels(rule: &Rule) -> Vec<(&str, &str)> {
    let mut labels: Vec<_> = rule.labels.pairs().collect();
    labels.sort_unstable();
    labels
}
