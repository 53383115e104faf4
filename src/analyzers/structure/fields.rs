//! K8S0101: fields that the kind does not have.

use super::{fate, misnomers, versions};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::object::Meta;
use crate::near::nearest;
use crate::schema::{Defect, DefectKind};

declare_code! {
    /// A field that the kind does not have
    ///
    /// ## Why
    ///
    /// `kubectl apply` refuses the object. Helm, Argo CD and the API server without strict validation drop the field
    /// without a word, so the setting that you believe in is not there. In a kind that guards access, such as
    /// AuthorizationPolicy, that may let in requests that you mean to keep out.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selectors:
    ///     app: web
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Service
    /// metadata:
    ///   name: web
    /// spec:
    ///   selector:
    ///     app: web
    /// ```
    ///
    /// ## Fix
    ///
    /// Correct the spelling, move the field to where it belongs, or delete it.
    pub UNKNOWN_FIELD = "K8S0101", "UnknownField", Error
}

/// Reports the unknown fields that reading found.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Fields",
    summary: "Fields that the kind does not have",
    codes: &[&UNKNOWN_FIELD],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // A version that no server has may have had other fields: it alone is the finding then (K8S0107).
    for object in cx.defects.iter().filter(|object| !versions::is_unserved(&object.meta)) {
        for defect in &object.defects {
            report(&object.meta, defect, sink);
        }
    }
}

fn report(meta: &Meta, defect: &Defect, sink: &mut Sink) {
    let DefectKind::UnknownField { name, known, free, .. } = &defect.kind else { return };
    let mut message = format!("{} has no field `{}`. {}", meta.kind, defect.path, fate::of(meta, &defect.path));
    if let Some(access) = fate::access(meta, &defect.path) {
        message.push(' ');
        message.push_str(access);
    }
    let finding = sink.report(&UNKNOWN_FIELD, meta, defect.span, message);
    if let Some(misnomer) = misnomers::find(meta.kind, &defect.path) {
        finding.label("no such field").help(misnomer.advice);
        return;
    }
    match nearest(name, known.iter().copied()) {
        Some(near) => {
            finding.label(format!("perhaps `{near}`"));
            if free.contains(&near) && is_certain(name, near, known) {
                finding.help(format!("Write `{near}`.")).replace(defect.span, near);
            } else if free.contains(&near) {
                finding.help(format!("If `{near}` is meant, write that; otherwise delete the field."));
            } else {
                finding.help(format!(
                    "`{near}` is already set or takes another type of value: merge this into it, or delete the field."
                ));
            }
        }
        None => {
            finding.label("no such field").help(known_fields(known));
        }
    }
}

/// True when the near name is the only one within one step, so that a rename cannot go wrong.
fn is_certain(name: &str, near: &str, known: &[&str]) -> bool {
    let fold = |word: &str| -> String {
        word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase).collect()
    };
    let wanted = fold(name);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&wanted, &fold(candidate));
    distance(near) <= 1 && known.iter().filter(|candidate| distance(candidate) <= 1).count() == 1
}

fn known_fields(known: &[&str]) -> String {
    if known.is_empty() {
        return "Delete it: nothing may stand here.".to_owned();
    }
    let shown: Vec<String> = known.iter().take(12).map(|field| format!("`{field}`")).collect();
    let more = if known.len() > shown.len() { " and others" } else { "" };
    format!("Fields here are {}{more}.", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzers::run;
    use crate::diagnostics::Diagnostic;
    use crate::dialects::model::{Model, Options};

    fn find(text: &str) -> Vec<Diagnostic> {
        let mut model = Model::new(Options::default());
        model.add_yaml("x", text.to_owned(), None);
        run::run(&model, &[&ANALYZER]).findings
    }

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n";

    #[test]
    fn a_typing_error_is_renamed() {
        let found = find(&format!("{SERVICE}  selectors: {{app: web}}\n"));
        assert_eq!(found[0].edits[0].text, "selector");
    }

    #[test]
    fn no_rename_onto_a_field_that_is_set_or_of_another_shape() {
        for spec in ["  selectors: {app: web}\n  selector: {a: b}\n", "  selectors: [app]\n"] {
            let found = find(&format!("{SERVICE}{spec}"));
            assert_eq!((found.len(), found[0].edits.len()), (1, 0), "{spec}");
        }
    }

    #[test]
    fn a_well_known_misnomer_is_explained() {
        let found = find(
            "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: a}\nspec:\n  host: a\n  trafficPolicy:\n    circuitBreaker: {}\n",
        );
        assert!(found[0].help.as_ref().unwrap().contains("outlierDetection"));
    }
}
