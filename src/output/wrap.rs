//! Prose broken into lines.

/// The words of `text` in lines of at most `width` characters; `indent` stands before each line but the first. A word
/// that is longer has a line of its own.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut result = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let len = word.chars().count();
        if used > 0 && used + 1 + len > width {
            result.push('\n');
            result.push_str(indent);
            used = indent.chars().count();
        } else if used > 0 {
            result.push(' ');
            used += 1;
        }
        result.push_str(word);
        used += len;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_end_between_words() {
        assert_eq!(wrap("one  two\nthree", 7, ""), "one two\nthree");
        assert_eq!(wrap("one two three", 7, "  "), "one two\n  three");
        assert_eq!(wrap("a verylongword b", 6, ""), "a\nverylongword\nb");
        assert_eq!(wrap("  ", 6, ""), "");
    }
}
