//! Counted words: `1 finding`, `2 findings`.

/// The number with its word, in the plural unless it is one. For words that take a plain `s`.
pub fn amount(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
