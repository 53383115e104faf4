//! Annotations that silence codes on their object: Istio's, and the same under our name.

use std::collections::BTreeMap;

use crate::analyzers::registry;
use crate::diagnostics::{Code, Diagnostic, Resource};
use crate::dialects::model::Model;

/// Our annotation.
pub const OWN_ANNOTATION: &str = "mesh.meshctl.io/suppress";
/// The annotations: a comma-separated list of codes or names, or `*`. Unlike istioctl, spaces around a code do not
/// count.
pub const ANNOTATIONS: &[&str] = &["galley.istio.io/analyze-suppress", OWN_ANNOTATION];

/// The objects that carry such an annotation, with what it silences.
#[derive(Default)]
pub(super) struct Annotated(BTreeMap<Resource, Silent>);

#[derive(Default)]
struct Silent {
    everything: bool,
    codes: Vec<&'static Code>,
}

impl Annotated {
    pub fn new(model: &Model) -> Self {
        let mut objects: BTreeMap<Resource, Silent> = BTreeMap::new();
        for meta in model.metas() {
            for (_, value) in meta.annotations.pairs().filter(|(key, _)| ANNOTATIONS.contains(key)) {
                let silent = objects.entry(meta.resource()).or_default();
                silent.everything |= words(value).any(|word| word == "*");
                silent.codes.extend(words(value).filter_map(registry::code));
            }
        }
        Self(objects)
    }

    /// Whether the finding's object silences it.
    pub fn covers(&self, finding: &Diagnostic) -> bool {
        let silent = finding.resource.as_ref().and_then(|resource| self.0.get(resource));
        silent.is_some_and(|silent| silent.everything || silent.codes.contains(&finding.code))
    }
}

/// The words of an annotation's value.
pub fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim).filter(|word| !word.is_empty())
}
