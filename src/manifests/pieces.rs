//! Markdown and shell scripts taken apart: the manifests and the scripts in them, in order.

use std::ops::Range;

use super::embedded::Embedded;
use super::markdown::{self, CodeBlock};
use super::shell::{self, Script};
use super::sniff::{self, Part};

/// One part of a Markdown file that can be analysed.
#[derive(Debug)]
pub enum Piece {
    /// YAML or JSON that names `apiVersion` and `kind`.
    Manifest(Embedded),
    /// Shell commands.
    Script(Embedded),
    /// A fence that promises YAML and holds commands; its parts follow.
    Misfenced {
        /// The info string of the fence.
        info: Range<usize>,
        /// True when nothing but commands is in the block.
        only_commands: bool,
    },
}

/// The pieces of a Markdown text. A YAML block without `apiVersion` and `kind` is a fragment of something and is left out.
pub fn of_markdown(text: &str) -> Vec<Piece> {
    markdown::code_blocks(text).into_iter().flat_map(of_block).collect()
}

fn of_block(block: CodeBlock) -> Vec<Piece> {
    match block.language.as_str() {
        "yaml" | "yml" if sniff::looks_like_shell(block.content.text()) => {
            let parts = sniff::split(&block.content);
            let only_commands = parts.iter().all(|part| matches!(part, Part::Script(_)));
            let parts = parts.into_iter().filter_map(|part| match part {
                Part::Manifest(content) => manifest(content),
                Part::Script(content) => Some(Piece::Script(content)),
            });
            std::iter::once(Piece::Misfenced { info: block.info, only_commands }).chain(parts).collect()
        }
        "yaml" | "yml" | "json" => manifest(block.content).into_iter().collect(),
        "sh" | "bash" | "shell" | "zsh" | "ksh" | "console" | "terminal" | "shell-session" | "sh-session"
        | "shellsession" => vec![Piece::Script(sniff::session(&block.content))],
        _ => Vec::new(),
    }
}

fn manifest(content: Embedded) -> Option<Piece> {
    sniff::looks_like_manifest(content.text()).then_some(Piece::Manifest(content))
}

/// A script at its place in the file, and the manifests in its here-documents. A here-document into which the shell fills
/// values is none: nobody here knows them.
pub fn of_script(content: &Embedded) -> (Script, Vec<Embedded>) {
    let mut script = shell::parse(content.text());
    script.relocate(content);
    let known = script.heredocs.iter().filter(|heredoc| {
        let text = heredoc.content.text();
        (heredoc.literal || !text.contains(['$', '`'])) && sniff::looks_like_manifest(text)
    });
    let manifests = known.map(|heredoc| heredoc.content.clone()).collect();
    (script, manifests)
}
