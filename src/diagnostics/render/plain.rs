//! Text from manifests made safe for a terminal: a name or a value may hold escape sequences and text-direction marks.

use std::borrow::Cow;

/// True for characters that change how the rest is shown instead of being shown.
pub(super) fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line: line breaks become spaces, other unsafe characters are written as `\u{1b}`.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => clean.push(' '),
            '\r' => {}
            c if is_unsafe(c) => clean.extend(c.escape_unicode()),
            c => clean.push(c),
        }
    }
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn escape_sequences_are_shown_not_obeyed() {
        assert_eq!(line("a\u{1b}[31m\r\nb"), "a\\u{1b}[31m b");
        assert_eq!(line("host \u{202e}moc"), "host \\u{202e}moc");
        assert_eq!(line("größe\t1"), "größe\t1");
    }
}
