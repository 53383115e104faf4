//! Runs every fixture in tests/analyzers: `bad_*` files must give their code exactly at the marked lines, `good_*` files
//! nothing at all.
//!
//! A mark is a comment on the line where the finding starts: `# expect: IST0101` (several codes with commas), or
//! `# expect@+1: IST0101` for a line below, `@-1` above. Other codes than the folder's own are ignored in bad files.
//! A line `# cluster: NAME` starts what stands in another cluster.
//! A good file may say `# allow: IST0133 why` for a code that every object of its kind gets.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use meshctl::analyzers::{registry, run};
use meshctl::diagnostics::suppress;
use meshctl::dialects::model::{Model, Options};
use meshctl::manifests::input::Format;

use crate::support::repository;

/// The folders, by code.
fn folders() -> BTreeMap<String, PathBuf> {
    let mut folders = BTreeMap::new();
    for entry in fs::read_dir(repository("tests/analyzers")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let code = name.split('_').next().unwrap().to_owned();
        assert!(folders.insert(code, path).is_none(), "two folders for {name}");
    }
    folders
}

fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(prefix))
        .collect();
    files.sort();
    files
}

/// Line and code of each mark in the text.
fn marks(text: &str) -> Vec<(i64, String)> {
    let mut marks = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let Some((_, mark)) = line.split_once("expect") else { continue };
        let Some((offset, codes)) = mark.split_once(':') else { continue };
        let offset = match offset.strip_prefix('@') {
            Some(offset) => offset.parse::<i64>().unwrap_or_else(|_| panic!("bad mark in {line:?}")),
            None if offset.is_empty() => 0,
            None => continue,
        };
        let codes = codes.split("-->").next().unwrap();
        marks.extend(codes.split(',').map(|code| (at as i64 + 1 + offset, code.trim().to_owned())));
    }
    marks.sort();
    marks
}

/// A file with lines `# cluster: NAME` holds what several clusters hold: each cluster with its part, at its lines.
fn clusters(text: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("# cluster: ") {
            parts.push((name.to_owned(), "\n".repeat(at)));
        }
        if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

/// Findings as (line, code, message) of one file, analysed alone.
fn findings(path: &Path) -> Vec<(i64, String, String)> {
    let name = path.file_name().unwrap().to_string_lossy();
    let mut model = Model::new(Options::default());
    let text = fs::read_to_string(path).unwrap();
    let format = Format::of_name(&name).unwrap_or_else(|| panic!("{name}: no format for this ending"));
    match clusters(&text) {
        parts if parts.is_empty() => {
            model.add(&name, text, format);
        }
        parts => parts.into_iter().for_each(|(cluster, part)| {
            model.add_yaml(&name, part, Some(&cluster));
        }),
    }
    let analyzers: Vec<_> = registry::ANALYZERS
        .iter()
        .copied()
        .filter(|a| a.default || a.codes.iter().any(|c| path.to_string_lossy().contains(c.code)))
        .collect();
    let found = run::run(&model, &analyzers).findings;
    let found = suppress::apply(&model, &[], &analyzers, found).findings;
    let line = |d: &meshctl::diagnostics::Diagnostic| {
        d.at.map_or(0, |at| i64::from(model.sources.get(at.file).line_col(at.span.start).line))
    };
    found.iter().map(|d| (line(d), d.code.code.to_owned(), d.message.clone())).collect()
}

#[test]
fn every_code_has_fixtures_and_every_folder_a_code() {
    let folders = folders();
    let mut missing = Vec::new();
    for code in registry::codes() {
        match folders.get(code.code) {
            None => missing.push(format!("{}: no folder tests/analyzers/{}_*", code.code, code.code)),
            Some(folder) => {
                for prefix in ["bad_", "good_"] {
                    if files(folder, prefix).is_empty() {
                        missing.push(format!("{}: no {prefix}* file", folder.display()));
                    }
                }
            }
        }
    }
    for (code, folder) in &folders {
        if registry::code(code).is_none() {
            missing.push(format!("{}: no such code", folder.display()));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn bad_files_give_their_code_at_the_marked_lines() {
    let mut wrong = Vec::new();
    for (code, folder) in folders() {
        for path in files(&folder, "bad_") {
            let expected: Vec<_> =
                marks(&fs::read_to_string(&path).unwrap()).into_iter().filter(|(_, marked)| *marked == code).collect();
            let mut found: Vec<_> =
                findings(&path).into_iter().filter(|(_, c, _)| *c == code).map(|(line, c, _)| (line, c)).collect();
            found.sort();
            if expected.is_empty() {
                wrong.push(format!("{}: no `# expect: {code}` mark", path.display()));
            } else if expected != found {
                wrong.push(format!("{}:\n  expected {expected:?}\n  found    {found:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_files_are_silent() {
    let mut wrong = Vec::new();
    for folder in folders().values() {
        for path in files(folder, "good_") {
            let text = fs::read_to_string(&path).unwrap();
            let allowed = |code: &str| text.lines().any(|line| line.starts_with(&format!("# allow: {code} ")));
            for (line, code, message) in findings(&path).into_iter().filter(|(_, code, _)| !allowed(code)) {
                wrong.push(format!("{}:{line}: {code} {message}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
