//! DOC0021: lists of kinds hold only kinds that the cluster has.

use super::invocation::calls;
use super::knowledge::kinds::RARE;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;

declare_code! {
    /// A list of kinds with one that most clusters lack
    ///
    /// ## Why
    ///
    /// kubectl stops at the first kind that the API server does not have: the other kinds of the list are not shown
    /// either.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// kubectl get serviceprofiles,trafficsplits
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// kubectl get serviceprofiles
    /// ```
    ///
    /// ## Fix
    ///
    /// Ask for the rare kind in a command of its own, and allow it to fail.
    pub KIND_ABSENT = "DOC0021", "KindMayBeAbsent", Warning
}

/// Reports a list of kinds with one that most clusters lack.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.KindAbsent",
    summary: "Lists of kinds hold only kinds that the cluster has",
    codes: &[&KIND_ABSENT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for call in calls(cx).filter(|call| call.is("kubectl", &["get|describe|delete"])) {
        let Some(list) = call.positional.get(1).filter(|word| word.text.contains(',')) else { continue };
        for kind in list.text.split(',') {
            let plain = kind.split('.').next().unwrap_or(kind);
            if let Some((_, why)) = RARE.iter().find(|(names, _)| names.contains(&plain)) {
                let message = format!("Without the kind `{kind}` the whole command fails: {why}.");
                sink.report_at(&KIND_ABSENT, call.file(), list.span, message)
                    .label("fails as a whole")
                    .help(format!("Ask for `{kind}` in a command of its own, with `|| true`."));
            }
        }
    }
}
