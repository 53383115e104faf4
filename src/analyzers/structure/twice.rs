//! K8S0110: the same object twice.

use std::collections::HashMap;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::{Level, Sink};
use crate::dialects::object::Meta;
use crate::manifests::input::Format;

declare_code! {
    /// The same object twice
    ///
    /// ## Why
    ///
    /// Two documents with one kind, namespace and name are one object to Kubernetes: each `apply` replaces the one before,
    /// and the last wins without a word. Which one is last may change with the order of files.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata: {name: settings}
    /// data: {color: red}
    /// ---
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata: {name: settings}
    /// data: {size: large}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: ConfigMap
    /// metadata: {name: settings}
    /// data: {color: red, size: large}
    /// ```
    ///
    /// ## Fix
    ///
    /// Merge the two, rename one, or delete one. Variants of one object for different environments are better analysed
    /// one by one.
    pub TWICE = "K8S0110", "SameObjectTwice", Warning
}

/// Reports the second and later documents of one object.
pub static ANALYZER: Analyzer =
    Analyzer { name: "structure.Twice", summary: "No object is written twice", codes: &[&TWICE], run, default: true };

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut seen: HashMap<_, &Meta> = HashMap::new();
    for meta in cx.metas() {
        let name = &cx.model().sources.get(meta.file).name;
        let is_named = !meta.name().is_empty() && !meta.name().ends_with('*');
        // A guide or a script shows one object in several states, step after step.
        let steps = matches!(Format::of_name(name), Some(Format::Markdown | Format::Shell));
        if !is_named || steps || super::versions::is_placeholder(meta.name()) {
            continue;
        }
        let key = (meta.cluster.as_deref(), meta.group, meta.kind, &*meta.namespace, meta.name());
        let Some(first) = seen.insert(key, meta) else { continue };
        let message =
            format!("{} {} is written twice; the last one that is applied wins.", meta.kind, meta.full_name());
        let finding = sink.report(&TWICE, meta, meta.name_span(), message);
        finding
            .label("again here")
            .related(first.file, first.name_span(), "and here")
            .help("Merge the two documents, rename one, or delete one.");
        if first.file != meta.file {
            // Overlays and alternatives keep variants in files of their own.
            finding.level(Level::Info);
        }
    }
}
