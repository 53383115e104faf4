//! MON0009: durations that Prometheus does not read.

use super::{period, promql};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::monitoring::types::Endpoint;
use crate::dialects::object::Meta;
use crate::schema::{List, Text};

declare_code! {
    /// A duration that Prometheus does not read
    ///
    /// ## Why
    ///
    /// Prometheus writes durations as whole numbers with units from large to small: `30s`, `1m30s`, `2h`. The operator
    /// refuses the object with any other text. A scrape must also not be allowed to take longer than the interval.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// - alert: HighErrorRate
    ///   expr: job:errors:ratio > 0.1
    ///   for: 5min
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// - alert: HighErrorRate
    ///   expr: job:errors:ratio > 0.1
    ///   for: 5m
    /// ```
    ///
    /// ## Fix
    ///
    /// Use the units `ms`, `s`, `m`, `h`, `d`, `w` and `y` with whole numbers, without spaces.
    pub BAD_DURATION = "MON0009", "InvalidPrometheusDuration", Error
}

/// Checks durations of rules and monitors.
pub static ANALYZER: Analyzer = Analyzer {
    name: "monitoring.Durations",
    summary: "Durations of Prometheus rules and monitors can be read",
    codes: &[&BAD_DURATION],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for (meta, group) in promql::groups(cx.model()) {
        check(meta, "interval", group.interval.as_ref(), sink);
        for rule in &group.rules {
            check(meta, "for", rule.r#for.as_ref(), sink);
            check(meta, "keep_firing_for", rule.keep_firing_for.as_ref(), sink);
        }
    }
    for monitor in &cx.service_monitors {
        check_endpoints(&monitor.meta, &monitor.spec.endpoints, sink);
    }
    for monitor in &cx.pod_monitors {
        check_endpoints(&monitor.meta, &monitor.spec.pod_metrics_endpoints, sink);
    }
}

fn check_endpoints(meta: &Meta, endpoints: &List<Endpoint>, sink: &mut Sink) {
    for endpoint in endpoints {
        check(meta, "interval", endpoint.interval.as_ref(), sink);
        check(meta, "scrapeTimeout", endpoint.scrape_timeout.as_ref(), sink);
        let (Some(interval), Some(timeout)) = (&endpoint.interval, &endpoint.scrape_timeout) else { continue };
        let (Some(every), Some(most)) = (period::parse(interval.as_str()), period::parse(timeout.as_str())) else {
            continue;
        };
        if most > every && !every.is_zero() {
            let message = format!(
                "The scrapeTimeout {} is longer than the interval {}, which Prometheus refuses.",
                timeout.as_str(),
                interval.as_str()
            );
            sink.report(&BAD_DURATION, meta, timeout.span(), message)
                .label("longer than the interval")
                .related(meta.file, interval.span(), "the interval")
                .help("Choose a scrapeTimeout of at most the interval.");
        }
    }
}

fn check(meta: &Meta, field: &str, text: Option<&Text>, sink: &mut Sink) {
    let Some(text) = text else { return };
    let written = text.as_str();
    // An empty text means not set; `$` and `{{` are filled in later.
    if written.is_empty() || written.contains(['$', '{']) || period::parse(written).is_some() {
        return;
    }
    sink.report(&BAD_DURATION, meta, text.span(), format!("`{field}: {written}` is no Prometheus duration."))
        .label("not a duration")
        .help("Write a whole number and a unit, such as 30s, 5m or 1h30m.");
}
