//! Matchers of one value of a request (path, header, query parameter): exact, prefix, regular expression, presence.

/// One way to match a value, as StringMatch of Istio and of Envoy's route configuration have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueMatcher<'m> {
    /// Any value that is there.
    Present,
    /// The whole value.
    Exact(&'m str),
    /// The beginning of the value, byte by byte: `/api` takes `/apiary` too.
    Prefix(&'m str),
    /// The whole value as a regular expression.
    Regex(&'m str),
}

impl ValueMatcher<'_> {
    /// True when every value that `other` takes is surely taken by this one; `fold` without regard to ASCII case. Where it
    /// is not sure (two different regular expressions, say) the answer is false.
    pub fn covers(&self, other: &ValueMatcher<'_>, fold: bool) -> bool {
        use ValueMatcher::{Exact, Prefix, Present, Regex};
        let same = |a: &str, b: &str| if fold { a.eq_ignore_ascii_case(b) } else { a == b };
        let begins = |text: &str, prefix: &str| text.get(..prefix.len()).is_some_and(|head| same(head, prefix));
        match (*self, *other) {
            (Present, _) => true,
            (Exact(own), Exact(other)) => same(own, other),
            (Prefix(own), Exact(other) | Prefix(other)) => begins(other, own),
            (Prefix(own), Regex(other)) => !fold && literal_start(other).starts_with(own),
            (Regex(own), Regex(other)) => own == other,
            (Regex(own), Exact(other)) => regex_takes(own, other),
            (Regex(own), Prefix(other)) => regex_takes_prefix(own, other),
            (Exact(_), _) | (Prefix(_) | Regex(_), Present) => false,
        }
    }
}

/// The text with which every match of an expression begins: up to its first special character. Empty where in doubt.
fn literal_start(expression: &str) -> &str {
    let body = expression.strip_prefix('^').unwrap_or(expression);
    if body.contains('|') || body.contains("(?") {
        return "";
    }
    let special = body.find(['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '\\', '$', '^']);
    let end = match special {
        // The character before `*`, `?` or `{` need not be there.
        Some(at) if body[at..].starts_with(['*', '?', '{']) => body[..at].char_indices().last().map_or(0, |(at, _)| at),
        Some(at) => at,
        None => body.len(),
    };
    &body[..end]
}

/// True for a plain-headed expression that ends in `.*` and whose head is the beginning of `text`.
fn regex_takes(expression: &str, text: &str) -> bool {
    regex_takes_prefix(expression, text)
        || expression.trim_start_matches('^').trim_end_matches('$') == text && plain(text)
}

fn regex_takes_prefix(expression: &str, prefix: &str) -> bool {
    let body = expression.strip_prefix('^').unwrap_or(expression);
    let body = body.strip_suffix('$').unwrap_or(body);
    body.strip_suffix(".*").is_some_and(|head| plain(head) && prefix.starts_with(head))
}

/// True for a text without special characters of expressions.
fn plain(text: &str) -> bool {
    !text.contains(['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '\\', '$', '^', '|'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn takes(matcher: ValueMatcher<'_>, value: &str, fold: bool) -> bool {
        let (lower, folded) = (|text: &str| if fold { text.to_ascii_lowercase() } else { text.to_owned() }, fold);
        match matcher {
            ValueMatcher::Present => true,
            ValueMatcher::Exact(text) => lower(value) == lower(text),
            ValueMatcher::Prefix(text) => lower(value).starts_with(&lower(text)),
            ValueMatcher::Regex(text) => {
                let flags = if folded { "(?i)" } else { "" };
                Regex::new(&format!("{flags}^(?:{text})$")).unwrap().is_match(value)
            }
        }
    }

    fn matcher(kind: u8, text: &str) -> ValueMatcher<'_> {
        match kind {
            0 => ValueMatcher::Present,
            1 => ValueMatcher::Exact(text),
            2 => ValueMatcher::Prefix(text),
            _ => ValueMatcher::Regex(text),
        }
    }

    proptest! {
        /// The texts are valid expressions too: letters, slashes, and a tail that may be special.
        #[test]
        fn a_matcher_that_covers_another_takes_all_its_values(
            kinds in (0u8..4, 0u8..4),
            own in "/[aB]{0,2}(\\.\\*|b\\?|[0-9]\\+|)", other in "/[aB]{0,2}(\\.\\*|b\\?|[0-9]\\+|)",
            value in "/[abB1]{0,4}", fold in any::<bool>(),
        ) {
            let (own, other) = (matcher(kinds.0, &own), matcher(kinds.1, &other));
            if own.covers(&other, fold) && takes(other, &value, fold) {
                prop_assert!(takes(own, &value, fold), "{own:?} {other:?} {value} fold {fold}");
            }
        }
    }

    #[test]
    fn a_prefix_is_compared_byte_by_byte() {
        let api = ValueMatcher::Prefix("/api");
        assert!(api.covers(&ValueMatcher::Exact("/apiary"), false));
        assert!(api.covers(&ValueMatcher::Regex("/api/[0-9]+"), false));
        assert!(!api.covers(&ValueMatcher::Regex("/ap|/api"), false));
        assert!(ValueMatcher::Regex("/api/.*").covers(&ValueMatcher::Prefix("/api/v1"), false));
    }
}
