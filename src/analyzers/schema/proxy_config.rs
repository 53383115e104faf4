//! Validation of ProxyConfigs: rule 73 (the number range is part of the structure) and the selector.

use super::shared::Report;
use super::shared::selectors::policy_target;
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::schema::List;

/// Validates ProxyConfigs as Istio's webhook does.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.ProxyConfig",
    summary: "ProxyConfigs that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for config in &cx.proxy_configs {
        let mut report = Report::with_metadata(&config.meta, sink);
        policy_target(&mut report, config.spec.selector.as_ref(), None, &List::default(), "the ProxyConfig");
    }
}
