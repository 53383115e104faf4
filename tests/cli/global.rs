//! What all commands share: usage errors, colour, pipes, global flags.

use std::process::Stdio;

use crate::support::TestDir;

#[test]
fn a_misspelt_command_is_a_usage_error_with_the_near_name() {
    insta::assert_snapshot!(TestDir::new().run(&["versoin"]), @r"
    exit 2
    --- stderr
    error: unrecognized subcommand 'versoin'

      tip: a similar subcommand exists: 'version'

    Usage: meshctl [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn no_command_prints_the_help_and_fails() {
    let run = TestDir::new().run(&[]);
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.contains("Exit codes: 0 ok"), "{run}");
}

#[test]
fn quiet_silences_notes() {
    let run = TestDir::new().run(&["-q", "man", "pages"]);
    insta::assert_snapshot!(run, @r"
    exit 0
    ");
}

#[test]
fn colour_follows_the_flag_and_the_environment() {
    let failing = ["man", "/dev/null/x"];
    let coloured = |dir: TestDir, extra: &[&str]| {
        let run = dir.run(&[&failing[..], extra].concat());
        assert_eq!(run.exit, Some(2), "{run}");
        run.stderr.contains('\u{1b}')
    };
    assert!(!coloured(TestDir::new(), &[]), "stderr is a pipe");
    assert!(coloured(TestDir::new(), &["--color", "always"]));
    assert!(coloured(TestDir::new().env("CLICOLOR_FORCE", "1"), &[]));
    assert!(!coloured(TestDir::new().env("CLICOLOR_FORCE", "1"), &["--color", "never"]));
    assert!(coloured(TestDir::new().env("NO_COLOR", "1"), &["--color", "always"]), "a flag outranks the environment");
}

/// Without a reader the exit code stays what it is, and nothing is printed about the pipe.
#[test]
#[cfg(unix)]
fn a_closed_stdout_is_no_error() {
    let dir = TestDir::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = dir.command(&["completion", "bash"]).stdout(writer).stderr(Stdio::piped()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
}

/// The examples in a command's help are the first thing that people copy.
#[test]
fn every_command_has_an_example() {
    fn check(command: &clap::Command, path: &str) {
        for child in command.get_subcommands().filter(|c| c.get_name() != "help") {
            let path = format!("{path} {}", child.get_name());
            if child.has_subcommands() {
                check(child, &path);
                continue;
            }
            let example = child.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(example.contains("Example") && example.contains(&path), "`{path}` has no example in its help");
        }
    }
    check(&meshctl::cli::command(), "meshctl");
}
