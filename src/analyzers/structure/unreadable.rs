//! K8S0001 and K8S0002: documents that cannot be read, and inputs over a limit.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A document that cannot be read
    ///
    /// ## Why
    ///
    /// The text is no YAML or JSON that `kubectl` accepts, so nothing of this document is applied or analysed. The other
    /// documents of the file are not affected.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///  labels: {app: web}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    ///   labels: {app: web}
    /// spec:
    ///   selector: {app: web}
    ///   ports: [{name: http, port: 80}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Look at the place that is named and just above it: wrong indentation, a missing quote or bracket, a tab, a colon
    /// inside unquoted text. A template (Helm, Jinja) has to be rendered first.
    pub UNREADABLE = "K8S0001", "UnreadableDocument", Error
}

declare_code! {
    /// An input over a limit
    ///
    /// ## Why
    ///
    /// A document may not nest deeper, grow larger through aliases, or be longer than limits that no real manifest comes
    /// near. They keep a hostile or broken file from using up the machine. The document is left out.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// a: &a [x, x, x, x, x, x, x, x, x]
    /// b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
    /// c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b] # and so on: each line is nine times the one before
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// a: [x, x, x]
    /// ```
    ///
    /// ## Fix
    ///
    /// Split the file, or leave it out of the analysis.
    pub LIMIT = "K8S0002", "InputLimit", Error
}

/// Reports what could not be read.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Unreadable",
    summary: "Documents can be read and stay within the input limits",
    codes: &[&UNREADABLE, &LIMIT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for unreadable in &cx.model().unreadable {
        let problem = &unreadable.problem;
        if problem.limit {
            let message = format!("The document is left out, it is over an input limit: {}.", problem.reason);
            sink.report_at(&LIMIT, unreadable.file, problem.span, message)
                .label("the limit is reached here")
                .help("Split the file, or leave it out with --exclude.");
        } else {
            let is_template = cx.model().sources.get(unreadable.file).text.contains("{{");
            let (message, help) = if is_template {
                let message = "The document cannot be read: it is a template, with `{{` where values will stand.";
                (message.to_owned(), "Render it first, for example with `helm template ... | meshctl analyze -`.")
            } else {
                let message = format!("The document cannot be read: {}.", problem.reason);
                (message, "Check the indentation, quotes and brackets here and on the lines above.")
            };
            sink.report_at(&UNREADABLE, unreadable.file, problem.span, message).label("reading stops here").help(help);
        }
    }
}
