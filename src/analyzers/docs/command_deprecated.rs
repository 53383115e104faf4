//! DOC0002: commands are not deprecated.

use super::invocation::calls;
use super::knowledge::commands::{DEPRECATED, DEPRECATED_FLAGS};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A command or flag that is deprecated
    ///
    /// ## Why
    ///
    /// It works for now and prints a warning, or nothing. A later release removes it, and the script breaks on that
    /// day.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// linkerd multicluster link --cluster-name west | kubectl apply -f -
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// linkerd multicluster link-gen --cluster-name west | kubectl apply -f -
    /// ```
    ///
    /// ## Fix
    ///
    /// Use the command that the finding names.
    pub COMMAND_DEPRECATED = "DOC0002", "CommandDeprecated", Warning
}

/// Reports a command or flag that is deprecated.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.CommandDeprecated",
    summary: "Commands are not deprecated",
    codes: &[&COMMAND_DEPRECATED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        if let Some(row) = call.row(DEPRECATED) {
            let steps = row.path.len();
            let message = format!("`{}` {}.", call.spelled(steps), row.fact);
            sink.report_at(&COMMAND_DEPRECATED, call.file(), call.path_span(steps), message)
                .label("deprecated")
                .help(row.instead);
        }
        for (row, flag) in call.flag_rows(DEPRECATED_FLAGS) {
            let message = format!("`--{}` of `{}` is deprecated.", flag.name, call.spelled(row.path.len()));
            sink.report_at(&COMMAND_DEPRECATED, call.file(), flag.word.span, message)
                .label("deprecated")
                .help(row.instead);
        }
    }
}
