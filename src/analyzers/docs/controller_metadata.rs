//! DOC0012: scripts leave the labels and annotations of controllers alone.

use super::invocation::calls;
use super::knowledge::labels::OWNED;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A label or annotation that belongs to a controller
    ///
    /// ## Why
    ///
    /// A controller writes this key and reads it back. Written by hand, it is overwritten, or makes the controller take
    /// the object for one of its own and delete it.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// kubectl label service/web mirror.linkerd.io/cluster-name=west
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// kubectl label service/web mirror.linkerd.io/exported=true
    /// ```
    ///
    /// ## Fix
    ///
    /// Leave the key to its controller.
    pub CONTROLLER_METADATA = "DOC0012", "ControllerMetadata", Error
}

/// Reports a label or annotation that belongs to a controller.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.ControllerMetadata",
    summary: "Scripts leave the labels and annotations of controllers alone",
    codes: &[&CONTROLLER_METADATA],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx) {
        for (key, word) in call.metadata() {
            if let Some((_, why)) = OWNED.iter().find(|(owned, _)| *owned == key) {
                sink.report_at(&CONTROLLER_METADATA, call.file(), word.span, format!("`{key}` is not yours: {why}."))
                    .label("belongs to a controller")
                    .help("Leave it out.");
            }
        }
    }
}
