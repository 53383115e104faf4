//! IST0151 to IST0155: operations of patches that are ignored, or whose effect depends on the order.
//!
//! One finding for each code of an EnvoyFilter; the other patches it is true for are related places.

use std::collections::BTreeMap;

use super::codes::{
    ADD_INCORRECTLY, RELATIVE_OPERATION, RELATIVE_WITH_VERSION, REMOVE_INCORRECTLY, REPLACE_INCORRECTLY,
};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::{Code, Sink};
use crate::dialects::istio::types::{ApplyTo, EnvoyConfigPatch, EnvoyFilter, PatchOperation};
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::manifests::tree::Node;
use crate::schema::Text;

/// Checks the operations of patches.
pub static ANALYZER: Analyzer = Analyzer {
    name: "envoyfilter.EnvoyPatchAnalyzer",
    summary: "Patches of EnvoyFilters that are ignored or depend on the order",
    codes: &[&RELATIVE_OPERATION, &REPLACE_INCORRECTLY, &ADD_INCORRECTLY, &REMOVE_INCORRECTLY, &RELATIVE_WITH_VERSION],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // How many patches with a proxy version each filter has.
    let mut versioned: BTreeMap<&str, usize> = BTreeMap::new();
    let filters = &cx.model().envoy_filters;
    for patch in filters.iter().flat_map(|filter| &filter.spec.config_patches).filter(|patch| has_version(patch)) {
        *versioned.entry(filter_name(patch)).or_default() += 1;
    }
    for filter in filters {
        check(filter, &versioned, sink);
    }
}

fn has_version(patch: &EnvoyConfigPatch) -> bool {
    let proxy = patch.r#match.as_ref().and_then(|matches| matches.proxy.as_ref());
    proxy.and_then(|proxy| proxy.proxy_version.as_ref()).is_some_and(|version| !version.as_str().is_empty())
}

/// The filter a patch is about: the name in its value, else the one it matches; empty when neither is there.
fn filter_name(patch: &EnvoyConfigPatch) -> &str {
    let value = patch.patch.as_ref().and_then(|patch| patch.value.as_ref());
    let named = value.and_then(|value| value.node.get("name")).and_then(Node::as_str);
    let matched = || {
        let listener = patch.r#match.as_ref()?.listener.as_ref()?;
        listener.filter_chain.as_ref()?.filter.as_ref()?.name.as_ref().map(Text::as_str)
    };
    named.or_else(matched).unwrap_or_default()
}

/// The places of one code, each with its sentence.
type Places = (&'static Code, Vec<(Span, String)>);

fn check(filter: &Object<EnvoyFilter>, versioned: &BTreeMap<&str, usize>, sink: &mut Sink) {
    let ordered = filter.spec.priority.is_some_and(|priority| priority.value != 0);
    let mut found: BTreeMap<&str, Places> = BTreeMap::new();
    for patch in &filter.spec.config_patches {
        let Some(operation) = patch.patch.as_ref().and_then(|patch| patch.operation) else { continue };
        let apply_to = patch.apply_to.map_or(ApplyTo::Invalid, |apply_to| apply_to.value);
        let Some(code) = verdict(operation.value, apply_to, || relative(patch, ordered, versioned)) else { continue };
        let text = sentence(code, operation.value, apply_to);
        found.entry(code.code).or_insert_with(|| (code, Vec::new())).1.push((operation.span(), text));
    }
    for (code, places) in found.into_values() {
        let mut places = places.into_iter();
        let Some((span, text)) = places.next() else { continue };
        let finding = sink.report(code, &filter.meta, span, text);
        finding.help(help(code));
        for (span, _) in places {
            finding.related(filter.meta.file, span, "the same here");
        }
    }
}

fn verdict(
    operation: PatchOperation,
    apply_to: ApplyTo,
    relative: impl FnOnce() -> Option<&'static Code>,
) -> Option<&'static Code> {
    let route = matches!(apply_to, ApplyTo::RouteConfiguration | ApplyTo::HttpRoute);
    match operation {
        PatchOperation::Add if route => Some(&ADD_INCORRECTLY),
        PatchOperation::Remove if route => Some(&REMOVE_INCORRECTLY),
        PatchOperation::Replace
            if !matches!(apply_to, ApplyTo::NetworkFilter | ApplyTo::HttpFilter | ApplyTo::VirtualHost) =>
        {
            Some(&REPLACE_INCORRECTLY)
        }
        PatchOperation::Remove
        | PatchOperation::Replace
        | PatchOperation::InsertBefore
        | PatchOperation::InsertAfter => relative(),
        _ => None,
    }
}

fn relative(patch: &EnvoyConfigPatch, ordered: bool, versioned: &BTreeMap<&str, usize>) -> Option<&'static Code> {
    if ordered {
        return None;
    }
    let name = filter_name(patch);
    let others = versioned.get(name).copied().unwrap_or_default() - usize::from(has_version(patch));
    Some(if !name.is_empty() && others > 0 { &RELATIVE_WITH_VERSION } else { &RELATIVE_OPERATION })
}

fn sentence(code: &'static Code, operation: PatchOperation, apply_to: ApplyTo) -> String {
    let (operation, apply_to) = (operation.word(), apply_to.word());
    if *code == RELATIVE_OPERATION {
        format!("{operation} depends on the order of EnvoyFilters, and this one has no `priority`.")
    } else if *code == RELATIVE_WITH_VERSION {
        format!(
            "{operation} depends on the order, without `priority`, and another patch of the filter is for one proxy version."
        )
    } else {
        format!("{operation} is ignored with `applyTo: {apply_to}`.")
    }
}

fn help(code: &'static Code) -> &'static str {
    if *code == REPLACE_INCORRECTLY {
        "only HTTP_FILTER, NETWORK_FILTER and VIRTUAL_HOST can be replaced: use MERGE, or REMOVE and ADD"
    } else if *code == ADD_INCORRECTLY {
        "use INSERT_FIRST for routes and MERGE for route configurations"
    } else if *code == REMOVE_INCORRECTLY {
        "remove the virtual host, or change the VirtualService that the route comes from"
    } else {
        "set `spec.priority` (lower ones go first), or use ADD or INSERT_FIRST"
    }
}
