//! DOC0003: commands have the arguments that they need.

use super::invocation::calls;
use super::knowledge::commands::NEED_ARGUMENT;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::shell::Operator;

declare_code! {
    /// A command without the argument that it needs
    ///
    /// ## Why
    ///
    /// The program prints its usage and ends with an error, before it does anything.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// linkerd viz edges -n web
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// linkerd viz edges deploy -n web
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the argument that the finding names.
    pub ARGUMENT_MISSING = "DOC0003", "CommandArgumentMissing", Error
}

/// Reports a command without the argument that it needs.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ArgumentMissing",
    summary: "Commands have the arguments that they need",
    codes: &[&ARGUMENT_MISSING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        let Some(row) = call.row(NEED_ARGUMENT) else { continue };
        let steps = row.path.len();
        // `<name>` is read as a redirection and takes the word away: that is another finding.
        let placeholder = call.command.redirects.iter().any(|redirect| redirect.operator == Operator::In);
        let helps = call.has(&["h", "help"]);
        if call.positional.len() == steps && call.certain && !placeholder && !helps {
            let message = format!("`{}` {}.", call.spelled(steps), row.fact);
            sink.report_at(&ARGUMENT_MISSING, call.file(), call.path_span(steps), message)
                .label("an argument is missing after this")
                .help(row.instead);
        }
    }
}
