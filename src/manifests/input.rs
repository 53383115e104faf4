//! From command-line paths to texts: files, directories, standard input, and what is left out and why.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use walkdir::WalkDir;

use super::sniff;

/// What a text is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML or JSON documents.
    Yaml,
    /// Markdown with fenced blocks.
    Markdown,
    /// A shell script.
    Shell,
}

impl Format {
    /// By the file name's ending; nothing for names that directories are not searched for.
    pub fn of_name(name: &str) -> Option<Self> {
        let ending = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "yaml" | "yml" | "json" => Some(Self::Yaml),
            "md" | "markdown" => Some(Self::Markdown),
            "sh" | "bash" => Some(Self::Shell),
            _ => None,
        }
    }

    /// By the content, for standard input and for files that are named and have no known ending: what comes first, a code
    /// fence, a command or a document. Later ones may be part of the first (a script in a ConfigMap, a manifest in a fence).
    pub fn of_text(text: &str) -> Self {
        if text.starts_with("#!") {
            return Self::Shell;
        }
        let first = text.lines().find_map(|line| {
            let fence = ["```", "~~~"].iter().any(|fence| line.trim_start().starts_with(fence));
            let document = ["apiVersion:", "kind:", "{"].iter().any(|start| line.starts_with(start));
            match () {
                () if fence => Some(Self::Markdown),
                () if document => Some(Self::Yaml),
                () if sniff::looks_like_shell(line) => Some(Self::Shell),
                () => None,
            }
        });
        first.unwrap_or(Self::Yaml)
    }
}

/// A file to analyse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is; `-` for standard input.
    pub path: PathBuf,
    /// Its format, when the name tells.
    pub format: Option<Format>,
}

/// A path that is not analysed, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Skipped {
    /// The path.
    pub path: PathBuf,
    /// A clause: `is a Helm template`.
    pub reason: &'static str,
}

/// The files under the given paths.
#[derive(Debug, Default)]
pub struct Collected {
    /// To be read, each once, sorted: the order on the command line changes no finding.
    pub files: Vec<InputFile>,
    /// Left out although they look like input.
    pub skipped: Vec<Skipped>,
    /// Paths that do not exist or may not be read.
    pub errors: Vec<(PathBuf, io::Error)>,
}

/// The name of standard input.
pub const STDIN: &str = "-";

/// Finds the files under `paths`: a file as it is, a directory with everything below that has a known ending (hidden
/// directories and Helm templates left out). `exclude` says which found files are not wanted.
pub fn collect(paths: &[PathBuf], exclude: &dyn Fn(&Path) -> bool) -> Collected {
    let mut found = Collected::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == STDIN {
            if seen.insert(plain(path)) {
                found.files.push(InputFile { path: path.clone(), format: None });
            }
        } else if path.is_dir() {
            directory(path, exclude, &mut seen, &mut found);
        } else if let Err(error) = fs::metadata(path) {
            found.errors.push((path.clone(), error));
        } else if seen.insert(plain(path)) {
            found.files.push(InputFile { path: path.clone(), format: Format::of_name(&path.to_string_lossy()) });
        }
    }
    found.files.sort_by_cached_key(|file| plain(&file.path));
    found
}

fn directory(root: &Path, exclude: &dyn Fn(&Path) -> bool, seen: &mut BTreeSet<PathBuf>, found: &mut Collected) {
    let walk = WalkDir::new(root).follow_links(true).sort_by_file_name().into_iter();
    for entry in walk.filter_entry(|entry| entry.depth() == 0 || !hidden(entry.path())) {
        let entry = match entry {
            Ok(entry) => entry,
            // A link that leads back up is skipped: its files are found on the straight way.
            Err(error) if error.loop_ancestor().is_some() => continue,
            Err(error) => {
                let path = error.path().unwrap_or(root).to_path_buf();
                if error.depth() == 0 {
                    found.errors.push((path, error.into()));
                } else if let Some(format) = unreadable_format(&path)
                    && !exclude(&path)
                    && seen.insert(plain(&path))
                {
                    found.files.push(InputFile { path, format: Some(format) });
                }
                continue;
            }
        };
        let path = entry.path();
        let Some(format) = Format::of_name(&path.to_string_lossy()).filter(|_| entry.file_type().is_file()) else {
            continue;
        };
        if exclude(path) || !seen.insert(plain(path)) {
            continue;
        }
        if helm_template(path) {
            found.skipped.push(Skipped { path: path.to_path_buf(), reason: "is a Helm template" });
        } else {
            found.files.push(InputFile { path: path.to_path_buf(), format: Some(format) });
        }
    }
}

/// The path without `.` steps: `./a.yaml` and `a.yaml` are one file.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

/// The format of something below a directory that cannot be looked at, such as a link to nowhere: it costs only itself, so
/// that it goes along to be read, which fails with its name. Folders without access are of that kind, other names are not.
fn unreadable_format(path: &Path) -> Option<Format> {
    Format::of_name(&path.to_string_lossy()).or_else(|| path.is_dir().then_some(Format::Yaml))
}

fn hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.') && name != "." && name != "..")
}

/// True for files in the `templates` folder of a chart: text with holes, YAML only after `helm template`.
fn helm_template(path: &Path) -> bool {
    path.ancestors().skip(1).any(|dir| {
        dir.file_name().is_some_and(|name| name == "templates") && dir.with_file_name("Chart.yaml").is_file()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_give_manifests_sorted_once_and_leave_out_templates() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "a: 1\n").unwrap();
        };
        for name in [
            "b.yaml",
            "a/c.JSON",
            "a/run.sh",
            "x.txt",
            ".git/d.yaml",
            "chart/Chart.yaml",
            "chart/templates/t.yaml",
            "no.yml",
        ] {
            file(name);
        }
        let root = dir.path().to_path_buf();
        let found = collect(&[root.clone(), root.join("b.yaml"), root.join("gone")], &|path| path.ends_with("no.yml"));
        let names: Vec<_> = found.files.iter().map(|f| f.path.strip_prefix(&root).unwrap().to_string_lossy()).collect();
        assert_eq!(names, ["a/c.JSON", "a/run.sh", "b.yaml", "chart/Chart.yaml"]);
        assert_eq!(found.skipped.len(), 1);
        assert_eq!(found.errors.len(), 1);
    }

    #[test]
    fn without_a_name_the_first_sign_decides_the_format() {
        for (text, format) in [
            ("#!/bin/sh\nls\n", Format::Shell),
            ("# Install\nkubectl apply -f - <<EOF\napiVersion: v1\nEOF\n", Format::Shell),
            ("# Guide\n\n```yaml\napiVersion: v1\n```\n", Format::Markdown),
            ("- step\n\n  ~~~sh\n  ls\n  ~~~\n", Format::Markdown),
            ("# note\napiVersion: v1\nkind: ConfigMap\ndata:\n  x: |\n    ```\n", Format::Yaml),
            ("{\"kind\": \"List\"}", Format::Yaml),
            ("", Format::Yaml),
        ] {
            assert_eq!(Format::of_text(text), format, "{text}");
        }
    }
}
