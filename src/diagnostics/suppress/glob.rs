//! The glob of `--suppress`: `*` stands for any text, everything else for itself.

/// True when the whole of `text` matches `pattern`. Takes the first place that fits for each part, so it is linear
/// for the patterns that people write and never exponential.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text) in
            [("a", "a"), ("*", ""), ("*", "x"), ("a*", "a"), ("a*c", "abc"), ("*b*", "abc"), ("a**c", "ac"), ("", "")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("a*a", "a"), ("*b*b*", "abc"), ("", "a"), ("a.c", "abc")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
