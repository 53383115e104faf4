//! DOC0001: commands of istioctl and linkerd still exist.

use super::invocation::calls;
use super::knowledge::commands::{REMOVED, REMOVED_FLAGS};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A command or flag that no longer exists
    ///
    /// ## Why
    ///
    /// The program prints an error or its help and ends. A script under `set -e` stops there; without it, the step that
    /// was to be checked is silently skipped.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// istioctl verify-install
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// istioctl analyze -A
    /// ```
    ///
    /// ## Fix
    ///
    /// Use what took the place of the command; the finding names it.
    pub COMMAND_REMOVED = "DOC0001", "CommandRemoved", Error
}

/// Reports a command or flag that no longer exists.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.CommandRemoved",
    summary: "Commands of istioctl and linkerd still exist",
    codes: &[&COMMAND_REMOVED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        if let Some(row) = call.row(REMOVED) {
            let steps = row.path.len();
            let message = format!("`{}` {}.", call.spelled(steps), row.fact);
            sink.report_at(&COMMAND_REMOVED, call.file(), call.path_span(steps), message)
                .label("no such command")
                .help(row.instead);
        }
        for (row, flag) in call.flag_rows(REMOVED_FLAGS) {
            let message = format!("`--{}` of `{}` was removed.", flag.name, call.spelled(row.path.len()));
            sink.report_at(&COMMAND_REMOVED, call.file(), flag.word.span, message)
                .label("no such flag")
                .help(row.instead);
        }
    }
}
