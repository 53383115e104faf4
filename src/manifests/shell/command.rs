//! What a script consists of.

use crate::manifests::embedded::Embedded;
use crate::manifests::source::{Span, to_u32};

/// The commands and here-documents of a script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// All simple commands, in the order in which they start.
    pub commands: Vec<Command>,
    /// All here-documents, in the order of their bodies.
    pub heredocs: Vec<Heredoc>,
}

/// A simple command: words and redirections. Keywords around it (`if`, `then`, `do`, `!`) are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments.
    pub words: Vec<Word>,
    /// `NAME=value` in front of the program, or alone.
    pub assignments: Vec<Word>,
    /// Redirections, in the order written.
    pub redirects: Vec<Redirect>,
    /// From the first word to the last word or redirection.
    pub span: Span,
    /// The command whose output this one reads through a pipe, as an index into [`Script::commands`].
    pub reads_from: Option<usize>,
    /// The command that reads the output of this one through a pipe.
    pub read_by: Option<usize>,
}

/// One word, after quotes and escapes are taken off. Expansions (`$NAME`, `${NAME}`, `$(..)`) are kept as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// The bytes in the script, with quotes.
    pub span: Span,
    /// True when something in it is expanded when the script runs, so that `text` is not the final value.
    pub expands: bool,
    /// True when some of it is quoted.
    pub quoted: bool,
}

/// Kinds of redirections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    In,
    /// `>`, `>|`, `&>`
    Out,
    /// `>>`, `&>>`
    Append,
    /// `<>`
    ReadWrite,
    /// `<&` and `>&`
    Duplicate,
    /// `<<` and `<<-`; the body is [`Redirect::heredoc`].
    HereDocument,
    /// `<<<`
    HereString,
}

/// One redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// What it does.
    pub operator: Operator,
    /// The file, descriptor, text or delimiter. Empty when it is missing.
    pub target: Word,
    /// From the operator to the end of the target.
    pub span: Span,
    /// The body of a here-document, as an index into [`Script::heredocs`].
    pub heredoc: Option<usize>,
}

/// A here-document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// What the command reads: without the delimiter line, and for `<<-` without leading tabs.
    pub content: Embedded,
    /// The bytes of the body in the script.
    pub span: Span,
    /// The command that reads it, as an index into [`Script::commands`]. `None` for a redirection without a command.
    pub command: Option<usize>,
    /// True when the delimiter is quoted, so that nothing in the body is expanded.
    pub literal: bool,
}

impl Script {
    /// Moves every span from the offsets of an embedded script to those of the file that it stands in.
    pub fn relocate(&mut self, within: &Embedded) {
        let file = |span: &mut Span| {
            let range = within.range(span.range());
            *span = Span::new(to_u32(range.start), to_u32(range.end));
        };
        for command in &mut self.commands {
            file(&mut command.span);
            command.words.iter_mut().chain(&mut command.assignments).for_each(|word| file(&mut word.span));
            for redirect in &mut command.redirects {
                file(&mut redirect.span);
                file(&mut redirect.target.span);
            }
        }
        for heredoc in &mut self.heredocs {
            heredoc.content.relocate(within);
            file(&mut heredoc.span);
        }
    }

    /// Puts the commands in the order in which they start, whatever order they were found in.
    pub(super) fn in_order(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.commands.len()).collect();
        // Of two that start together, the later found is the outer one.
        order.sort_by_key(|at| (self.commands[*at].span.start, usize::MAX - at));
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
        }
        let mut commands: Vec<Command> = order.iter().map(|at| std::mem::take(&mut self.commands[*at])).collect();
        for at in 0..commands.len() {
            if let Some(from) = commands[at].reads_from.map(|from| place[from]) {
                commands[at].reads_from = Some(from);
                commands[from].read_by = Some(at);
            }
            for heredoc in commands[at].redirects.iter().filter_map(|redirect| redirect.heredoc) {
                if let Some(heredoc) = self.heredocs.get_mut(heredoc) {
                    heredoc.command = Some(at);
                }
            }
        }
        self.commands = commands;
        self
    }
}

impl Command {
    /// The program, empty when there are only assignments or redirections.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", |word| word.text.as_str())
    }

    /// The words after the program.
    pub fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The redirection that makes a here-document, a here-string or a file its standard input.
    pub fn stdin(&self) -> Option<&Redirect> {
        let reads = [Operator::In, Operator::HereDocument, Operator::HereString];
        self.redirects.iter().rfind(|redirect| reads.contains(&redirect.operator))
    }
}
