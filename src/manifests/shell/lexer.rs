//! The walk over a script: separators, keywords, redirections, here-documents.

use super::command::{Command, Heredoc, Operator, Redirect, Script, Word};
use crate::manifests::embedded::Embedded;
use crate::manifests::source::{Span, to_u32};

/// Substitutions nested deeper than this are read as text.
pub(super) const MAX_DEPTH: usize = 50;

/// Where a list of commands ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// At the end of the text.
    Text,
    /// At the parenthesis that closes `$(` or `<(`.
    Parenthesis,
    /// At the closing backquote.
    Backquote,
}

/// A here-document whose body has not been reached.
struct Pending {
    delimiter: String,
    literal: bool,
    strip_tabs: bool,
}

/// One list of commands that is being read.
#[derive(Default)]
struct Level {
    current: Command,
    /// Index of the last command of the pipeline, when a `|` was just read.
    piped: Option<usize>,
    /// Open `(` groups.
    groups: usize,
    /// Open `case` statements; true where a pattern comes next.
    cases: Vec<bool>,
}

/// Reads one script.
pub(super) struct Lexer<'t> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    /// Substitutions around the current position.
    pub(super) depth: usize,
    /// True when the innermost of them is in backquotes: the next one ends it.
    pub(super) in_backquotes: bool,
    pending: Vec<Pending>,
    script: Script,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let (pending, script) = (Vec::new(), Script::default());
        Self { text, bytes: text.as_bytes(), at: 0, depth: 0, in_backquotes: false, pending, script }
    }

    pub(super) fn script(mut self) -> Script {
        self.commands(End::Text);
        // Here-documents on the last line: their bodies are empty.
        self.heredoc_bodies();
        self.script.in_order()
    }

    /// The byte `ahead` of here; 0 past the end.
    pub(super) fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    pub(super) fn done(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Moves on by `len` bytes, at most to the end.
    pub(super) fn skip(&mut self, len: usize) {
        self.at = (self.at + len).min(self.bytes.len());
    }

    /// Reads commands up to `end` and steps over it.
    pub(super) fn commands(&mut self, end: End) {
        let mut level = Level::default();
        while !self.done() {
            if level.cases.last() == Some(&true) {
                self.case_pattern(&mut level);
                continue;
            }
            match self.peek(0) {
                b' ' | b'\t' | b'\r' => self.skip(1),
                b'\\' if self.continuation() > 0 => self.skip(self.continuation()),
                b'#' => self.skip_line(),
                b'\n' => self.line_break(&mut level),
                b'`' if end == End::Backquote => break,
                b')' if level.groups == 0 && end == End::Parenthesis => break,
                b')' => {
                    level.groups = level.groups.saturating_sub(1);
                    self.separator(&mut level, 1);
                }
                b'(' => self.parenthesis(&mut level),
                b';' => self.semicolon(&mut level),
                b'|' if self.peek(1) == b'|' => self.separator(&mut level, 2),
                b'|' => self.pipe(&mut level),
                b'&' if self.peek(1) == b'>' => self.redirect(&mut level),
                b'&' => self.separator(&mut level, 1 + usize::from(self.peek(1) == b'&')),
                b'<' | b'>' if self.peek(1) != b'(' => self.redirect(&mut level),
                _ => self.next_word(&mut level),
            }
        }
        self.finish(&mut level);
        self.skip(1);
    }

    /// Length of a backslash with its line break, 0 when there is none.
    pub(super) fn continuation(&self) -> usize {
        match (self.peek(0), self.peek(1), self.peek(2)) {
            (b'\\', b'\n', _) => 2,
            (b'\\', b'\r', b'\n') => 3,
            _ => 0,
        }
    }

    /// Steps over spaces, tabs and continued line breaks.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek(0) {
                b' ' | b'\t' => self.skip(1),
                _ if self.continuation() > 0 => self.skip(self.continuation()),
                _ => return,
            }
        }
    }

    /// Moves to the line break, or the end.
    pub(super) fn skip_line(&mut self) {
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    }

    fn line_break(&mut self, level: &mut Level) {
        // A pipeline goes on after a line break that follows `|`.
        let piped = level.piped.filter(|_| level.current == Command::default());
        self.separator(level, 1);
        level.piped = piped;
        self.heredoc_bodies();
    }

    fn separator(&mut self, level: &mut Level, len: usize) {
        self.finish(level);
        self.skip(len);
    }

    /// `;`, or one of the three ends of a `case` branch.
    fn semicolon(&mut self, level: &mut Level) {
        let rest = &self.bytes[self.at..];
        let len = [&b";;&"[..], b";;", b";&"].iter().find(|end| rest.starts_with(end)).map_or(1, |end| end.len());
        self.separator(level, len);
        if len > 1
            && let Some(pattern) = level.cases.last_mut()
        {
            *pattern = true;
        }
    }

    fn pipe(&mut self, level: &mut Level) {
        let written = level.current != Command::default();
        self.separator(level, 1 + usize::from(self.peek(1) == b'&'));
        level.piped = self.script.commands.len().checked_sub(1).filter(|_| written);
    }

    /// Ends the current command.
    fn finish(&mut self, level: &mut Level) {
        let mut command = std::mem::take(&mut level.current);
        let piped = level.piped.take();
        if command != Command::default() {
            command.reads_from = piped;
            self.script.commands.push(command);
        }
    }

    /// `(`: a group, `((..))`, or the parentheses after the name of a function.
    fn parenthesis(&mut self, level: &mut Level) {
        if self.peek(1) == b'(' && level.current.words.is_empty() {
            self.skip_arithmetic();
            return;
        }
        let blanks = self.bytes[self.at + 1..].iter().take_while(|b| **b == b' ').count();
        if !level.current.words.is_empty() && self.peek(1 + blanks) == b')' {
            level.current = Command::default();
            self.skip(blanks + 2);
            return;
        }
        level.groups += 1;
        self.separator(level, 1);
    }

    /// Steps over `((..))`, from the first parenthesis.
    pub(super) fn skip_arithmetic(&mut self) {
        let mut open = 0_usize;
        while !self.done() {
            match self.peek(0) {
                b'(' => open += 1,
                b')' => open -= 1,
                _ => {}
            }
            self.at += 1;
            if open == 0 {
                break;
            }
        }
    }

    /// Between `in` or `;;` and the `)` that ends a pattern, or `esac`.
    fn case_pattern(&mut self, level: &mut Level) {
        match self.peek(0) {
            b'#' => self.skip_line(),
            b')' => {
                self.at += 1;
                level.cases.pop();
                level.cases.push(false);
            }
            _ => {
                if self.word_or_byte().text == "esac" {
                    level.cases.pop();
                }
            }
        }
    }

    /// A word, or an empty one after stepping over a byte that starts none.
    pub(super) fn word_or_byte(&mut self) -> Word {
        let start = self.at;
        let word = self.word();
        if self.at == start {
            self.skip(1);
        }
        word
    }

    /// One word of the current command, or a keyword.
    fn next_word(&mut self, level: &mut Level) {
        let word = self.word_or_byte();
        if word.span.is_empty() {
            return;
        }
        let descriptor = matches!(self.peek(0), b'<' | b'>') && word.text.bytes().all(|b| b.is_ascii_digit());
        if descriptor && !word.quoted {
            return;
        }
        let first = level.current.words.is_empty();
        if first && !word.quoted && self.keyword(level, &word) {
            return;
        }
        let command = &mut level.current;
        extend(&mut command.span, word.span);
        if first && is_assignment(self.text.get(word.span.range()).unwrap_or_default()) {
            command.assignments.push(word);
        } else {
            command.words.push(word);
        }
    }

    /// Acts on a reserved word where a command may start; false when it is none.
    fn keyword(&mut self, level: &mut Level, word: &Word) -> bool {
        match word.text.as_str() {
            "if" | "then" | "else" | "elif" | "fi" | "while" | "until" | "do" | "done" | "!" | "{" | "}" | "time" => {}
            "esac" => {
                level.cases.pop();
            }
            "for" | "select" => {
                self.skip_blanks();
                if self.bytes[self.at..].starts_with(b"((") {
                    self.skip_arithmetic();
                }
                self.skip_words(None);
            }
            "function" => {
                self.skip_blanks();
                self.word();
            }
            "case" => {
                self.skip_words(Some("in"));
                level.cases.push(true);
            }
            "[[" => self.skip_words(Some("]]")),
            _ => return false,
        }
        true
    }

    /// Steps over words of any kind, up to a line break or `;`, or past the word `last`.
    fn skip_words(&mut self, last: Option<&str>) {
        while !matches!(self.peek(0), b'\n' | b';') && !self.done() {
            if self.continuation() > 0 {
                self.skip(self.continuation());
            } else if last == Some(&self.word_or_byte().text) {
                return;
            }
        }
    }

    fn redirect(&mut self, level: &mut Level) {
        let start = self.at;
        let strip_tabs = self.bytes[start..].starts_with(b"<<-");
        let (len, operator) = operator(&self.bytes[start..]);
        self.skip(len);
        self.skip_blanks();
        let target = self.word();
        let heredoc = operator == Operator::HereDocument && !target.span.is_empty();
        let index = heredoc.then(|| self.script.heredocs.len() + self.pending.len());
        if heredoc {
            let (delimiter, literal) = (target.text.clone(), target.quoted);
            self.pending.push(Pending { delimiter, literal, strip_tabs });
        }
        let span = Span::new(to_u32(start), to_u32(self.at));
        extend(&mut level.current.span, span);
        level.current.redirects.push(Redirect { operator, target, span, heredoc: index });
    }

    /// Reads the bodies of the here-documents whose operators stand on the line that just ended.
    fn heredoc_bodies(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            let start = self.at;
            let mut content = Embedded::default();
            let mut end = start;
            while !self.done() {
                let line_start = self.at;
                self.skip_line();
                self.skip(1);
                let mut line = self.text.get(line_start..self.at).unwrap_or_default();
                if pending.strip_tabs {
                    line = line.trim_start_matches('\t');
                }
                if line.trim_end_matches(['\n', '\r']) == pending.delimiter {
                    break;
                }
                content.push(line, self.at - line.len());
                end = self.at;
            }
            let span = Span::new(to_u32(start), to_u32(end));
            self.script.heredocs.push(Heredoc { content, span, command: None, literal: pending.literal });
        }
    }
}

fn operator(bytes: &[u8]) -> (usize, Operator) {
    const OPERATORS: &[(&[u8], Operator)] = &[
        (b"&>>", Operator::Append),
        (b"&>", Operator::Out),
        (b"<<<", Operator::HereString),
        (b"<<-", Operator::HereDocument),
        (b"<<", Operator::HereDocument),
        (b"<&", Operator::Duplicate),
        (b"<>", Operator::ReadWrite),
        (b"<", Operator::In),
        (b">>", Operator::Append),
        (b">&", Operator::Duplicate),
        (b">|", Operator::Out),
        (b">", Operator::Out),
    ];
    let found = OPERATORS.iter().find(|(text, _)| bytes.starts_with(text));
    found.map_or((1, Operator::Out), |(text, operator)| (text.len(), *operator))
}

/// Makes a span reach over another one.
fn extend(span: &mut Span, over: Span) {
    *span = if span.is_empty() { over } else { Span::new(span.start.min(over.start), span.end.max(over.end)) };
}

/// `NAME=`, `NAME+=` and `NAME[..]=`, as written.
pub(super) fn is_assignment(written: &str) -> bool {
    let name = written.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if name == 0 || written.as_bytes()[0].is_ascii_digit() {
        return false;
    }
    let rest = &written[name..];
    rest.starts_with('=') || rest.starts_with("+=") || (rest.starts_with('[') && rest.contains("]="))
}
