//! K8S0109: names, namespaces and labels that Kubernetes refuses.
//!
//! The rules are those of Kubernetes' object names (RFC 1123 subdomains and labels, RFC 1035 labels for Services) and of
//! label keys and values.

use super::versions::is_placeholder;
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::object::Meta;
use crate::manifests::source::Span;
use crate::schema::{Map, Text};

declare_code! {
    /// A name or label that Kubernetes refuses
    ///
    /// ## Why
    ///
    /// Names of objects and namespaces are lower case letters, digits, `-` and for most kinds `.`; labels have their own
    /// syntax. The API server refuses anything else.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: My_Team
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Namespace
    /// metadata:
    ///   name: my-team
    /// ```
    ///
    /// ## Fix
    ///
    /// Use lower case letters, digits and `-` in names; start and end with a letter or digit; keep to 63 characters.
    pub INVALID_NAME = "K8S0109", "InvalidName", Error
}

/// Checks names, namespaces and labels.
pub static ANALYZER: Analyzer = Analyzer {
    name: "structure.Names",
    summary: "Names, namespaces and labels keep Kubernetes' syntax",
    codes: &[&INVALID_NAME],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for meta in cx.metas() {
        let name = meta.name();
        if !name.is_empty() && !is_placeholder(name) {
            // `generateName` is shown with a star; what the server adds keeps the rules.
            let shown = name.strip_suffix('*').map(|prefix| format!("{prefix}x"));
            if let Some(reason) = broken_name(meta.kind, meta.group, shown.as_deref().unwrap_or(name)) {
                report(meta, meta.name.span(), format!("The name `{name}` {reason}."), sink);
            }
        }
        if let Some(place) = meta.namespace_place
            && !is_placeholder(&meta.namespace)
            && let Some(reason) = broken_label(&meta.namespace)
        {
            report(meta, place.span(), format!("The namespace `{}` {reason}.", meta.namespace), sink);
        }
        check_labels(meta, &meta.labels, sink);
        for (key, _) in meta.annotations.iter() {
            check_key(meta, key, "annotation", sink);
        }
    }
    for workload in cx.workloads.iter().filter(|workload| !workload.is_pod()) {
        check_labels(workload.meta, workload.labels, sink);
    }
}

fn report(meta: &Meta, span: Span, message: String, sink: &mut Sink) {
    sink.report(&INVALID_NAME, meta, span, message).label("the API server refuses this");
}

fn check_labels(meta: &Meta, labels: &Map<Text>, sink: &mut Sink) {
    for (key, value) in labels.iter() {
        check_key(meta, key, "label", sink);
        if !is_placeholder(value.as_str())
            && let Some(reason) = broken_value(value.as_str())
        {
            report(meta, value.span(), format!("The value of label `{}` {reason}.", key.as_str()), sink);
        }
    }
}

fn check_key(meta: &Meta, key: &Text, what: &str, sink: &mut Sink) {
    let text = key.as_str();
    if is_placeholder(text) {
        return;
    }
    let (prefix, name) = text.rsplit_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let reason = match prefix {
        Some("") => Some("has an empty prefix".to_owned()),
        Some(prefix) => {
            broken_subdomain(&prefix.to_ascii_lowercase()).map(|reason| format!("has a prefix that {reason}"))
        }
        None => None,
    };
    let reason = reason.or_else(|| if name.is_empty() { Some("is empty".to_owned()) } else { broken_value(name) });
    if let Some(reason) = reason {
        report(meta, key.span(), format!("The {what} key `{text}` {reason}."), sink);
    }
}

/// Why a name of this kind is refused.
fn broken_name(kind: &str, group: &str, name: &str) -> Option<String> {
    match (group, kind) {
        ("", "Service") if name.starts_with(|c: char| c.is_ascii_digit()) => {
            Some("starts with a digit, which a Service's may not".to_owned())
        }
        ("", "Service" | "Namespace") => broken_label(name),
        _ => broken_subdomain(name),
    }
}

/// Why a text is no RFC 1123 label: lower case letters, digits and `-`, at most 63.
fn broken_label(text: &str) -> Option<String> {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_lowercase() && !c.is_ascii_digit());
    if text.len() > 63 {
        return Some(format!("has {} characters, more than 63", text.len()));
    }
    if let Some(bad) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-')) {
        return Some(format!("holds `{bad}`; only lower case letters, digits and `-` may stand in it"));
    }
    let edge = ends(text.chars().next()) || ends(text.chars().next_back());
    edge.then(|| "must start and end with a letter or digit".to_owned())
}

/// Why a text is no RFC 1123 subdomain: labels between dots (each of any length), at most 253.
fn broken_subdomain(text: &str) -> Option<String> {
    if text.len() > 253 {
        return Some(format!("has {} characters, more than 253", text.len()));
    }
    if let Some(bad) = text.chars().find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-' | '.')) {
        return Some(format!("holds `{bad}`; only lower case letters, digits, `-` and `.` may stand in it"));
    }
    let edge = |part: &str| part.is_empty() || part.starts_with('-') || part.ends_with('-');
    text.split('.').any(edge).then(|| "has a part that does not start and end with a letter or digit".to_owned())
}

/// Why a text is no label value: letters, digits, `-`, `_` and `.`, at most 63, or empty.
fn broken_value(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some(format!("has {} characters, more than 63", text.len()));
    }
    if let Some(bad) = text.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')) {
        return Some(format!("holds `{bad}`; only letters, digits, `-`, `_` and `.` may stand in it"));
    }
    let edge = |c: char| !c.is_ascii_alphanumeric();
    (text.starts_with(edge) || text.ends_with(edge)).then(|| "must start and end with a letter or digit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_kind() {
        for (kind, name) in [("ConfigMap", "a.b-c"), ("ConfigMap", "1a"), ("Service", "web"), ("Namespace", "1-a")] {
            assert_eq!(broken_name(kind, "", name), None, "{kind} {name}");
        }
        for (kind, name) in
            [("ConfigMap", "a_b"), ("ConfigMap", "a..b"), ("Service", "1web"), ("Service", "a.b"), ("Namespace", "-a")]
        {
            assert!(broken_name(kind, "", name).is_some(), "{kind} {name}");
        }
    }

    #[test]
    fn label_values_may_be_empty_and_mixed() {
        for value in ["", "v1.2_3-x", "A"] {
            assert_eq!(broken_value(value), None, "{value}");
        }
        for value in ["a b", "-a", "a.", "a/b"] {
            assert!(broken_value(value).is_some(), "{value}");
        }
        assert!(broken_value(&"a".repeat(64)).is_some());
    }
}
