//! Checked-in files that are made from the argument tree. `make generate` rewrites them.

use std::fmt::Write;

use clap_complete::Shell;
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
    for entry in std::fs::read_dir(repository("docs/man")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(pages.contains_key(&name), "docs/man/{name} belongs to no command any more: delete it");
    }
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
