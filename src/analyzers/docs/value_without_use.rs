//! DOC0016: chart values have an effect.

use super::invocation::calls;
use super::knowledge::charts::WITHOUT_USE;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A chart value from an earlier age
    ///
    /// ## Why
    ///
    /// The chart still accepts the value, but what it was for is gone or off by default. It suggests a protection or a
    /// feature that is not there.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// helm install consul hashicorp/consul --set global.tls.enableAutoEncrypt=true
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// helm install consul hashicorp/consul --set global.tls.enabled=true
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave the value out.
    pub VALUE_WITHOUT_USE = "DOC0016", "ValueWithoutUse", Warning
}

/// Reports a chart value from an earlier age.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ValueWithoutUse",
    summary: "Chart values have an effect",
    codes: &[&VALUE_WITHOUT_USE],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        let Some(chart) = call.chart() else { continue };
        for (path, value, word) in call.sets() {
            let known = WITHOUT_USE.iter().find(|row| row.chart == chart && row.path == path && row.value == value);
            if let Some(row) = known.filter(|row| !call.sets().any(|(path, ..)| path == row.unless)) {
                sink.report_at(&VALUE_WITHOUT_USE, call.file(), word.span, format!("`{path}` {}.", row.why))
                    .label("no use")
                    .help("Leave it out.");
            }
        }
    }
}
