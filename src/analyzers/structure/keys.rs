//! K8S0003 and K8S0004: keys written twice, and keys that are read as another text.

use super::trapped;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::manifests::parse::Trap;

declare_code! {
    /// The same key twice in one mapping
    ///
    /// ## Why
    ///
    /// Only the last of them counts. `kubectl apply` refuses the object, Helm and Argo CD take the last value without a
    /// word, so the first setting is lost.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// spec:
    ///   selector: {app: web}
    ///   selector: {version: v1}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// spec:
    ///   selector: {app: web, version: v1}
    /// ```
    ///
    /// ## Fix
    ///
    /// Merge the two values, or delete the one that is not meant.
    pub DUPLICATE_KEY = "K8S0003", "DuplicateKey", Error
}

declare_code! {
    /// A key that is read as another text
    ///
    /// ## Why
    ///
    /// Kubernetes tools read YAML 1.1, where words such as `on`, `yes` and `n` without quotes are booleans, also as keys:
    /// the key `on` arrives as `true`. Other tools read the same file as written.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// data:
    ///   on: "1"
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// data:
    ///   "on": "1"
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the key in quotes.
    pub KEY_READ_AS = "K8S0004", "KeyReadAs", Warning
}

/// Reports duplicate keys and keys that change their text.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Keys",
    summary: "Keys are written once and read as they are written",
    codes: &[&DUPLICATE_KEY, &KEY_READ_AS],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for found in &cx.model().traps {
        match &found.trap {
            Trap::DuplicateKey { key, first, again } => {
                let message = format!("The key `{key}` stands here for the second time; the first value is lost.");
                trapped(sink.report_at(&DUPLICATE_KEY, found.file, *again, message), found)
                    .label("this one counts")
                    .related(found.file, *first, "first written here")
                    .help("Merge the two values or delete one of them. `kubectl apply` refuses the object as it is.");
            }
            Trap::KeyReadAs { span, written, read } if !found.kind.is_empty() => {
                let source = cx.model().sources.get(found.file);
                let message = format!("The key `{written}` is read as `{read}`.");
                let finding = trapped(sink.report_at(&KEY_READ_AS, found.file, *span, message), found);
                finding.label(format!("becomes `{read}`")).help(format!("Write \"{written}\" in quotes."));
                if source.slice(*span) == &**written && !written.contains(['"', '\\']) {
                    finding.replace(*span, format!("\"{written}\""));
                }
            }
            _ => {}
        }
    }
}
