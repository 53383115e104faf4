//! Markdown and shell scripts as input: the manifests in them, and the commands.

use super::model::Model;
use crate::manifests::embedded::Embedded;
use crate::manifests::parse::{self, COMMENT_MARK, Comment};
use crate::manifests::pieces::{self, Piece};
use crate::manifests::shell::Script;
use crate::manifests::source::{FileId, Source, Span, to_u32};

/// A script, or the commands of one block in Markdown.
#[derive(Debug, Clone)]
pub struct ScriptText {
    /// The file that it stands in; spans are offsets into it.
    pub file: FileId,
    /// Commands and here-documents.
    pub script: Script,
    /// True for a file, and for a block that starts with `#!`: made to be run as a whole, not to be typed from.
    pub runs_whole: bool,
}

/// A Markdown fence that promises YAML and holds commands.
#[derive(Debug, Clone)]
pub struct Misfenced {
    /// The file.
    pub file: FileId,
    /// The info string of the fence.
    pub info: Span,
    /// True when nothing but commands is in the block.
    pub only_commands: bool,
}

impl Model {
    /// Reads Markdown: the manifests and the scripts in its fenced blocks.
    pub fn add_markdown(&mut self, name: &str, text: String) -> FileId {
        let pieces = pieces::of_markdown(&text);
        let file = self.sources.add(Source::new(name, text));
        for piece in pieces {
            match piece {
                Piece::Manifest(content) => self.add_manifest(file, &content),
                Piece::Script(content) => self.add_script(file, &content),
                Piece::Misfenced { info, only_commands } => {
                    let info = Span::new(to_u32(info.start), to_u32(info.end));
                    self.misfenced.push(Misfenced { file, info, only_commands });
                }
            }
        }
        file
    }

    /// Reads a shell script: its commands, and the manifests in its here-documents.
    pub fn add_shell(&mut self, name: &str, text: String) -> FileId {
        let content = Embedded::verbatim(&text, 0);
        let file = self.sources.add(Source::new(name, text));
        self.add_script(file, &content);
        if let Some(script) = self.scripts.last_mut() {
            script.runs_whole = true;
        }
        file
    }

    fn add_script(&mut self, file: FileId, content: &Embedded) {
        let (script, manifests) = pieces::of_script(content);
        for manifest in &manifests {
            self.add_manifest(file, manifest);
        }
        self.comments.extend(comments(content).map(|comment| (file, comment)));
        self.scripts.push(ScriptText { file, script, runs_whole: content.text().starts_with("#!") });
    }

    fn add_manifest(&mut self, file: FileId, content: &Embedded) {
        let mut parsed = parse::parse(content.text(), &self.options.limits);
        parsed.relocate(content);
        self.add_parsed(file, parsed, None);
    }
}

/// The comments of a script that address this tool.
fn comments(content: &Embedded) -> impl Iterator<Item = Comment> + '_ {
    let mut at = 0;
    content.text().split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let hash = line.find('#').filter(|hash| line[*hash..].contains(COMMENT_MARK))?;
        let text = line[hash + 1..].trim_end().to_owned();
        let range = content.range(start + hash..start + hash + 1 + text.len());
        Some(Comment { span: Span::new(to_u32(range.start), to_u32(range.end)), text })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::Options;
    use crate::manifests::input::Format;

    fn read(text: &str, format: Format) -> Model {
        let mut model = Model::new(Options::default());
        model.add("input", text.to_owned(), format);
        model
    }

    /// Name and line of every Service.
    fn services(model: &Model) -> Vec<(String, u32)> {
        let line = |s: &crate::dialects::object::Meta| model.sources.get(s.file).line_col(s.place.start).line;
        model.services.iter().map(|s| (s.meta.name().to_owned(), line(&s.meta))).collect()
    }

    fn service(name: &str) -> String {
        format!("apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n")
    }

    #[test]
    fn manifests_in_markdown_keep_their_lines() {
        let text = format!(
            "# T\n```yaml\n{}```\n```yaml\nspec: [\n```\n```sh\nls <<E\n{}E\n```\n",
            service("a"),
            service("b")
        );
        let model = read(&text, Format::Markdown);
        assert_eq!(services(&model), [("a".to_owned(), 3), ("b".to_owned(), 13)]);
        assert!(model.unreadable.is_empty(), "a fragment is no input: {:?}", model.unreadable);
        assert_eq!(model.scripts.len(), 1);
    }

    #[test]
    fn an_indented_block_maps_back_to_its_list() {
        let indented = service("a").replace('\n', "\n  ");
        let text = format!("- step\n\n  ```yaml\n  {indented}```\n");
        let model = read(&text, Format::Markdown);
        let name = model.services[0].meta.name.span();
        assert_eq!(&text[name.range()], "a");
    }

    #[test]
    fn commands_in_a_yaml_fence_do_not_hide_the_manifest_below() {
        let text = format!("```yaml\nlinkerd check\n\n# Service\n{}```\n", service("a"));
        let model = read(&text, Format::Markdown);
        assert_eq!(services(&model), [("a".to_owned(), 5)]);
        assert_eq!(&text[model.misfenced[0].info.range()], "yaml");
        assert!(!model.misfenced[0].only_commands);
        assert_eq!(model.scripts[0].script.commands.len(), 1);
        assert!(model.unreadable.is_empty());
    }

    #[test]
    fn values_that_the_shell_fills_in_are_not_guessed() {
        let manifest = service("$NAME");
        assert!(read(&format!("ls <<E\n{manifest}E\n"), Format::Shell).services.is_empty());
        assert_eq!(read(&format!("ls <<'E'\n{manifest}E\n"), Format::Shell).services.len(), 1);
    }

    #[test]
    fn comments_of_scripts_are_kept() {
        let text = "ls # meshctl:ignore DOC0001 why\n";
        let model = read(text, Format::Shell);
        assert_eq!(&text[model.comments[0].1.span.range()], "# meshctl:ignore DOC0001 why");
    }
}
