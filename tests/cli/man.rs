//! `meshctl man`

use crate::support::TestDir;

#[test]
fn writes_a_page_for_every_command() {
    let dir = TestDir::new();
    let run = dir.run(&["man", "share/man1"]);
    assert_eq!(run.exit, Some(0), "{run}");
    assert!(run.stderr.ends_with("pages in share/man1\n"), "{run}");
    assert!(dir.read("share/man1/meshctl.1").contains("meshctl\\-version(1)"));
    assert!(dir.read("share/man1/meshctl-version.1").contains(".SH EXAMPLE"));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let dir = TestDir::new();
    dir.file("taken", "");
    insta::assert_snapshot!(dir.run(&["man", "taken/man1"]), @r"
    exit 2
    --- stderr
    error: cannot write man pages to taken/man1: Not a directory (os error 20)
    ");
}
