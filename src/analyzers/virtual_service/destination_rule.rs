//! IST0101: subsets that routes name are defined by a DestinationRule of the host.

use std::collections::{BTreeMap, HashMap};

use super::targets::targets;
use crate::analyzers::codes::REFERENCED_RESOURCE_NOT_FOUND;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::hosts::Lookup;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::DestinationRule;
use crate::dialects::object::{Meta, Object};
use crate::schema::Text;

/// Checks the subsets of every VirtualService.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.DestinationRuleAnalyzer",
    summary: "Subsets that routes name are defined",
    codes: &[&REFERENCED_RESOURCE_NOT_FOUND],
    run,
    default: true,
};

/// What the input defines.
struct Rules<'m> {
    /// DestinationRules by the full name of their host.
    by_host: HashMap<String, Vec<&'m Object<DestinationRule>>>,
    /// Those for wildcard hosts, by what follows the `*`.
    by_tail: BTreeMap<String, Vec<&'m Object<DestinationRule>>>,
}

impl<'m> Rules<'m> {
    fn new(cx: &Context<'m>) -> Self {
        let mut rules = Self { by_host: HashMap::new(), by_tail: BTreeMap::new() };
        for object in &cx.model().destination_rules {
            let Some(host) = &object.spec.host else { continue };
            let name = cx.hosts().full_name(host.as_str(), &object.meta.namespace);
            match name.strip_prefix('*') {
                Some(tail) => rules.by_tail.entry(tail.to_owned()).or_default().push(object),
                None => rules.by_host.entry(name.into_owned()).or_default().push(object),
            }
        }
        rules
    }

    /// Every rule for the host.
    fn of<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'m Object<DestinationRule>> + 's {
        let tails = name.char_indices().map(move |(at, _)| &name[at..]).chain(std::iter::once(""));
        let wild = tails.filter_map(|tail| self.by_tail.get(tail)).flatten();
        self.by_host.get(name).into_iter().flatten().chain(wild).copied()
    }
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let rules = Rules::new(cx);
    for object in &cx.virtual_services {
        for target in targets(&object.spec) {
            let subset = target.destination.and_then(|d| d.subset.as_ref()).filter(|s| !s.as_str().is_empty());
            if let (Some(subset), Some(host)) = (subset, target.host()) {
                check(cx, &rules, (&object.meta, host, subset), target.is_mirror, sink);
            }
        }
    }
}

fn check(
    cx: &Context<'_>,
    rules: &Rules<'_>,
    (meta, host, subset): (&Meta, &Text, &Text),
    is_mirror: bool,
    sink: &mut Sink,
) {
    let name = cx.hosts().full_name(host.as_str(), &meta.namespace);
    let mut defined = Vec::new();
    let mut first = None;
    for rule in rules.of(&name) {
        first = first.or(Some(rule));
        defined.extend(rule.spec.subsets.iter().filter_map(|s| s.name.as_ref()).map(Text::as_str));
    }
    if defined.contains(&subset.as_str()) {
        return;
    }
    // Without any DestinationRule and without the host's service, this is a part of a mesh: the rest may define it.
    let unknown_host = || matches!(cx.hosts().lookup(&name, &[]), Lookup::Unknown | Lookup::Undecided);
    if cx.destination_rules.is_empty() && unknown_host() {
        sink.undecided("subsets", "DestinationRules");
        return;
    }
    let word = if is_mirror { "mirrored host" } else { "host" };
    let message = match first {
        None => format!(
            "The {word} {:?} has no DestinationRule, so nothing defines its subset {:?}.",
            host.as_str(),
            subset.as_str()
        ),
        Some(_) => {
            format!("No DestinationRule defines the subset {:?} of the {word} {:?}.", subset.as_str(), host.as_str())
        }
    };
    let finding = sink
        .report(&REFERENCED_RESOURCE_NOT_FOUND, meta, subset.span(), message)
        .label("unknown subset: requests get 503");
    match first {
        None => finding.help(format!(
            "add a DestinationRule for {name} with the subset and the labels of its pods, or remove `subset`"
        )),
        Some(rule) => {
            let near = crate::near::nearest(subset.as_str(), defined.iter().copied());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None if defined.is_empty() => "add the subset to the DestinationRule".to_owned(),
                None => format!("add it to the DestinationRule, or use one of: {}", defined.join(", ")),
            };
            finding.help(help).related(rule.meta.file, rule.meta.name_span(), "the DestinationRule of the host")
        }
    };
}
