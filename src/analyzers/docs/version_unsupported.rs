//! DOC0006: versions that scripts name are supported.

use super::knowledge::releases::istio_ended;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::shell::Command;
use crate::manifests::shell::Word;
use std::collections::BTreeSet;

declare_code! {
    /// A version whose support has ended
    ///
    /// ## Why
    ///
    /// Nobody fixes its security problems any more, and it is tested with Kubernetes versions that have ended as well.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// export ISTIO_VERSION=1.19.0
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// export ISTIO_VERSION=1.30.0
    /// ```
    ///
    /// ## Fix
    ///
    /// Name a supported version; upgrade one minor version at a time.
    pub VERSION_UNSUPPORTED = "DOC0006", "VersionUnsupported", Warning
}

/// Reports a version whose support has ended.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.VersionUnsupported",
    summary: "Versions that scripts name are supported",
    codes: &[&VERSION_UNSUPPORTED],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut seen = BTreeSet::new();
    for text in &cx.scripts {
        for command in &text.script.commands {
            for (word, minor) in versions(command) {
                let Some(ended) = istio_ended(minor).filter(|_| seen.insert((text.file, minor))) else { continue };
                let message = format!("The support of Istio 1.{minor} ended in {ended}.");
                sink.report_at(&VERSION_UNSUPPORTED, text.file, word.span, message)
                    .label("out of support")
                    .help("Name a supported version: https://istio.io/latest/docs/releases/supported-releases/");
            }
        }
    }
}

/// The words that name an Istio version, with its minor number.
fn versions(command: &Command) -> impl Iterator<Item = (&Word, u32)> {
    // What is only printed or searched for is not used.
    let prints = matches!(command.program(), "echo" | "printf" | "grep" | "sed");
    let words = command.words.iter().chain(&command.assignments).filter(move |_| !prints);
    words.filter_map(|word| ["istio-1.", "ISTIO_VERSION=1."].iter().find_map(|mark| Some((word, minor(word, mark)?))))
}

fn minor(word: &Word, mark: &str) -> Option<u32> {
    let at = word.text.find(mark)?;
    let starts = !word.text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '-');
    let rest = &word.text[at + mark.len()..];
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    if starts { rest[..digits].parse().ok() } else { None }
}
