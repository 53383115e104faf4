//! DOC0004: placeholders in angle brackets are no redirections.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::{Level, Sink};
use crate::manifests::shell::{Command, Operator, Redirect};
use crate::manifests::source::{Span, to_u32};

declare_code! {
    /// A placeholder that the shell reads as a redirection
    ///
    /// ## Why
    ///
    /// In a script `<pod-name>` is not text. The shell takes the input from a file `pod-name` and writes the output
    /// over a file with the name of the next word. The command stops with "No such file or directory", or runs with the
    /// wrong arguments.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// istioctl proxy-config routes <pod-name> -n web
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// istioctl proxy-config routes "$POD" -n web
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a variable and set it above, or quote the placeholder.
    pub PLACEHOLDER = "DOC0004", "PlaceholderIsRedirection", Error
}

/// Reports a placeholder that the shell reads as a redirection.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.Placeholder",
    summary: "Placeholders in angle brackets are no redirections",
    codes: &[&PLACEHOLDER],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for text in &cx.scripts {
        let source = &cx.sources.get(text.file).text;
        // In a document to type from, readers of usage lines know what brackets mean; only commands on clusters count.
        let counts = |command: &&Command| text.runs_whole || CLUSTER_TOOLS.contains(&command.program());
        for command in text.script.commands.iter().filter(counts) {
            for redirect in &command.redirects {
                let Some(span) = placeholder(source, redirect) else { continue };
                let written = source.get(span.range()).unwrap_or_default();
                let file = &redirect.target.text;
                let message = format!("The shell reads `{written}` as redirections: input from the file `{file}`.");
                let level = if text.runs_whole { PLACEHOLDER.level } else { Level::Info };
                sink.report_at(&PLACEHOLDER, text.file, span, message)
                    .level(level)
                    .label("not a placeholder for the shell")
                    .help("Use a variable like \"$NAME\", set above.");
            }
        }
    }
}

/// Programs whose placeholders are reported in documents as well, as a note.
const CLUSTER_TOOLS: &[&str] =
    &["aws", "consul", "consul-k8s", "helm", "istioctl", "kubectl", "linkerd", "meshctl", "oc"];

/// `<some-name>`: a word in angle brackets with nothing between it and them, and no file name after it.
fn placeholder(source: &str, redirect: &Redirect) -> Option<Span> {
    let adjacent = redirect.target.span.start == redirect.span.start + 1;
    if redirect.operator != Operator::In || !adjacent {
        return None;
    }
    let rest = source.get(redirect.span.start as usize..)?.strip_prefix('<')?;
    let len = rest.find(|c: char| !(c.is_alphanumeric() || " _-./:".contains(c)))?;
    let inside = &rest[..len];
    let after = rest[len..].strip_prefix('>')?;
    let is_name = inside.starts_with(char::is_alphabetic) && !inside.ends_with(' ') && len <= 60;
    let ends = !after.starts_with(|c: char| c.is_alphanumeric() || "_$\"'&>(".contains(c));
    // `<in>/dev/null` and `<in>./out` have a file to write to.
    let ends = ends && !after.starts_with("/dev/") && !after.starts_with("./");
    let end = redirect.span.start + to_u32(len) + 2;
    (is_name && ends).then(|| Span::new(redirect.span.start, end))
}
