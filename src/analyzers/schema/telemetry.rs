//! Validation of Telemetry objects (rules 66 and 67).

use super::shared::{Report, durations, selectors};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::cel::{self, Expression};
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Telemetry;

/// Validates every Telemetry object.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.Telemetry",
    summary: "Values of Telemetry objects that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.telemetries {
        let spec = &object.spec;
        let mut report = Report::with_metadata(&object.meta, sink);
        let selector = spec.selector.as_ref();
        selectors::policy_target(&mut report, selector, spec.target_ref.as_ref(), &spec.target_refs, "the Telemetry");
        tracing(&mut report, spec);
        filters(&mut report, spec);
        durations::check(&mut report, spec.metrics.iter().map(|metrics| metrics.reporting_interval.as_ref()));
    }
}

fn tracing(report: &mut Report<'_>, spec: &Telemetry) {
    if let [_, second, ..] = &spec.tracing[..] {
        report
            .warning(second.place.span(), "several items of `tracing` are not supported")
            .help("put everything into one item; two are only read for CLIENT and SERVER apart");
    }
    for item in &spec.tracing {
        if let [_, second, ..] = &item.providers[..] {
            report
                .warning(second.place.span(), "several tracing providers are not supported: the first one is used")
                .help("name one provider; a collector can pass spans on to several backends");
        }
    }
}

/// A filter that does not compile makes the proxies refuse the whole access log.
fn filters(report: &mut Report<'_>, spec: &Telemetry) {
    for filter in spec.access_logging.iter().filter_map(|item| item.filter.as_ref()) {
        let Some(expression) = &filter.expression else { continue };
        match cel::judge(expression.as_str()) {
            Expression::Fine => {}
            Expression::AccessLogFormat => {
                report
                    .error(expression.span(), "the filter is written as an access log format, not in CEL")
                    .help("write attributes, as `response.code >= 400`");
            }
            Expression::Broken => {
                report
                    .error(expression.span(), "the filter is no CEL expression")
                    .help("write a condition on attributes, as `response.code >= 400`");
            }
        }
    }
}
