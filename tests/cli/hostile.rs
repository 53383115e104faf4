//! Input that nobody wrote for the program: broken, odd and foreign files. Each costs itself at most, and the program never
//! crashes (exit 70) nor takes other people's YAML for a manifest.

use crate::support::{Run, TestDir};

/// A VirtualService with a mistake that is found whatever stands beside it.
const BAD_TIMEOUT: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: web
  namespace: shop
spec:
  hosts: [web.example.com]
  http:
  - timeout: 5x
    route:
    - destination:
        host: web.example.com
";

/// A VirtualService with nothing wrong that splits traffic between two hosts.
const SPLIT: &str = "\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: web
  namespace: shop
spec:
  hosts: [web]
  http:
  - route:
    - destination:
        host: web
      weight: 90
    - destination:
        host: web-canary
      weight: 10
";

/// `-o` of every format.
const FORMATS: [&str; 7] = ["human", "concise", "json", "yaml", "sarif", "junit", "github"];

fn analyze(file: &str, text: &str) -> Run {
    let dir = TestDir::new();
    dir.file(file, text);
    dir.run(&["analyze", file, "-o", "concise"])
}

fn findings(run: &Run) -> Vec<&str> {
    run.stdout.lines().filter(|line| line.contains(" [")).collect()
}

#[test]
fn yaml_that_is_no_manifest_has_no_findings() {
    for (file, text) in [
        ("empty.yaml", ""),
        ("comments.yaml", "# nothing\n# here\n"),
        ("values.yaml", "global:\n  enabled: yes\n  mode: 0644\non: true\nistio: {gateways: []}\n"),
        ("docker-compose.yaml", "version: \"3\"\nservices:\n  web:\n    ports: [\"80:80\", 22:22]\n    restart: no\n"),
        ("ci.yml", "on:\n  push: {branches: [main]}\njobs:\n  a:\n    steps:\n    - run: kubectl apply -f x\n"),
        ("kustomization.yaml", "resources: [a.yaml]\non: yes\n"),
        ("package.json", "{\"name\": \"x\", \"scripts\": {\"a\": \"b\"}}\n"),
        ("ratings.json", "{\"rating\": 5}\n{\"rating\": 4}\n"),
        ("cloudformation.yaml", "Resources:\n  A: !Sub \"x\"\n  B: !GetAtt [a, b]\n"),
    ] {
        let run = analyze(file, text);
        assert_eq!((run.exit, findings(&run).len()), (Some(0), 0), "{file}: {run}");
    }
}

#[test]
fn byte_order_mark_and_windows_line_ends_change_nothing() {
    let plain = analyze("a.yaml", BAD_TIMEOUT);
    assert_eq!(plain.exit, Some(1), "{plain}");
    for text in [format!("\u{feff}{BAD_TIMEOUT}"), BAD_TIMEOUT.replace('\n', "\r\n")] {
        assert_eq!(findings(&analyze("a.yaml", &text)), findings(&plain));
    }
}

#[test]
fn json_objects_in_a_row_are_read_as_a_stream() {
    let first = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "} {\" {"}}"#;
    let second = r#"{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "b"}, "spec": {"selectors": {}}}"#;
    let run = analyze("stream.json", &format!("{first}\n{second} {first}\n"));
    assert!(run.stdout.starts_with("stream.json:2:"), "{run}");
    assert!(run.stdout.contains("[K8S0101] (Service default/b)"), "{run}");
    assert!(run.stderr.contains("(3 objects)"), "{run}");
}

#[test]
fn broken_documents_never_crash_the_program() {
    let nested = "a: ".to_owned() + &"[".repeat(20_000);
    let deep: String = (0..3_000).map(|at| " ".repeat(at) + "a:\n").collect();
    let long = "x".repeat(1 << 20);
    for text in [
        nested.as_str(),
        &deep,
        &format!("{long}: b\n"),
        "apiVersion: v1\nkind: Service\nmetadata:\n\tname: x\n",
        "a: &a\n  b: *a\n",
        "{% for x in y %}\nkind: A\n{% endfor %}\n",
        "apiVersion: v1\nkind: Service\nmetadata: 3\nspec: []\n---\n- a\n---\nfoo\n---\nkind: Service\n---\napiVersion: v1\n",
        "apiVersion: v1\nkind: List\nitems:\n- null\n- 3\n- {apiVersion: v1, kind: List, items: {}}\n",
        "{\"a\": {\"b\": 1} {\"c\": 2}",
        "{\"a\": 1} {",
    ] {
        let run = analyze("a.yaml", text);
        let head: String = text.chars().take(40).collect();
        assert!(matches!(run.exit, Some(0..=2)), "{head:?}: {:?}", run.exit);
    }
}

#[test]
fn names_of_any_characters_leave_every_format_valid() {
    let dir = TestDir::new();
    let name = r#""a\"b\n::error::%0A<x>&']]>\u0007\u2028é😀\u001b[31m""#;
    dir.file("a b%,:.yaml", &BAD_TIMEOUT.replace("name: web", &format!("name: {name}")).replace("5x", r#""5\nx%]]>""#));
    for format in FORMATS {
        let run = dir.run(&["analyze", ".", "-o", format]);
        assert_eq!(run.exit, Some(1), "{format}: {run}");
        assert!(!run.stdout.contains(['\u{7}', '\u{1b}']), "{format}: control characters reach the terminal: {run}");
        match format {
            "json" | "sarif" => drop(serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap()),
            "github" => assert!(run.stdout.lines().all(|line| line.matches("::").count() >= 2), "{run}"),
            "concise" => assert!(findings(&run).iter().all(|line| line.starts_with("./a b%,:.yaml:")), "{run}"),
            _ => {}
        }
    }
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_below_a_directory_costs_only_itself() {
    use std::os::unix::fs::symlink;
    let dir = TestDir::new();
    dir.file("mesh/a.yaml", BAD_TIMEOUT).file("mesh/dir.yaml/x.txt", "");
    symlink(".", dir.path().join("mesh/loop")).unwrap();
    symlink("itself", dir.path().join("mesh/itself")).unwrap();
    symlink("nowhere", dir.path().join("mesh/gone.yaml")).unwrap();
    let run = dir.run(&["analyze", "mesh", "-o", "concise"]);
    assert_eq!(run.exit, Some(2), "{run}");
    assert!(run.stdout.contains("mesh/a.yaml:9:14: Error [K8S0104]"), "{run}");
    assert!(run.stdout.contains("mesh/gone.yaml:1:1: Error [K8S0001]"), "{run}");
    assert_eq!(findings(&run).len(), 2, "{run}");
}

#[test]
fn a_file_named_twice_is_read_once() {
    let dir = TestDir::new();
    dir.file("a.yaml", BAD_TIMEOUT);
    let once = dir.run(&["analyze", "a.yaml", "-o", "concise"]);
    for twice in [vec!["a.yaml", "a.yaml"], vec![".", "./a.yaml"], vec!["a.yaml", "."], vec!["./a.yaml", "a.yaml"]] {
        let run = dir.run(&[&["analyze", "-o", "concise"], twice.as_slice()].concat());
        assert_eq!(findings(&run).len(), findings(&once).len(), "{twice:?}: {run}");
    }
}

#[test]
fn variants_of_one_object_are_no_conflict_of_two() {
    let dir = TestDir::new();
    dir.file("90-10.yaml", SPLIT);
    dir.file("50-50.yaml", &SPLIT.replace("90", "50").replace("weight: 10", "weight: 50"));
    let run = dir.run(&["analyze", ".", "-o", "concise"]);
    assert!(!run.stdout.contains("IST0109"), "{run}");
    assert!(run.stdout.contains("K8S0110"), "{run}");
    dir.file("other.yaml", &SPLIT.replace("name: web\n", "name: other\n"));
    let run = dir.run(&["analyze", ".", "-o", "concise"]);
    assert_eq!(run.stdout.matches("[IST0109]").count(), 3, "{run}");
}

#[test]
fn the_order_of_the_files_changes_no_finding() {
    let dir = TestDir::new();
    dir.file("a.yaml", BAD_TIMEOUT);
    dir.file("b.yaml", &SPLIT.replace("name: web\n", "name: b\n"));
    dir.file("c2.yaml", &SPLIT.replace("name: web\n", "name: c\n"));
    dir.file("c.yaml", &SPLIT.replace("name: web\n", "name: c\n"));
    dir.file(
        "d.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: [{port: 1}]}\n",
    );
    let of = |order: [&str; 5]| {
        let run = dir.run(&[&["analyze", "-o", "json"], order.as_slice()].concat());
        assert!(run.stdout.contains("IST0109") && run.stdout.contains("K8S0110"), "{run}");
        run.stdout
    };
    let first = of(["a.yaml", "b.yaml", "c.yaml", "c2.yaml", "d.yaml"]);
    for order in
        [["d.yaml", "c2.yaml", "c.yaml", "b.yaml", "a.yaml"], ["c2.yaml", "a.yaml", "d.yaml", "b.yaml", "c.yaml"]]
    {
        assert_eq!(of(order), first, "{order:?}");
    }
}

/// The file is sparse: its size is refused before a byte is read.
#[test]
fn a_file_over_the_limit_costs_only_itself() {
    let dir = TestDir::new();
    dir.file(
        "web.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{name: http, port: 80}]}\n",
    );
    std::fs::File::create(dir.path().join("huge.yaml")).unwrap().set_len(100 << 20).unwrap();
    let run = dir.run(&["analyze", ".", "-o", "concise"]);
    assert_eq!(run.exit, Some(2), "{run}");
    assert!(run.stdout.contains("huge.yaml:1:1: Error [K8S0002]"), "{run}");
    assert!(run.stdout.contains("larger than 64 MiB"), "{run}");
    assert!(run.stderr.contains("(1 object)"), "{run}");
}
