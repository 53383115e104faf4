//! Messages and help are sentences: a capital letter first, a full stop last, whoever wrote them.

/// The text as a sentence. Several lines (an example after the words) end as they are.
pub fn sentence(text: String) -> String {
    let mut text = match text.chars().next() {
        Some(first) if first.is_ascii_lowercase() => {
            let mut capital = String::with_capacity(text.len() + 1);
            capital.push(first.to_ascii_uppercase());
            capital.push_str(&text[1..]);
            capital
        }
        _ => text,
    };
    if !text.is_empty() && !text.contains('\n') && !text.ends_with(['.', '!', '?', ':', '…']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn only_the_ends_change() {
        for (text, want) in [
            ("write `a`", "Write `a`."),
            ("`a` is gone.", "`a` is gone."),
            ("Write:\n  a: 1", "Write:\n  a: 1"),
            ("ends in 1.5s", "Ends in 1.5s."),
            ("", ""),
        ] {
            assert_eq!(sentence(text.to_owned()), want);
        }
    }
}
