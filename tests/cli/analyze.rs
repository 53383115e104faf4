//! `meshctl analyze`: input, exit codes, formats, selection of analyzers.

use crate::support::{Run, TestDir};

/// A Service with a field that does not exist.
const BAD: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
spec:
  selectors:
    app: web
  ports:
  - name: http
    port: 80
";

fn good() -> String {
    BAD.replace("selectors", "selector")
}

fn dir(files: &[(&str, &str)]) -> TestDir {
    let dir = TestDir::new();
    for (name, text) in files {
        dir.file(name, text);
    }
    dir
}

fn json(run: &Run) -> Vec<serde_json::Value> {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run}"))
}

#[test]
fn a_finding_names_place_object_and_fix() {
    let run = dir(&[("shop/web.yaml", BAD)]).run(&["analyze", "shop", "-o", "concise"]);
    assert_eq!(run.exit, Some(1), "{run}");
    assert!(run.stdout.starts_with("shop/web.yaml:7:3: Error [K8S0101] (Service shop/web) "), "{run}");
    assert!(run.stdout.contains("selectors"), "{run}");
    assert!(run.stderr.contains("1 error in 1 file (1 object)"), "{run}");
}

#[test]
fn every_format_has_the_same_exit_code() {
    let bad = dir(&[("web.yaml", BAD)]);
    let clean = dir(&[("web.yaml", &good())]);
    for format in ["human", "concise", "json", "yaml", "sarif", "junit", "github"] {
        assert_eq!(bad.run(&["analyze", "web.yaml", "-o", format]).exit, Some(1), "{format}");
        let run = clean.run(&["analyze", "web.yaml", "-o", format]);
        assert_eq!(run.exit, Some(0), "{format}: {run}");
    }
    assert_eq!(json(&clean.run(&["analyze", "web.yaml", "-o", "json"])).len(), 0);
}

#[test]
fn an_unreadable_document_costs_only_itself() {
    let broken = format!("a: [1\n---\n{BAD}");
    let run = dir(&[("web.yaml", &broken)]).run(&["analyze", "web.yaml", "-o", "json"]);
    assert_eq!(run.exit, Some(2), "{run}");
    let codes: Vec<_> = json(&run).iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect();
    assert_eq!(codes, ["K8S0001", "K8S0101"], "{run}");
    let run =
        dir(&[("web.yaml", &format!("a: [1\n---\n{}", good()))]).run(&["analyze", "web.yaml", "--ignore-unknown"]);
    assert_eq!(run.exit, Some(1), "the document is still an error: {run}");
}

#[test]
fn standard_input_lists_and_json_are_read() {
    let list = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n  spec: {selectors: {app: a}, ports: [{name: http, port: 80}]}\n";
    let run = TestDir::new().run_with_stdin(&["analyze", "-", "-o", "concise"], list);
    assert!(run.stdout.starts_with("-:7:10: Error [K8S0101] (Service default/a)"), "{run}");
    let typed = list.replace("kind: List", "kind: ServiceList");
    let run = TestDir::new().run_with_stdin(&["analyze", "-", "-o", "concise"], &typed);
    assert!(run.stdout.contains("[K8S0101] (Service default/a)"), "{run}");
    let object = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"selectors": {}}}"#;
    let run = TestDir::new().run_with_stdin(&["analyze", "-n", "blue", "-o", "concise", "-"], object);
    assert!(run.stdout.contains("(Service blue/a)"), "{run}");
}

#[test]
fn thresholds_choose_what_is_shown_and_what_fails() {
    let dir = dir(&[("web.yaml", &good().replace("name: http", "name: foo"))]);
    let run = dir.run(&["analyze", "web.yaml", "-o", "json"]);
    assert_eq!(run.exit, Some(0), "{run}");
    assert!(json(&run).iter().any(|f| f["code"] == "IST0118"), "{run}");
    let run = dir.run(&["analyze", "web.yaml", "-o", "json", "--output-threshold", "error"]);
    assert_eq!(json(&run).len(), 0, "{run}");
    assert!(run.stderr.contains("Not shown"), "{run}");
    let run = dir.run(&["analyze", "web.yaml", "--failure-threshold", "info", "--output-threshold", "error"]);
    assert_eq!(run.exit, Some(1), "{run}");
}

#[test]
fn one_analyzer_runs_alone_and_an_unknown_one_is_refused() {
    let dir = dir(&[("web.yaml", &BAD.replace("name: http", "name: foo"))]);
    let run = dir.run(&["analyze", "web.yaml", "-o", "json", "--analyzer", "service.PortNameAnalyzer"]);
    assert_eq!(json(&run).iter().map(|f| f["code"].clone()).collect::<Vec<_>>(), ["IST0118"], "{run}");
    let run = dir.run(&["analyze", "web.yaml", "--analyzer", "service.PortNamesAnalyzer"]);
    assert_eq!((run.exit, run.stdout.as_str()), (Some(2), ""), "{run}");
    assert!(run.stderr.contains("Did you mean `service.PortNameAnalyzer`?"), "{run}");
    let run = dir.run(&["analyze", "-L"]);
    assert_eq!(run.exit, Some(0), "{run}");
    assert!(run.stdout.contains("service.PortNameAnalyzer\n    "), "{run}");
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 100), "{run}");
}

#[test]
fn input_that_checks_nothing_is_an_error() {
    let dir = dir(&[("notes/readme.txt", "hello")]);
    for args in [&["analyze", "notes"][..], &["analyze", "gone.yaml"], &["analyze"], &["analyze", "-k=true", "notes"]] {
        let run = dir.run(args);
        assert_eq!((run.exit, run.stdout.as_str()), (Some(2), ""), "{args:?} {run}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn flags_of_istioctl_are_accepted() {
    let dir = dir(&[("web.yaml", &good())]);
    let run = dir.run(&["analyze", "--use-kube=false", "-A", "-R", "web.yaml"]);
    assert_eq!(run.exit, Some(0), "{run}");
}

#[test]
fn helm_templates_are_left_out_with_a_note() {
    let dir = dir(&[("c/Chart.yaml", "name: c\n"), ("c/templates/x.yaml", "a: {{ .b }}\n"), ("c/web.yaml", &good())]);
    let run = dir.run(&["analyze", "c"]);
    assert_eq!(run.exit, Some(0), "{run}");
    assert!(run.stderr.contains("c/templates/x.yaml"), "{run}");
}

#[test]
fn suppressions_hide_by_code_and_object_and_are_counted() {
    let dir = dir(&[("web.yaml", BAD)]);
    for rule in ["K8S0101=Service shop/*", "UnknownField=Service web.shop", "K8S0101=*"] {
        let run = dir.run(&["analyze", "web.yaml", "-o", "json", "-S", rule]);
        assert_eq!((run.exit, json(&run).len()), (Some(0), 0), "{rule} {run}");
        assert!(run.stderr.contains("1 suppressed"), "{run}");
    }
    let run = dir.run(&["analyze", "web.yaml", "-S", "K8S0111=*"]);
    assert_eq!((run.exit, run.stdout.as_str()), (Some(2), ""), "{run}");
}

#[test]
fn a_baseline_hides_what_is_known_and_tells_what_is_fixed() {
    let dir = dir(&[("web.yaml", BAD)]);
    let run = dir.run(&["analyze", "web.yaml", "--write-baseline", "known.json"]);
    assert_eq!(run.exit, Some(0), "{run}");
    dir.file("web.yaml", &format!("# moved down\n\n{BAD}"));
    let run = dir.run(&["analyze", "web.yaml", "-o", "json", "--baseline", "known.json"]);
    assert_eq!((run.exit, json(&run).len()), (Some(0), 0), "{run}");
    dir.file("web.yaml", &good());
    let run = dir.run(&["analyze", "web.yaml", "--baseline", "known.json"]);
    assert_eq!(run.exit, Some(0), "{run}");
    assert!(run.stderr.contains("1 finding of the baseline is fixed"), "{run}");
}

#[test]
fn safe_edits_are_shown_and_applied_with_comments_kept() {
    let text = BAD.replace("  selectors:\n", "  selectors: # whom\n");
    let dir = dir(&[("web.yaml", &text)]);
    let run = dir.run(&["analyze", "web.yaml", "--fix", "--dry-run"]);
    assert_eq!(run.exit, Some(1), "{run}");
    assert!(run.stdout.contains("-  selectors: # whom\n+  selector: # whom\n"), "{run}");
    assert_eq!(dir.read("web.yaml"), text);
    let run = dir.run(&["analyze", "web.yaml", "--fix", "-o", "json"]);
    assert_eq!((run.exit, json(&run).len()), (Some(0), 0), "{run}");
    assert!(run.stderr.contains("--fix mended 1 finding in 1 file."), "{run}");
    assert_eq!(dir.read("web.yaml"), text.replace("selectors", "selector"));
    assert_eq!(dir.run_with_stdin(&["analyze", "-", "--fix"], &text).exit, Some(2));
}
