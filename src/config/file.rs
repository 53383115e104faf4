//! meshctl.yaml as settings, with the place of each for error messages.

use std::fs;
use std::path::Path;

use super::analyze::{AnalyzeConfig, KEYS};
use super::key::{Key, Setter};
use super::problem::{Place, Problem};
use crate::manifests::limits::Limits;
use crate::manifests::parse::{Trap, parse};
use crate::manifests::source::{Source, Span};
use crate::manifests::tree::{Entry, Node, Value};
use crate::near::nearest;

const SECTIONS: &[&str] = &["analyze"];

/// Reads a configuration file. Relative paths in it are relative to its folder.
pub(super) fn read(path: &Path, shown: &str) -> Result<AnalyzeConfig, Problem> {
    let text = fs::read_to_string(path).map_err(|source| Problem::Unreadable { path: path.to_owned(), source })?;
    let dir = path.parent().unwrap_or_else(|| Path::new(""));
    File { source: Source::new(shown, text), dir }.analyze()
}

struct File<'a> {
    source: Source,
    dir: &'a Path,
}

impl File<'_> {
    fn place(&self, span: Span) -> Place {
        let at = self.source.line_col(span.start);
        Place::File { name: self.source.name.clone(), line: at.line, col: at.col }
    }

    fn syntax(&self, span: Span, reason: impl Into<String>) -> Problem {
        Problem::Syntax { at: self.place(span), reason: reason.into() }
    }

    fn analyze(&self) -> Result<AnalyzeConfig, Problem> {
        let parsed = parse(&self.source.text, &Limits::default());
        if let Some(problem) = parsed.problems.first() {
            return Err(self.syntax(problem.span, problem.reason.as_str()));
        }
        let mut config = AnalyzeConfig::default();
        for (at, document) in parsed.documents.iter().enumerate() {
            if at > 0 {
                return Err(self.syntax(document.root.span, "the configuration is one YAML document"));
            }
            for trap in &document.traps {
                if let Trap::DuplicateKey { key, again, .. } = trap {
                    return Err(self.syntax(*again, format!("`{key}` is set twice")));
                }
            }
            self.top(&document.root, &mut config)?;
        }
        Ok(config)
    }

    fn top(&self, root: &Node, config: &mut AnalyzeConfig) -> Result<(), Problem> {
        for section in self.entries(root)? {
            if &*section.key != "analyze" {
                return Err(self.unknown(section, SECTIONS.to_vec(), String::new()));
            }
            for entry in self.entries(&section.node)? {
                let Some(key) = KEYS.iter().find(|key| key.name == &*entry.key) else {
                    let known = KEYS.iter().map(|key| key.name).collect();
                    return Err(self.unknown(entry, known, " under `analyze`".to_owned()));
                };
                self.set(key, &entry.node, config)?;
            }
        }
        Ok(())
    }

    /// The entries of a mapping; an empty file or section has none.
    fn entries<'n>(&self, node: &'n Node) -> Result<&'n [Entry], Problem> {
        match &node.value {
            Value::Map(entries) => Ok(entries),
            Value::Null => Ok(&[]),
            _ => Err(self.syntax(node.span, expected("settings", node))),
        }
    }

    fn unknown(&self, entry: &Entry, known: Vec<&'static str>, in_section: String) -> Problem {
        Problem::UnknownKey {
            at: self.place(entry.key_span),
            key: entry.key.to_string(),
            in_section,
            near: nearest(&entry.key, known.iter().copied()),
            known,
        }
    }

    fn set(&self, key: &Key<AnalyzeConfig>, node: &Node, config: &mut AnalyzeConfig) -> Result<(), Problem> {
        let wrong = |node: &Node, reason: String| Problem::Value { at: self.place(node.span), key: key.name, reason };
        match &key.set {
            Setter::One(set) => {
                let text = node.as_str().ok_or_else(|| wrong(node, expected("a string", node)))?;
                set(config, text, self.dir).map_err(|reason| wrong(node, reason))
            }
            Setter::Many(list, complete) => {
                if !matches!(node.value, Value::Seq(_)) {
                    return Err(wrong(node, expected("a list of strings", node)));
                }
                for item in node.items() {
                    let text = item.as_str().ok_or_else(|| wrong(item, expected("a string", item)))?;
                    list(config).push(complete(text, self.dir));
                }
                Ok(())
            }
        }
    }
}

fn expected(what: &str, node: &Node) -> String {
    let found = node.type_name();
    let article = if found.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("expected {what}, found {article} {found}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Level;

    fn read_text(text: &str) -> Result<AnalyzeConfig, String> {
        let file = File { source: Source::new("meshctl.yaml", text.to_owned()), dir: Path::new("/repo") };
        file.analyze().map_err(|problem| problem.to_string())
    }

    #[test]
    fn every_setting_is_read() {
        let config = read_text(
            "analyze:\n  output: sarif\n  output-threshold: Warning\n  failure-threshold: error\n  namespace: prod\n  \
             suppress: ['IST0102=Namespace test*']\n  baseline: ci/base.json\n  exclude:\n  - testdata/**\n",
        );
        let config = config.unwrap();
        assert_eq!(config.output, Some(crate::diagnostics::render::Format::Sarif));
        assert_eq!(config.output_threshold, Some(Level::Warning));
        assert_eq!(config.failure_threshold, Some(Level::Error));
        assert_eq!(config.suppress, ["IST0102=Namespace test*"]);
        assert_eq!(config.baseline.as_deref(), Some(Path::new("/repo/ci/base.json")));
        assert_eq!(
            (config.namespace.as_deref(), &*config.exclude),
            (Some("prod"), &["/repo/testdata/**".to_owned()][..])
        );
    }

    #[test]
    fn an_empty_file_sets_nothing() {
        assert_eq!(read_text("# nothing yet\n"), Ok(AnalyzeConfig::default()));
        assert_eq!(read_text("analyze:\n"), Ok(AnalyzeConfig::default()));
    }

    #[test]
    fn mistakes_have_a_place() {
        for (text, message) in [
            ("analyse: {}\n", "meshctl.yaml:1:1: there is no setting `analyse`"),
            ("analyze:\n  ouput: json\n", "meshctl.yaml:2:3: there is no setting `ouput` under `analyze`"),
            ("analyze:\n  namespace: no\n", "meshctl.yaml:2:14: `namespace`: expected a string, found a boolean"),
            (
                "analyze:\n  suppress: IST0102\n",
                "meshctl.yaml:2:13: `suppress`: expected a list of strings, found a string",
            ),
            ("analyze:\n  suppress: [a, 3]\n", "meshctl.yaml:2:17: `suppress`: expected a string, found an integer"),
            (
                "analyze:\n  output: xml\n",
                "meshctl.yaml:2:11: `output`: \"xml\" is no output format: use human, concise, json, yaml, sarif, junit, github",
            ),
            ("analyze:\n  output: json\n  output: yaml\n", "meshctl.yaml:3:3: `output` is set twice"),
            ("- a\n", "meshctl.yaml:1:1: expected settings, found a list"),
            ("a: 1\n---\nb: 1\n", "meshctl.yaml:1:1: there is no setting `a`"),
        ] {
            assert_eq!(read_text(text).unwrap_err(), message, "{text}");
        }
    }

    #[test]
    fn broken_yaml_has_a_place() {
        let error = read_text("analyze:\n  output: [json\n").unwrap_err();
        assert!(error.starts_with("meshctl.yaml:"), "{error}");
    }
}
