//! IST0136: annotations whose feature is alpha.

use super::{table, walk};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// An annotation of alpha status
    ///
    /// ## Why
    ///
    /// Istio calls the feature alpha: it may change or go in any release. Check it before an upgrade. The analyzer runs
    /// only when it is asked for, with `--analyzer annotations.AlphaAnalyzer`.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     sidecar.istio.io/proxyCPU: 100m
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// metadata:
    ///   annotations:
    ///     proxy.istio.io/config: '{"concurrency": 2}'
    /// ```
    ///
    /// ## Fix
    ///
    /// Nothing has to change. Read the release notes for this annotation before you upgrade.
    pub ALPHA = "IST0136", "AlphaAnnotation", Info
}

/// Lists alpha annotations.
pub static ANALYZER: Analyzer = Analyzer {
    name: "annotations.AlphaAnalyzer",
    summary: "Annotations of alpha status, for a look before an upgrade",
    codes: &[&ALPHA],
    run,
    default: false,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for place in walk::all(cx) {
        for (key, _) in place.annotations.iter() {
            let name = key.as_str();
            let is_alpha = table::find(name).is_some_and(|known| known.status == table::Status::Alpha);
            if is_alpha && !walk::is_written_by_istio(name, place.pod) {
                let message = format!("The annotation \"{name}\" belongs to an alpha feature and may change.");
                sink.report(&ALPHA, place.meta, key.span(), message).label("alpha");
            }
        }
    }
}
