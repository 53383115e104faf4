//! Matchers of texts: the value patterns of authorization rules (`*`, `prefix*`, `*suffix`, exact).

/// One pattern of a list in an authorization rule, as Istio and Envoy's RBAC filter take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// `*`: any value that is there.
    Present,
    /// The whole value.
    Exact(String),
    /// `abc*`.
    Prefix(String),
    /// `*abc`.
    Suffix(String),
}

impl Pattern {
    /// Reads a pattern; a `*` anywhere but at one end is an ordinary character.
    pub fn new(pattern: &str) -> Self {
        match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(""), _) => Self::Present,
            (Some(suffix), _) => Self::Suffix(suffix.to_owned()),
            (None, Some(prefix)) => Self::Prefix(prefix.to_owned()),
            (None, None) => Self::Exact(pattern.to_owned()),
        }
    }

    /// Whether the value matches.
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Present => !value.is_empty(),
            Self::Exact(exact) => value == exact,
            Self::Prefix(prefix) => value.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => value.ends_with(suffix.as_str()),
        }
    }

    /// A value that matches, built from the pattern itself.
    pub fn witness(&self) -> String {
        match self {
            Self::Present => "x".to_owned(),
            Self::Exact(exact) => exact.clone(),
            Self::Prefix(prefix) => format!("{prefix}x"),
            Self::Suffix(suffix) => format!("x{suffix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_have_their_star_at_one_end() {
        assert_eq!(Pattern::new("*"), Pattern::Present);
        assert_eq!(Pattern::new("/api/*"), Pattern::Prefix("/api/".into()));
        assert_eq!(Pattern::new("*.com"), Pattern::Suffix(".com".into()));
        assert!(Pattern::new("a*b").matches("a*b"));
        assert!(!Pattern::Present.matches(""));
    }

    proptest! {
        #[test]
        fn a_witness_matches_its_pattern(pattern in "[a-z*/]{1,6}") {
            let matcher = Pattern::new(&pattern);
            prop_assert!(matcher.matches(&matcher.witness()), "{matcher:?}");
        }
    }
}
