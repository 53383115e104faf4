//! `meshctl explain`

use meshctl::analyzers::registry;

use crate::support::TestDir;

#[test]
fn a_page_for_the_terminal() {
    insta::assert_snapshot!(TestDir::new().run(&["explain", "k8s0902"]));
    assert_eq!(
        TestDir::new().run(&["explain", "UnusedIgnoreComment"]).stdout,
        TestDir::new().run(&["explain", "K8S0902"]).stdout
    );
}

#[test]
fn no_line_is_wider_than_100_columns_unless_an_example_is() {
    let dir = TestDir::new();
    let text = dir.run(&["explain"]).stdout;
    for code in registry::codes() {
        assert!(text.contains(code.code), "{} is not listed", code.code);
    }
    let pages = registry::codes().into_iter().take(20).map(|code| dir.run(&["explain", code.code]).stdout);
    for line in pages.chain([text]).collect::<String>().lines().filter(|line| !line.starts_with("    ")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn json_is_one_object_or_an_array_of_all() {
    let dir = TestDir::new();
    let parse = |args: &[&str]| serde_json::from_str::<serde_json::Value>(&dir.run(args).stdout).unwrap();
    let one = parse(&["explain", "K8S0902", "-o", "json"]);
    assert_eq!(one["name"], "UnusedIgnoreComment");
    assert_eq!(one["analyzers"], serde_json::json!(["suppression.Comments"]));
    assert!(one["fix"].as_str().unwrap().starts_with("Delete the comment"));
    let all = parse(&["explain", "-o", "json"]);
    assert_eq!(all.as_array().unwrap().len(), registry::codes().len());
}

#[test]
fn markdown_is_the_page_of_the_documentation() {
    let run = TestDir::new().run(&["explain", "K8S0902", "-o", "markdown"]);
    assert_eq!(run.stdout, std::fs::read_to_string(crate::support::repository("docs/findings/k8s0902.md")).unwrap());
}

#[test]
fn an_unknown_code_has_a_near_name() {
    insta::assert_snapshot!(TestDir::new().run(&["explain", "K8S090O2"]), @r"
    exit 2
    --- stderr
    error: there is no code `K8S090O2`
    hint: Did you mean K8S0902?
    ");
    let run = TestDir::new().run(&["explain", "nonsense"]);
    assert!(run.stderr.ends_with("hint: `meshctl explain` lists the codes.\n"), "{run}");
}
