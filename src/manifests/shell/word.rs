//! One word: quotes, escapes, expansions.

use super::command::Word;
use super::lexer::{End, Lexer, MAX_DEPTH, is_assignment};
use crate::manifests::source::{Span, to_u32};

impl Lexer<'_> {
    /// Reads the word that starts here; empty when none does.
    pub(super) fn word(&mut self) -> Word {
        let start = self.at;
        let mut word = Word::default();
        while !self.done() {
            #[allow(clippy::match_same_arms, reason = "the order of the arms matters")]
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'|' | b'&' | b')' => break,
                b'(' if self.assigns_list(start, &word) => self.list(&mut word),
                b'<' | b'>' if self.peek(1) == b'(' && self.depth < MAX_DEPTH => {
                    let from = self.at;
                    self.skip(2);
                    self.nested(End::Parenthesis);
                    self.keep(&mut word, from);
                }
                b'(' | b'<' | b'>' => break,
                b'\\' if self.continuation() > 0 => self.skip(self.continuation()),
                b'\\' => {
                    self.skip(1);
                    word.quoted = true;
                    self.push_char(&mut word);
                }
                b'\'' => self.single_quoted(&mut word),
                b'"' => self.double_quoted(&mut word),
                b'$' if self.peek(1) == b'\'' => self.escaped_quotes(&mut word),
                b'$' if self.peek(1) == b'"' => self.skip(1),
                b'$' | b'`' if self.expansion(&mut word) => {}
                b'`' => break,
                _ => self.push_char(&mut word),
            }
        }
        word.span = Span::new(to_u32(start), to_u32(self.at));
        word
    }

    /// Appends one character as it is.
    fn push_char(&mut self, word: &mut Word) {
        let next = self.text.get(self.at..).and_then(|rest| rest.chars().next());
        word.text.extend(next);
        self.skip(next.map_or(1, char::len_utf8));
    }

    /// Appends what was just stepped over, as written, and marks the word as expanding.
    fn keep(&mut self, word: &mut Word, from: usize) {
        word.text.push_str(self.text.get(from..self.at).unwrap_or_default());
        word.expands = true;
    }

    fn single_quoted(&mut self, word: &mut Word) {
        word.quoted = true;
        let from = self.at + 1;
        let rest = &self.bytes[from..];
        let len = rest.iter().position(|b| *b == b'\'').unwrap_or(rest.len());
        word.text.push_str(self.text.get(from..from + len).unwrap_or_default());
        self.skip(len + 2);
    }

    fn double_quoted(&mut self, word: &mut Word) {
        word.quoted = true;
        self.skip(1);
        while !self.done() {
            match self.peek(0) {
                b'"' => {
                    self.skip(1);
                    return;
                }
                b'\\' if self.continuation() > 0 => self.skip(self.continuation()),
                b'\\' if matches!(self.peek(1), b'"' | b'\\' | b'$' | b'`') => {
                    self.skip(1);
                    self.push_char(word);
                }
                b'$' | b'`' if self.expansion(word) => {}
                _ => self.push_char(word),
            }
        }
    }

    /// `$'..'`: of its escapes, only those of quotes decide where it ends.
    fn escaped_quotes(&mut self, word: &mut Word) {
        word.quoted = true;
        self.skip(2);
        while !self.done() {
            match self.peek(0) {
                b'\'' => {
                    self.skip(1);
                    return;
                }
                b'\\' => {
                    self.skip(1);
                    self.push_char(word);
                }
                _ => self.push_char(word),
            }
        }
    }

    /// Reads an expansion that starts here, with the commands in it. False, and nothing read, for a lone `$` and for a
    /// backquote that ends the commands around it.
    fn expansion(&mut self, word: &mut Word) -> bool {
        let from = self.at;
        let outside = self.in_backquotes;
        match (self.peek(0), self.peek(1)) {
            (b'`', _) if !outside && self.depth < MAX_DEPTH => {
                self.skip(1);
                self.in_backquotes = true;
                self.nested(End::Backquote);
            }
            (b'$', b'(') if self.peek(2) == b'(' => {
                self.skip(1);
                self.skip_arithmetic();
            }
            (b'$', b'(') if self.depth < MAX_DEPTH => {
                self.skip(2);
                self.in_backquotes = false;
                self.nested(End::Parenthesis);
            }
            (b'$', b'{') => self.skip_braces(),
            (b'$', next) if next.is_ascii_alphabetic() || next == b'_' => {
                self.skip(2);
                while self.peek(0).is_ascii_alphanumeric() || self.peek(0) == b'_' {
                    self.skip(1);
                }
            }
            (b'$', next) if next.is_ascii_digit() || b"@*#?$!-".contains(&next) => self.skip(2),
            _ => return false,
        }
        self.in_backquotes = outside;
        self.keep(word, from);
        true
    }

    fn nested(&mut self, end: End) {
        self.depth += 1;
        self.commands(end);
        self.depth -= 1;
    }

    /// `${..}` on one line; without its closing brace, the rest of the line.
    fn skip_braces(&mut self) {
        let mut open = 0_usize;
        while !self.done() && self.peek(0) != b'\n' {
            let byte = self.peek(0);
            self.skip(1);
            match byte {
                b'{' => open += 1,
                b'}' if open <= 1 => return,
                b'}' => open -= 1,
                b'\\' if self.peek(0).is_ascii_punctuation() => self.skip(1),
                _ => {}
            }
        }
    }

    /// True at the parenthesis of `NAME=(..)`.
    fn assigns_list(&self, start: usize, word: &Word) -> bool {
        let written = self.text.get(start..self.at).unwrap_or_default();
        !word.expands && self.depth < MAX_DEPTH && written.ends_with('=') && is_assignment(written)
    }

    fn list(&mut self, word: &mut Word) {
        let from = self.at;
        self.skip(1);
        self.depth += 1;
        while !self.done() && self.peek(0) != b')' {
            if self.peek(0) == b'#' {
                self.skip_line();
            } else {
                self.word_or_byte();
            }
        }
        self.depth -= 1;
        self.skip(1);
        self.keep(word, from);
    }
}
