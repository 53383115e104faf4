//! Validation of PeerAuthentications (rule 54). The structure already holds the rules on ports.

use super::shared::{Report, selectors};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;

/// Validates every PeerAuthentication.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.PeerAuthentication",
    summary: "Values of PeerAuthentications that Istio refuses or warns about",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.peer_authentications {
        let mut report = Report::with_metadata(&object.meta, sink);
        if let Some(selector) = &object.spec.selector {
            selectors::not_empty(&mut report, &selector.match_labels, selector.place, "the PeerAuthentication");
        }
    }
}
