//! The GitHub action and the pre-commit hook: their script and their arguments.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use meshctl::manifests::limits::Limits;
use meshctl::manifests::parse::parse;
use meshctl::manifests::tree::Node;

use crate::support::{TestDir, repository};

fn yaml(file: &str) -> Node {
    let text = fs::read_to_string(repository(file)).unwrap();
    parse(&text, &Limits::default()).documents.remove(0).root
}

/// Runs the last step of action.yml with a meshctl that prints its arguments and ends with 1. Gives the exit code,
/// stdout, and what the step left in $GITHUB_OUTPUT.
fn action(dir: &TestDir, inputs: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let action = yaml("action.yml");
    let script = action.path(&["runs", "steps"]).unwrap().items().last().unwrap().get("run").unwrap().as_str().unwrap();
    dir.file("meshctl", "#!/bin/sh\nfor arg; do echo \"[$arg]\"; done\nexit 1\n").file("step.sh", script);
    let program = dir.path().join("meshctl");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("bash")
        // As GitHub runs a step with `shell: bash`.
        .args(["--noprofile", "--norc", "-eo", "pipefail", "step.sh"])
        .current_dir(dir.path())
        .env("MESHCTL", program)
        .env("GITHUB_OUTPUT", dir.path().join("outputs"))
        .envs(["PATHS", "FORMAT", "OUTPUT_FILE", "FAILURE_THRESHOLD", "ARGS"].map(|name| (name, "")))
        .envs(inputs.iter().copied())
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap(), dir.read("outputs"))
}

#[test]
fn the_action_passes_its_inputs_and_the_exit_code_on() {
    let dir = TestDir::new();
    let inputs = [("PATHS", "k8s base"), ("FORMAT", "github"), ("FAILURE_THRESHOLD", "warning"), ("ARGS", "-n prod")];
    let (code, stdout, outputs) = action(&dir, &inputs);
    let arguments = ["analyze", "--output", "github", "-n", "prod", "--failure-threshold", "warning", "k8s", "base"];
    assert_eq!(stdout, arguments.map(|a| format!("[{a}]\n")).concat());
    assert_eq!((code, outputs.as_str()), (Some(1), "exit-code=1\noutput-file=\n"));
}

#[test]
fn the_action_writes_sarif_to_a_file() {
    let dir = TestDir::new();
    let (code, stdout, outputs) = action(&dir, &[("PATHS", "."), ("FORMAT", "sarif")]);
    assert_eq!((code, stdout.as_str(), outputs.as_str()), (Some(1), "", "exit-code=1\noutput-file=meshctl.sarif\n"));
    assert!(dir.read("meshctl.sarif").contains("[sarif]"));
}

#[test]
fn inputs_do_not_become_shell_code() {
    let dir = TestDir::new();
    let (_, stdout, _) = action(&dir, &[("PATHS", "$(touch pwned) `touch pwned`"), ("FORMAT", "github")]);
    assert!(stdout.contains("[$(touch]"), "{stdout}");
    assert!(!dir.path().join("pwned").exists());
}

#[test]
fn the_hook_is_a_command_that_exists() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    for hook in hooks.items() {
        let entry = hook.get("entry").unwrap().as_str().unwrap().split(' ').map(str::to_owned);
        let args = hook.get("args").map_or(&[][..], Node::items).iter().map(|arg| arg.as_str().unwrap().to_owned());
        meshctl::cli::command().try_get_matches_from(entry.chain(args)).unwrap();
    }
}
