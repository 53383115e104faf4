//! DOC0014: commands under a comment about certificates show certificates.

use super::invocation::{calls, comments_above};
use super::knowledge::commands::NO_CERTIFICATES;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// The command shows something else than its comment says
    ///
    /// ## Why
    ///
    /// Whoever follows the text looks for certificates in a list of requests, and concludes that there are none, or
    /// that all is well.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// # View certificates
    /// linkerd viz top deploy/web
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// # View certificates
    /// linkerd identity deploy/web
    /// ```
    ///
    /// ## Fix
    ///
    /// Use the command that the finding names, or correct the comment.
    pub SHOWS_OTHER = "DOC0014", "CommandShowsOther", Warning
}

/// Reports the command shows something else than its comment says.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ShowsOther",
    summary: "Commands under a comment about certificates show certificates",
    codes: &[&SHOWS_OTHER],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        let Some(row) = call.row(NO_CERTIFICATES) else { continue };
        let about = |comment: &str| comment.to_ascii_lowercase().contains("certificate");
        if comments_above(cx, &call).any(about) {
            let steps = row.path.len();
            let message = format!("`{}` {}, the comment above says certificates.", call.spelled(steps), row.fact);
            sink.report_at(&SHOWS_OTHER, call.file(), call.path_span(steps), message)
                .label("no certificates here")
                .help(row.instead);
        }
    }
}
