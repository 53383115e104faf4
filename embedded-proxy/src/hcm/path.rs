//! Path normalisation: RFC 3986 dot segments and escapes, merged slashes, escaped slashes.
//!
//! Rules as Envoy's: they run before anything looks at the path, so that a policy and the upstream see the same one.

use std::borrow::Cow;

use crate::proto::Reader;

/// What to do with `%2F` and `%5C` in a path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EscapedSlashes {
    /// Leave them.
    #[default]
    Keep,
    /// Refuse the request with 400.
    Reject,
    /// Unescape them and redirect the client (gRPC is refused).
    Redirect,
    /// Unescape them and go on.
    Forward,
}

/// How paths are changed before routing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PathRules {
    /// Resolve dot segments and unescape what needs no escape.
    pub normalize: bool,
    /// Make several slashes one.
    pub merge_slashes: bool,
    /// Escaped slashes.
    pub escaped: EscapedSlashes,
}

/// What became of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Normalized<'p> {
    /// Go on with this path.
    Path(Cow<'p, str>),
    /// Redirect the client to this path.
    Redirect(String),
    /// Refuse the request.
    Refuse,
}

impl PathRules {
    /// Reads the fields of `HttpConnectionManager`.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let escaped = match reader.word("path_with_escaped_slashes_action").as_str() {
            "REJECT_REQUEST" => EscapedSlashes::Reject,
            "UNESCAPE_AND_REDIRECT" => EscapedSlashes::Redirect,
            "UNESCAPE_AND_FORWARD" => EscapedSlashes::Forward,
            _ => EscapedSlashes::Keep,
        };
        Self { normalize: reader.flag("normalize_path"), merge_slashes: reader.flag("merge_slashes"), escaped }
    }

    /// Applies the rules to path and query. The query stays as it is.
    pub fn apply<'p>(&self, target: &'p str) -> Normalized<'p> {
        if target.contains('#') {
            // A fragment never reaches a server; one that does is read differently by different hops.
            return Normalized::Refuse;
        }
        let (path, rest) = target.split_at(target.find('?').unwrap_or(target.len()));
        if !path.starts_with('/') {
            return Normalized::Path(target.into());
        }
        let mut changed: Cow<'_, str> = path.into();
        let mut redirect = false;
        if self.escaped != EscapedSlashes::Keep && has_escaped_slash(&changed) {
            if self.escaped == EscapedSlashes::Reject {
                return Normalized::Refuse;
            }
            redirect = self.escaped == EscapedSlashes::Redirect;
            changed = unescape_slashes(&changed).into();
        }
        if self.normalize && needs_normalizing(&changed) {
            match canonical(&changed) {
                Some(path) => changed = path.into(),
                None => return Normalized::Refuse,
            }
        }
        if self.merge_slashes && changed.contains("//") {
            changed = merge(&changed).into();
        }
        if changed == path {
            return Normalized::Path(target.into());
        }
        let path = format!("{changed}{rest}");
        if redirect { Normalized::Redirect(path) } else { Normalized::Path(path.into()) }
    }
}

fn has_escaped_slash(path: &str) -> bool {
    path.as_bytes().windows(3).any(is_escaped_slash)
}

fn is_escaped_slash(three: &[u8]) -> bool {
    three.eq_ignore_ascii_case(b"%2f") || three.eq_ignore_ascii_case(b"%5c")
}

fn unescape_slashes(path: &str) -> String {
    let mut unescaped = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(percent) = rest.find('%') {
        unescaped.push_str(&rest[..percent]);
        rest = &rest[percent..];
        let slash = rest.as_bytes().get(..3).filter(|three| is_escaped_slash(three));
        let (text, taken) = match slash {
            Some(three) if three[1] == b'2' => ("/", 3),
            Some(_) => ("\\", 3),
            None => ("%", 1),
        };
        unescaped.push_str(text);
        rest = &rest[taken..];
    }
    unescaped.push_str(rest);
    unescaped
}

fn needs_normalizing(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.iter().any(|byte| matches!(byte, b'%' | b'\\')) || bytes.windows(2).any(|two| two == b"/.")
}

/// Dot segments resolved, backslashes made slashes, `%XX` of unreserved characters unescaped, others in upper case.
/// `%` without two hex digits stays as it is. None for `%00`: there is no safe reading of it.
fn canonical(path: &str) -> Option<String> {
    let mut clean = String::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((byte, more)) = rest.split_first() {
        let escaped = if *byte == b'%' { more.get(..2).and_then(escaped) } else { None };
        rest = if escaped.is_some() { &more[2..] } else { more };
        match (escaped, byte) {
            (Some(0), _) => return None,
            (Some(value), _) if value.is_ascii_alphanumeric() || b"-._~".contains(&value) => clean.push(value.into()),
            (Some(value), _) => clean.push_str(&format!("%{value:02X}")),
            (None, b'\\') => clean.push('/'),
            (None, byte) => clean.push((*byte).into()),
        }
    }
    Some(remove_dot_segments(&clean))
}

/// The value of two hex digits.
fn escaped(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? << 4 | digit(digits[1])?).ok()
}

/// RFC 3986 section 5.2.4.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

fn merge(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !merged.ends_with('/') {
            merged.push(character);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: PathRules = PathRules { normalize: true, merge_slashes: true, escaped: EscapedSlashes::Forward };

    fn normal(rules: PathRules, path: &str) -> String {
        match rules.apply(path) {
            Normalized::Path(path) => path.into_owned(),
            Normalized::Redirect(path) => format!("-> {path}"),
            Normalized::Refuse => "400".into(),
        }
    }

    #[test]
    fn paths_as_envoy_normalizes_them() {
        let only = PathRules { normalize: true, ..PathRules::default() };
        let rows = [
            ("/a/./b/../c", "/a/c"),
            ("/a/b/..", "/a/"),
            ("/..", "/"),
            ("/../../x", "/x"),
            ("/a%2eb/%2E%2E/c", "/c"),
            ("/a\\b", "/a/b"),
            ("/%7euser?x=/../%2e", "/~user?x=/../%2e"),
            ("/a%2fb", "/a%2Fb"),
            ("/a//b", "/a//b"),
            ("/a%zz", "/a%zz"),
            ("/a%0", "/a%0"),
            ("/a#b", "400"),
            ("/%00", "400"),
            ("*", "*"),
        ];
        for (path, wanted) in rows {
            assert_eq!(normal(only, path), wanted, "{path}");
        }
    }

    #[test]
    fn escaped_slashes_and_merging() {
        assert_eq!(normal(ALL, "/a%2F%2fb%5Cc"), "/a/b/c");
        assert_eq!(normal(ALL, "/a/%2e%2E%2fadmin"), "/admin");
        let redirect = PathRules { escaped: EscapedSlashes::Redirect, ..ALL };
        assert_eq!(normal(redirect, "/a%2Fb?q=%2F"), "-> /a/b?q=%2F");
        assert_eq!(normal(redirect, "/a//b"), "/a/b");
        let reject = PathRules { escaped: EscapedSlashes::Reject, ..ALL };
        assert_eq!(normal(reject, "/a%5cb"), "400");
    }

    #[test]
    fn untouched_paths_are_borrowed() {
        assert!(matches!(ALL.apply("/plain/path?x=1"), Normalized::Path(Cow::Borrowed(_))));
    }

    proptest::proptest! {
        #[test]
        fn normalizing_twice_changes_nothing(path in "/[a-c./%2eEfF5cC\\\\]{0,20}") {
            if let Normalized::Path(once) = ALL.apply(&path) {
                // Unescaping `%25` style layers may expose new escapes only if `%` itself were unescaped; it is not.
                let rules = PathRules { escaped: EscapedSlashes::Keep, ..ALL };
                proptest::prop_assert_eq!(rules.apply(&once), Normalized::Path(Cow::Borrowed(once.as_ref())));
            }
        }
    }
}
