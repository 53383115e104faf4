//! MON0005: rates over ranges that hold fewer than two scrapes.

use std::time::Duration;

use promql_parser::parser::Expr;

use super::Facts;
use crate::analyzers::context::Context;
use crate::analyzers::monitoring::period;
use crate::analyzers::monitoring::promql::{self, Parsed};
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A rate over less than two scrapes
    ///
    /// ## Why
    ///
    /// A rate needs two samples. When the range is shorter than two scrape intervals there is often only one, the
    /// expression gives nothing, and the alert does not fire. Four intervals are a good least.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// # scraped every 30s
    /// expr: sum(rate(istio_requests_total[30s])) > 10
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// # scraped every 30s
    /// expr: sum(rate(istio_requests_total[2m])) > 10
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a range of at least two, better four scrape intervals.
    pub TOO_SHORT = "MON0005", "RangeTooShort", Warning
}

const RATES: &[&str] = &["rate", "irate", "increase", "delta", "idelta", "deriv"];

/// The operator scrapes at this interval when a monitor names none.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(30);

/// The shortest interval of all monitors of the input; nothing without monitors.
pub(super) fn shortest_interval(cx: &Context<'_>) -> Option<Duration> {
    let services = cx.service_monitors.iter().flat_map(|monitor| monitor.spec.endpoints.iter());
    let pods = cx.pod_monitors.iter().flat_map(|monitor| monitor.spec.pod_metrics_endpoints.iter());
    services
        .chain(pods)
        .map(|endpoint| {
            let own = endpoint.interval.as_ref().and_then(|text| period::parse(text.as_str()));
            own.filter(|interval| !interval.is_zero()).unwrap_or(DEFAULT_INTERVAL)
        })
        .min()
}

pub(super) fn check(cx: &Context<'_>, rule: &Parsed<'_>, expr: &Expr, facts: &Facts, sink: &mut Sink) {
    let mut shortest: Option<(&'static str, Duration)> = None;
    promql::walk(expr, &mut |part| {
        if let Expr::Call(call) = part
            && RATES.contains(&call.func.name)
            && let Some(Expr::MatrixSelector(matrix)) = call.args.args.first().map(|arg| promql::bare(arg))
            && shortest.is_none_or(|(_, range)| matrix.range < range)
        {
            shortest = Some((call.func.name, matrix.range));
        }
    });
    let Some((function, range)) = shortest else { return };
    let Some(interval) = facts.interval else {
        if range < 4 * DEFAULT_INTERVAL {
            sink.undecided("ranges of rates", "ServiceMonitors or PodMonitors with their intervals");
        }
        return;
    };
    if range < 2 * interval {
        let message = format!(
            "`{function}` over {}s holds fewer than two scrapes: the monitors of the input scrape every {}s at best.",
            range.as_secs_f64(),
            interval.as_secs_f64()
        );
        sink.report(&TOO_SHORT, rule.meta, rule.span_of_word(cx.model(), function), message)
            .label("often gives nothing")
            .help(format!("Use a range of at least {}s.", 4.0 * interval.as_secs_f64()));
    }
}
