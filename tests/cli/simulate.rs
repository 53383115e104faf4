//! `meshctl simulate` and `meshctl test` on the bookinfo application.

use std::fs;

use crate::support::{TestDir, repository};

/// A directory with bookinfo and the routes of `reviews.yaml`.
fn bookinfo() -> TestDir {
    let dir = TestDir::new();
    for (name, file) in [
        ("services.yaml", "tests/mesh/bookinfo/services.yaml"),
        ("reviews.yaml", "tests/mesh/simulate/reviews.yaml"),
        ("reviews.mesh-test.yaml", "tests/mesh/simulate/reviews.mesh-test.yaml"),
    ] {
        dir.file(name, &fs::read_to_string(repository(file)).unwrap());
    }
    dir
}

/// The answer to a request to a host, in words.
fn ask(to: &str, more: &[&str]) -> crate::support::Run {
    let mut args = vec!["simulate", "--from", "productpage", "--to", to, "-f", "."];
    args.extend(more);
    bookinfo().run(&args)
}

#[test]
fn a_split_is_told_with_its_lines() {
    insta::assert_snapshot!(ask("http://reviews:9080/reviews/1", &[]));
}

#[test]
fn a_route_with_conditions_limits_and_a_fault() {
    insta::assert_snapshot!(ask("http://reviews:9080/reviews/1", &["-H", "end-user: jason"]));
}

#[test]
fn rewrites_and_headers() {
    insta::assert_snapshot!(ask("reviews:9080/api/v0/1", &[]));
}

#[test]
fn a_fault_takes_its_part() {
    insta::assert_snapshot!(ask("http://ratings:9080/ratings/1", &[]));
}

#[test]
fn a_missing_subset_is_503() {
    insta::assert_snapshot!(ask("http://ratings:9080/broken", &[]));
}

#[test]
fn no_route_is_404() {
    insta::assert_snapshot!(ask("http://ratings:9080/other", &[]));
}

#[test]
fn an_unknown_address_goes_on() {
    insta::assert_snapshot!(ask("http://example.com/", &[]));
}

#[test]
fn near_names_are_offered() {
    insta::assert_snapshot!("host", ask("http://revews:9080/", &[]));
    let dir = bookinfo();
    insta::assert_snapshot!(
        "workload",
        dir.run(&["simulate", "--from", "productpag", "--to", "reviews:9080", "-f", "."])
    );
}

#[test]
fn pictures() {
    insta::assert_snapshot!("mermaid", ask("http://reviews:9080/", &["--graph", "mermaid"]));
    insta::assert_snapshot!("dot", ask("http://reviews:9080/", &["--graph", "dot"]));
}

#[test]
fn json_is_one_object() {
    let run = ask("http://reviews:9080/", &["-o", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(answer["delivered"], true);
    assert_eq!(answer["destinations"][1]["subset"], "v3");
    assert_eq!(answer["destinations"][1]["share"], 0.25);
    assert_eq!(answer["destinations"][1]["mtls"], true);
}

#[test]
fn lines_fit_100_columns() {
    let run = ask("http://reviews:9080/reviews/1", &[]);
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

#[test]
fn a_cluster_is_not_asked() {
    insta::assert_snapshot!(bookinfo().run(&["simulate", "--from", "a", "--to", "b", "--live"]));
}

#[test]
fn cases_pass_and_tell_what_they_miss() {
    insta::assert_snapshot!(bookinfo().run(&["test", ".", "--coverage"]));
}

#[test]
fn a_case_that_fails_shows_the_steps() {
    let dir = bookinfo();
    let wrong = "from: productpage\ncases:\n- request: {url: 'http://reviews:9080/'}\n  \
                 expect: {destination: reviews, subset: v3, mtls: false, status: 404}\n";
    dir.file("wrong.mesh-test.yaml", wrong);
    insta::assert_snapshot!(dir.run(&["test", "wrong.mesh-test.yaml", "-f", "services.yaml", "-f", "reviews.yaml"]));
}

#[test]
fn too_little_coverage_fails() {
    let dir = bookinfo();
    assert_eq!(dir.run(&["test", ".", "--fail-under", "50"]).exit, Some(0));
    assert_eq!(dir.run(&["test", ".", "--fail-under", "100"]).exit, Some(1));
}

#[test]
fn junit_names_the_cases() {
    let xml = bookinfo().run(&["test", ".", "-o", "junit"]).stdout;
    assert!(xml.contains("tests=\"4\"") && xml.contains("failures=\"0\""), "{xml}");
    assert!(xml.contains("jason sees v2"), "{xml}");
}

/// The answer when bookinfo is STRICT and only the product page may read reviews.
fn secured(from: &str, more: &[&str]) -> crate::support::Run {
    let dir = bookinfo();
    dir.file("security.yaml", &fs::read_to_string(repository("tests/mesh/bookinfo/security.yaml")).unwrap());
    let mut args = vec!["simulate", "--from", from, "--to", "http://reviews:9080/x", "-f", "."];
    args.extend(more);
    dir.run(&args)
}

#[test]
fn whom_no_policy_allows_is_refused_by_the_server() {
    insta::assert_snapshot!(secured("details", &["-H", "end-user: jason"]));
}

#[test]
fn the_rule_that_allows_is_named() {
    insta::assert_snapshot!(secured("productpage", &["-H", "end-user: jason"]));
}

#[test]
fn another_method_is_refused() {
    assert_eq!(secured("productpage", &["-H", "end-user: jason", "-X", "POST"]).exit, Some(1));
}
