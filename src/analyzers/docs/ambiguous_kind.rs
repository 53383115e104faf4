//! DOC0020: kinds that several API groups have are named with their group.

use super::invocation::calls;
use super::knowledge::kinds::SHARED;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use std::collections::BTreeSet;

declare_code! {
    /// A kind that several API groups of the input have
    ///
    /// ## Why
    ///
    /// kubectl takes the group that comes first in the API server's discovery, and shows or changes objects of that one
    /// only. Which one that is depends on the cluster.
    ///
    /// ## Bad
    ///
    /// ```sh
    /// kubectl get virtualservices
    /// ```
    ///
    /// ## Good
    ///
    /// ```sh
    /// kubectl get virtualservices.networking.istio.io
    /// ```
    ///
    /// ## Fix
    ///
    /// Name the group: `kind.group`.
    pub AMBIGUOUS_KIND = "DOC0020", "AmbiguousKind", Warning
}

/// Reports a kind that several API groups of the input have.
pub static ANALYZER: Analyzer = Analyzer {
    name: "docs.AmbiguousKind",
    summary: "Kinds that several API groups have are named with their group",
    codes: &[&AMBIGUOUS_KIND],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // Large inputs without scripts are common: their objects need not be looked at.
    if cx.scripts.is_empty() {
        return;
    }
    let groups = groups(cx);
    for call in calls(cx).filter(|call| call.is("kubectl", &["get|describe|delete|edit|label|annotate|patch"])) {
        let Some(kinds) = call.positional.get(1) else { continue };
        let ambiguous = kinds.text.split(',').filter_map(|kind| {
            let kind = kind.split('/').next()?;
            let shared = SHARED.iter().find(|shared| shared.names.contains(&kind))?;
            let present: Vec<_> = shared.groups.iter().filter(|group| groups.contains(**group)).copied().collect();
            (present.len() > 1).then(|| format!("`{kind}` is in {}", present.join(" and ")))
        });
        let ambiguous: Vec<String> = ambiguous.collect();
        if !ambiguous.is_empty() {
            let message = format!("{}: kubectl takes one of them.", ambiguous.join(", "));
            sink.report_at(&AMBIGUOUS_KIND, call.file(), kinds.span, message)
                .label("of which group?")
                .help("Write kind.group, like `virtualservices.networking.istio.io`.");
        }
    }
}

/// The API groups of the input's objects.
fn groups<'m>(cx: &Context<'m>) -> BTreeSet<&'m str> {
    let model = cx.model();
    let typed = model.metas().map(|meta| meta.group);
    let untyped = model.untyped.iter().filter_map(|object| object.api_version.as_str().split_once('/'));
    typed.chain(untyped.map(|(group, _)| group)).collect()
}
