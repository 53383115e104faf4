//! DOC0009: install scripts give a current release.

use super::invocation::calls;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// An install script that gives no current release
    ///
    /// ## Why
    ///
    /// Since 2024 Linkerd's open-source project publishes edge releases only. The script at `run.linkerd.io/install`
    /// fetches the last stable release from before that.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// curl -sSfL https://run.linkerd.io/install | sh
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// curl -sSfL https://run.linkerd.io/install-edge | sh
    /// ```
    ///
    /// ## Fix
    ///
    /// Use `install-edge`, or the package of the distribution that you run.
    pub INSTALL_SCRIPT = "DOC0009", "InstallScriptOutdated", Warning
}

/// Reports an install script that gives no current release.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.InstallScriptOutdated",
    summary: "Install scripts give a current release",
    codes: &[&INSTALL_SCRIPT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx).filter(|call| matches!(call.program, "curl" | "wget")) {
        for word in call.positional.iter().filter(|word| word.text.trim_end_matches('/').ends_with(OLD)) {
            sink.report_at(&INSTALL_SCRIPT, call.file(), word.span, format!("`{OLD}` gives no current Linkerd."))
                .label("the stable releases ended in 2024")
                .help("The open-source project publishes https://run.linkerd.io/install-edge");
        }
    }
}

const OLD: &str = "run.linkerd.io/install";
