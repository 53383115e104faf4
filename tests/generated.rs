//! Checked-in files that are made from the argument tree and from the doc comments of the codes. `make generate` rewrites them.

use std::fmt::Write;

use clap_complete::Shell;
use meshctl::analyzers::registry;
use meshctl::commands::{completion, man};

use crate::support::{repository, same_or_update};

#[test]
fn completion_scripts() {
    for (shell, file) in [
        (Shell::Bash, "meshctl.bash"),
        (Shell::Zsh, "_meshctl"),
        (Shell::Fish, "meshctl.fish"),
        (Shell::PowerShell, "_meshctl.ps1"),
    ] {
        let script = String::from_utf8(completion::script(shell)).unwrap();
        same_or_update(&format!("completions/{file}"), &script);
    }
}

#[test]
fn man_pages() {
    let pages = man::pages().unwrap();
    for (name, page) in &pages {
        same_or_update(&format!("docs/man/{name}"), &String::from_utf8_lossy(page));
    }
    no_others("docs/man", |name| pages.contains_key(name));
}

/// The reference is the help of every command, so that the two cannot differ.
#[test]
fn command_line_reference() {
    let mut root = meshctl::cli::command().term_width(100).disable_help_subcommand(true);
    root.build();
    let mut text = String::from("# Command line\n\nGenerated from the help of each command by `make generate`.\n");
    section(&mut root, "meshctl", &mut text);
    same_or_update("docs/reference/cli.md", &text);
}

fn section(command: &mut clap::Command, path: &str, text: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(text, "\n## `{path}`\n\n```text\n{}\n```\n", help.join("\n").trim_end()).unwrap();
    for child in command.get_subcommands_mut().filter(|c| !c.is_hide_set()) {
        let path = format!("{path} {}", child.get_name());
        section(child, &path, text);
    }
}

/// One page for each code, the list of all, and their lines in the table of contents.
#[test]
fn finding_pages() {
    let file = |code: &str| format!("{}.md", code.to_ascii_lowercase());
    let mut index = String::from(
        "# Findings\n\nEach code that `meshctl analyze` may report. `meshctl explain CODE` prints the same text.\n",
    );
    index.push_str("\n| Code | Level | Name | What is wrong |\n| --- | --- | --- | --- |\n");
    let mut contents = String::from("- [Findings](findings/README.md)\n");
    for code in registry::codes() {
        let file = file(code.code);
        same_or_update(&format!("docs/findings/{file}"), &code.page());
        let title = code.title().replace('|', "\\|");
        writeln!(index, "| [{}]({file}) | {} | {} | {title} |", code.code, code.level.name(), code.name).unwrap();
        writeln!(contents, "  - [{} {}](findings/{file})", code.code, code.name).unwrap();
    }
    same_or_update("docs/findings/README.md", &index);
    let known: Vec<String> = registry::codes().iter().map(|code| file(code.code)).collect();
    no_others("docs/findings", |name| name == "README.md" || known.iter().any(|file| file == name));

    let summary = std::fs::read_to_string(repository("docs/SUMMARY.md")).unwrap();
    let (before, rest) = summary.split_once("- [Findings]").expect("docs/SUMMARY.md has a line for the findings");
    let after = rest.find("\n\n").map_or("", |at| &rest[at..]);
    same_or_update("docs/SUMMARY.md", &format!("{before}{}{after}", contents.trim_end()));
}

/// Fails on files that are made from something that no longer exists.
fn no_others(folder: &str, known: impl Fn(&str) -> bool) {
    for entry in std::fs::read_dir(repository(folder)).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known(&name), "{folder}/{name} is made from something that no longer exists: delete it");
    }
}
