//! House rules that no compiler checks. CONTRIBUTING.md gives the reasons.

use std::collections::BTreeSet;

use crate::support::{none, rust_files};

const MAX_LINES: usize = 800;
const MAX_LINES_OF_MAIN: usize = 60;

fn all_rust_files() -> Vec<(String, String)> {
    ["src", "tests", "benches", "embedded-proxy"].into_iter().flat_map(rust_files_if_any).collect()
}

fn rust_files_if_any(folder: &str) -> Vec<(String, String)> {
    if crate::support::repository(folder).exists() { rust_files(folder) } else { Vec::new() }
}

#[test]
fn every_test_file_is_run() {
    let files = rust_files("tests");
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut reached = BTreeSet::from(["tests/runner.rs".to_owned()]);
    for (name, text) in &files {
        let folder = match name.strip_suffix("/mod.rs").or_else(|| name.strip_suffix("/runner.rs")) {
            Some(folder) => folder,
            None => name.trim_end_matches(".rs"),
        };
        for module in declared_modules(text) {
            reached.extend([format!("{folder}/{module}.rs"), format!("{folder}/{module}/mod.rs")]);
        }
    }
    let forgotten = names.iter().filter(|name| !reached.contains(**name)).map(|name| (*name).to_owned());
    none("no `mod` line leads from tests/runner.rs to", forgotten);
}

fn declared_modules(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.strip_prefix("mod ")?.strip_suffix(';')
    })
}

#[test]
fn files_stay_readable() {
    let long = all_rust_files().into_iter().filter_map(|(name, text)| {
        let lines = text.lines().count();
        (lines > MAX_LINES).then(|| format!("{name}: {lines} lines"))
    });
    none("split files of more than 800 lines", long);
}

#[test]
fn main_stays_a_shell() {
    let main = &rust_files("src").into_iter().find(|(name, _)| name == "src/main.rs").unwrap().1;
    assert!(main.lines().count() < MAX_LINES_OF_MAIN, "src/main.rs is for the allocator, hooks and the exit code");
}

#[test]
fn every_file_says_what_it_is() {
    let silent = all_rust_files().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(name, _)| name);
    none("start with a `//!` line that says what the file is for", silent);
}

#[test]
fn nothing_depends_on_commands() {
    let users = rust_files("src")
        .into_iter()
        .filter(|(name, _)| !name.starts_with("src/commands/") && name != "src/cli.rs")
        .filter(|(_, text)| text.contains("crate::commands"))
        .map(|(name, _)| name);
    none("commands are the outermost layer, only src/cli.rs may use them", users);
}

#[test]
fn no_build_scripts() {
    let found = ["build.rs", "embedded-proxy/build.rs"].into_iter().filter(|f| crate::support::repository(f).exists());
    none("generated code is committed and checked by a test instead", found.map(str::to_owned));
}
