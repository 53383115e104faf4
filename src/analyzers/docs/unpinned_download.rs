//! DOC0005: download scripts and the folders entered after them agree on a version.

use super::invocation::{Call, calls};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// The latest version is installed and a fixed one is used
    ///
    /// ## Why
    ///
    /// The download script fetches the newest release of the day. The folder that the next command enters carries an
    /// older version in its name, so `cd` fails, and whatever follows runs in the wrong folder or not at all.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// curl -L https://istio.io/downloadIstio | sh -
    /// cd istio-1.30.0
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// curl -L https://istio.io/downloadIstio | ISTIO_VERSION=1.30.0 sh -
    /// cd istio-1.30.0
    /// ```
    ///
    /// ## Fix
    ///
    /// Give the version to the script, for Istio with `ISTIO_VERSION`.
    pub UNPINNED_DOWNLOAD = "DOC0005", "UnpinnedDownload", Error
}

/// Reports the latest version is installed and a fixed one is used.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.UnpinnedDownload",
    summary: "Download scripts and the folders entered after them agree on a version",
    codes: &[&UNPINNED_DOWNLOAD],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let all: Vec<Call<'_>> = calls(cx).collect();
    for (at, call) in all.iter().enumerate() {
        if !is_unpinned(call) || all[..at].iter().any(|before| call.is_after(before) && sets_version(before)) {
            continue;
        }
        let mut same_script = all[at + 1..].iter().take_while(|later| std::ptr::eq(later.text, call.text));
        let entered = same_script.find(|later| later.program == "cd").and_then(|later| later.positional.first());
        let entered = entered.filter(|folder| !folder.text.starts_with('/') && has_version(&folder.text));
        if let Some(folder) = entered {
            let message = format!("The script installs the latest version, the next step enters `{}`.", folder.text);
            sink.report_at(&UNPINNED_DOWNLOAD, call.file(), call.command.span, message)
                .label("no version is given")
                .related(call.file(), folder.span, "exists only while that version is the latest")
                .help("Give the version: `| ISTIO_VERSION=X.Y.Z sh -` for Istio's script.");
        }
    }
}

/// A download without a version in its address, piped to a shell without a version in its environment or arguments.
fn is_unpinned(call: &Call<'_>) -> bool {
    let Some(reader) = call.reader() else { return false };
    let words = || call.command.words.iter().chain(&reader.command.words).chain(&reader.command.assignments);
    matches!(call.program, "curl" | "wget")
        && matches!(reader.program, "sh" | "bash")
        && !words().any(|word| has_version(&word.text) || word.text.contains("VERSION"))
}

fn sets_version(call: &Call<'_>) -> bool {
    call.command.words.iter().any(|word| word.text.contains("VERSION="))
}

/// `1.19` somewhere in the text, not as a part of `tlsv1.2`.
fn has_version(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).any(|part| {
        let mut numbers = part.trim_start_matches('v').split('.');
        let number = |text: Option<&str>| text.is_some_and(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit()));
        number(numbers.next()) && number(numbers.next())
    })
}
