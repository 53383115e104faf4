//! Names: of objects in namespaces, and of hosts, which may have a wildcard.

use std::fmt;
use std::sync::Arc;

/// A text that many nodes share.
pub type Name = Arc<str>;

/// An object in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Key {
    /// Namespace.
    pub namespace: Name,
    /// Name; for services the full host name.
    pub name: Name,
}

impl Key {
    /// A key of its two parts.
    pub fn new(namespace: impl Into<Name>, name: impl Into<Name>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A host, or all hosts with an ending: `reviews.default.svc.cluster.local`, `*.example.com`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostPattern(pub Name);

impl HostPattern {
    /// What follows the `*`, for wildcards.
    pub fn tail(&self) -> Option<&str> {
        self.0.strip_prefix('*')
    }

    /// True for `*` and `*.example.com`.
    pub fn is_wildcard(&self) -> bool {
        self.tail().is_some()
    }

    /// True when every host of `other` is one of this pattern. Hosts compare without regard to case.
    pub fn covers(&self, other: &str) -> bool {
        match (self.tail(), other.strip_prefix('*')) {
            (None, _) => self.0.eq_ignore_ascii_case(other),
            (Some(tail), Some(other)) => ends_with(other, tail),
            (Some(tail), None) => other.len() > tail.len() && ends_with(other, tail),
        }
    }

    /// True when some host is of both patterns.
    pub fn meets(&self, other: &Self) -> bool {
        self.covers(&other.0) || other.covers(&self.0)
    }

    /// The hosts that are of both patterns: the narrower one, when one covers the other.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        if self.covers(&other.0) {
            return Some(other.clone());
        }
        other.covers(&self.0).then(|| self.clone())
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for HostPattern {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

fn ends_with(text: &str, tail: &str) -> bool {
    let at = text.len().checked_sub(tail.len());
    at.and_then(|at| text.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_cover_what_has_their_ending() {
        let covers = |pattern: &str, host: &str| HostPattern::from(pattern).covers(host);
        assert!(covers("*", "a") && covers("*", "*.b") && covers("*.b", "A.B") && covers("a.b", "a.B"));
        assert!(covers("*.b", "*.a.b") && covers("*.b", "*.b"));
        assert!(!covers("*.b", ".b") && !covers("*.a.b", "*.b") && !covers("a.b", "*.b") && !covers("*.b", "ab"));
    }

    #[test]
    fn the_narrower_pattern_is_what_both_have() {
        let of = HostPattern::from;
        assert_eq!(of("*.b").intersect(&of("a.b")), Some(of("a.b")));
        assert_eq!(of("a.b").intersect(&of("*")), Some(of("a.b")));
        assert_eq!(of("*.a").intersect(&of("*.b")), None);
    }
}
