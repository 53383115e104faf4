//! Fenced code blocks of a Markdown file, with the way from their text back to the file.

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::embedded::Embedded;

/// One fenced code block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeBlock {
    /// The first word of the info string in lower case, empty when the fence names no language.
    pub language: String,
    /// Where the info string stands, or the opening fence when there is none.
    pub info: Range<usize>,
    /// What stands between the fences, without the indentation of the list or quote that it is in.
    pub content: Embedded,
}

/// The fenced code blocks of a Markdown text, in order. Indented blocks are not taken: nothing says what they hold.
pub fn code_blocks(text: &str) -> Vec<CodeBlock> {
    let mut blocks = Vec::new();
    let mut open: Option<CodeBlock> = None;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let fence = info_string(text, range.start);
                open = Some(CodeBlock { language: language(&info), info: fence, content: Embedded::default() });
            }
            Event::Text(piece) => {
                if let Some(block) = &mut open {
                    // The parser makes up spaces for a tab that is only partly indentation.
                    let written = text.get(range.clone()).filter(|written| !written.is_empty());
                    block.content.push(written.unwrap_or(&piece), range.start);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

/// The info string of the fence that starts at `start`, or the fence.
fn info_string(text: &str, start: usize) -> Range<usize> {
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default().trim_end();
    let fence = line.len() - line.trim_start_matches(['`', '~']).len();
    let info = line.len() - line[fence..].trim_start().len();
    if info < line.len() { start + info..start + line.len() } else { start..start + line.len() }
}

/// `yaml` of `yaml title="x"`, `yaml,ignore`, `{.yaml}` and `YAML`.
fn language(info: &str) -> String {
    let info = info.trim_start().trim_start_matches(['{', '.']);
    let end = info.find(|c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | ':')).unwrap_or(info.len());
    info[..end].to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks(text: &str) -> Vec<(String, String)> {
        code_blocks(text).into_iter().map(|b| (b.language, b.content.text().to_owned())).collect()
    }

    fn block(language: &str, content: &str) -> (String, String) {
        (language.to_owned(), content.to_owned())
    }

    #[test]
    fn fences_with_and_without_a_language() {
        let text = "# T\n\n```yaml\na: 1\n```\n\n~~~\nplain\n~~~\n\n    indented: code\n";
        assert_eq!(blocks(text), [block("yaml", "a: 1\n"), block("", "plain\n")]);
        assert_eq!(code_blocks(text)[0].content.offset(0), text.find("a: 1").unwrap());
        let infos: Vec<_> = code_blocks(text).into_iter().map(|b| &text[b.info]).collect();
        assert_eq!(infos, ["yaml", "~~~"]);
    }

    #[test]
    fn the_language_is_the_first_word() {
        for info in ["yaml", "YAML", " yaml title=x", "yaml,ignore", "{.yaml}", "yaml{1,2}"] {
            assert_eq!(language(info), "yaml", "{info}");
        }
    }

    #[test]
    fn lists_and_quotes_lose_their_indentation_but_not_their_place() {
        let text = "1. step\n\n   ```yaml\n   a:\n     b: 1\n   ```\n\n> ```sh\n> ls\n> ```\n";
        assert_eq!(blocks(text), [block("yaml", "a:\n  b: 1\n"), block("sh", "ls\n")]);
        let found = code_blocks(text);
        let at = found[0].content.text().find("b: 1").unwrap();
        assert_eq!(&text[found[0].content.offset(at)..][..4], "b: 1");
        assert_eq!(&text[found[1].content.offset(0)..][..2], "ls");
    }

    #[test]
    fn windows_line_ends_and_an_open_fence_at_the_end() {
        let text = "```yaml\r\na: 1\r\nb: 2\r\n";
        let found = code_blocks(text);
        assert_eq!(found[0].content.text(), "a: 1\nb: 2\n");
        assert_eq!(&text[found[0].content.offset(5)..], "b: 2\r\n");
    }

    proptest! {
        #[test]
        fn every_block_maps_back_to_its_own_bytes(text in "([`~> \\-1.a:\n\t]|```yaml\n|\n> ){0,60}") {
            for block in code_blocks(&text) {
                for (at, c) in block.content.text().char_indices().filter(|(_, c)| c.is_alphanumeric()) {
                    prop_assert!(text[block.content.offset(at)..].starts_with(c));
                }
            }
        }
    }
}
