//! Who sees an object: `exportTo` fields and the annotation of Services.

use crate::schema::{List, Text};

/// Annotation of Services with a list as in `exportTo`.
pub const EXPORT_TO: &str = "networking.istio.io/exportTo";

/// The namespaces that see an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visibility<'m> {
    /// All of them.
    Everywhere,
    /// These; `~` gives none.
    In(Vec<&'m str>),
}

impl<'m> Visibility<'m> {
    /// From an `exportTo` list of an object in `namespace`. An empty list means all namespaces.
    pub fn of(export_to: &'m List<Text>, namespace: &'m str) -> Self {
        Self::of_words(export_to.iter().map(Text::as_str), namespace)
    }

    /// From the annotation of a Service in `namespace`.
    pub fn of_annotation(annotation: Option<&'m str>, namespace: &'m str) -> Self {
        let words = annotation.unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
        Self::of_words(words, namespace)
    }

    fn of_words(words: impl Iterator<Item = &'m str>, namespace: &'m str) -> Self {
        let mut namespaces = Vec::new();
        let mut any = false;
        for word in words {
            any = true;
            match word {
                "*" => return Self::Everywhere,
                "." => namespaces.push(namespace),
                "~" => {}
                other => namespaces.push(other),
            }
        }
        if any { Self::In(namespaces) } else { Self::Everywhere }
    }

    /// True when the namespace sees the object.
    pub fn includes(&self, namespace: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::In(namespaces) => namespaces.contains(&namespace),
        }
    }

    /// The namespaces from which an object of `own` that is visible so is used: its own when that sees it.
    pub fn users(&self, own: &'m str) -> Vec<&'m str> {
        match self {
            Self::In(namespaces) if !namespaces.contains(&own) => namespaces.clone(),
            _ => vec![own],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Visibility;

    #[test]
    fn lists_of_namespaces() {
        let of = |text: &'static str| Visibility::of_annotation(Some(text), "own");
        assert_eq!(of(""), Visibility::Everywhere);
        assert_eq!(of("a,*"), Visibility::Everywhere);
        assert!(of("a, .").includes("own") && of("a, .").includes("a") && !of("a, .").includes("b"));
        assert!(!of("~").includes("own"));
        assert_eq!(of("a").users("own"), ["a"]);
        assert_eq!(of("a,.").users("own"), ["own"]);
    }
}
