//! Matchers of request paths (RouteMatch of Envoy's route configuration).

use regex::Regex;

/// One way to match a path. The path comes without its query, as Envoy takes it.
#[derive(Debug, Clone)]
pub enum PathMatcher {
    /// The whole path.
    Exact(String),
    /// The beginning of the path, byte by byte: `/api` takes `/apiary` too (Envoy's `prefix`).
    Prefix(String),
    /// Whole segments from the start: `/api` takes `/api` and `/api/x` (Envoy's `path_separated_prefix`).
    Segments(String),
    /// The whole path as a regular expression.
    Regex(Regex),
}

impl PathMatcher {
    /// Whether the path matches.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Self::Segments(prefix) => {
                path.strip_prefix(trimmed(prefix)).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::Regex(regex) => whole(regex, path),
        }
    }

    /// Whether every path that `other` matches is matched by this one. False when that is not certain: two regular
    /// expressions are compared by their text only.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Prefix(all), _) if all == "/" || all.is_empty() => true,
            (Self::Segments(all), _) if trimmed(all).is_empty() => true,
            (Self::Regex(all), _) if matches!(all.as_str(), ".*" | "/.*") => true,
            (_, Self::Exact(path)) => self.matches(path),
            (Self::Prefix(own), Self::Prefix(other)) => other.starts_with(own.as_str()),
            (Self::Prefix(own), Self::Segments(other)) => trimmed(other).starts_with(own.as_str()),
            (Self::Segments(_), Self::Segments(other)) => self.matches(trimmed(other)),
            // A raw prefix may end inside a word, so its own text must already hold the separator.
            (Self::Segments(own), Self::Prefix(other)) => {
                other.strip_prefix(trimmed(own)).is_some_and(|rest| rest.starts_with('/'))
            }
            (Self::Regex(own), Self::Regex(other)) => own.as_str() == other.as_str(),
            _ => false,
        }
    }
}

fn trimmed(prefix: &str) -> &str {
    prefix.trim_end_matches('/')
}

/// Envoy's regular expressions match the whole value. Leftmost-first search may stop early, so both ends are checked on
/// an anchored copy only when the plain search is not already decisive.
fn whole(regex: &Regex, value: &str) -> bool {
    match regex.find(value) {
        None => false,
        Some(found) if found.start() == 0 && found.end() == value.len() => true,
        Some(_) => Regex::new(&format!("^(?:{})$", regex.as_str())).is_ok_and(|anchored| anchored.is_match(value)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matcher() -> impl Strategy<Value = PathMatcher> {
        let path = "(/[ab]{0,2}){1,3}";
        prop_oneof![
            path.prop_map(PathMatcher::Exact),
            path.prop_map(PathMatcher::Prefix),
            path.prop_map(PathMatcher::Segments),
            Just(PathMatcher::Regex(Regex::new("/a.*").unwrap())),
            Just(PathMatcher::Regex(Regex::new("/.*").unwrap())),
        ]
    }

    proptest! {
        #[test]
        fn a_matcher_that_covers_another_takes_all_its_paths(
            own in matcher(), other in matcher(), path in "(/[ab]{0,2}){1,4}"
        ) {
            if own.covers(&other) && other.matches(&path) {
                prop_assert!(own.matches(&path), "{own:?} {other:?} {path}");
            }
        }
    }

    #[test]
    fn a_raw_prefix_ends_inside_words_and_a_segment_prefix_does_not() {
        let raw = PathMatcher::Prefix("/api/v1".into());
        let segments = PathMatcher::Segments("/api/v1".into());
        assert!(raw.matches("/api/v10") && raw.matches("/api/v1/x"));
        assert!(!segments.matches("/api/v10") && segments.matches("/api/v1") && segments.matches("/api/v1/x"));
        assert!(raw.covers(&segments) && !segments.covers(&raw));
    }

    #[test]
    fn a_regular_expression_takes_the_whole_path() {
        let regex = PathMatcher::Regex(Regex::new("/a|/ab").unwrap());
        assert!(regex.matches("/ab") && regex.matches("/a") && !regex.matches("/abc"));
    }
}
