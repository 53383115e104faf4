//! `meshctl completion`, and the completion that the binary answers itself.

use crate::support::TestDir;

#[test]
fn an_unknown_shell_is_a_usage_error() {
    insta::assert_snapshot!(TestDir::new().run(&["completion", "bsh"]), @r"
    exit 2
    --- stderr
    error: invalid value 'bsh' for '<SHELL>'
      [possible values: bash, elvish, fish, powershell, zsh]

      tip: a similar value exists: 'bash'

    For more information, try '--help'.
    ");
}

#[test]
fn the_binary_answers_the_shell() {
    let dir = TestDir::new().env("COMPLETE", "fish");
    let run = dir.run(&["--", "meshctl", "vers"]);
    assert!(run.stdout.starts_with("version\tPrint the version"), "{run}");
}
