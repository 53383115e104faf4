//! DOC0007: commands that ask have an input to read the answer from.

use super::invocation::calls;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::source::Span;

declare_code! {
    /// A prompt that can only read the end of its input
    ///
    /// ## Why
    ///
    /// `-f -` reads the whole standard input. The question "proceed? (y/N)" then reads the end of it and takes that for
    /// no: the command prints "Cancelled." and ends with exit code 1.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// istioctl install -f - <<EOF
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// EOF
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// istioctl install -y -f - <<EOF
    /// apiVersion: install.istio.io/v1alpha1
    /// kind: IstioOperator
    /// EOF
    /// ```
    ///
    /// ## Fix
    ///
    /// Add `-y`, or put the configuration into a file.
    pub PROMPT = "DOC0007", "PromptWithoutInput", Error
}

/// Reports a prompt that can only read the end of its input.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.PromptWithoutInput",
    summary: "Commands that ask have an input to read the answer from",
    codes: &[&PROMPT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        let steps = match () {
            () if call.is("istioctl", &["install|apply|upgrade|uninstall"]) => 1,
            () if call.is("istioctl", &["manifest", "install"]) => 2,
            () => continue,
        };
        let Some(input) = call.flags(&["f", "filename"]).find(|flag| flag.value == Some("-")) else { continue };
        let is_fed = call.command.stdin().is_some() || call.command.reads_from.is_some();
        if is_fed && !call.has(&["y", "skip-confirmation", "dry-run", "h", "help"]) {
            let path = call.path_span(steps);
            let command = call.spelled(steps);
            let message = format!("`{command} -f -` uses up its input; the question that follows is answered with no.");
            sink.report_at(&PROMPT, call.file(), input.word.span, message)
                .label("reads everything, the answer too")
                .help("Add `-y`.")
                .replace(Span::new(path.end, path.end), " -y");
        }
    }
}
