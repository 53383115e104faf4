//! `meshctl proxy`: reading bootstraps, what is refused and where it stands.

use crate::support::TestDir;

const GOOD: &str = "\
node: {id: a, cluster: b}
admin:
  address:
    socket_address: {address: 127.0.0.1, port_value: 0}
";

const BAD: &str = "\
node: {id: a, cluster: b}
admin:
  address:
    socketAddress:
      address: localhost
      port_value: 0
hds_config:
  api_type: GRPC
";

fn dir() -> TestDir {
    let dir = TestDir::new();
    dir.file("good.yaml", GOOD).file("bad.yaml", BAD);
    dir
}

#[test]
fn each_problem_has_its_line_and_its_path() {
    insta::assert_snapshot!(dir().run(&["proxy", "validate", "good.yaml", "bad.yaml"]), @r#"
    exit 1
    --- stdout
    configuration 'good.yaml' OK
    bad.yaml:5:7: admin.address.socket_address.address: "localhost" is no IP address
    bad.yaml:7:1: hds_config: the proxy does not have this feature
    "#);
}

#[test]
fn run_refuses_what_validate_finds() {
    let dir = dir();
    insta::assert_snapshot!(dir.run(&["proxy", "run", "-c", "bad.yaml"]), @r#"
    exit 2
    --- stderr
    bad.yaml:5:7: admin.address.socket_address.address: "localhost" is no IP address
    bad.yaml:7:1: hds_config: the proxy does not have this feature
    error: the proxy cannot honour this configuration, so it does not start
    hint: Each line above names a field, and why: change it, or remove what the proxy does not have.
    "#);
    let run = dir.run(&["proxy", "run", "--config", "good.yaml", "--mode", "validate"]);
    assert_eq!((run.exit, run.stdout.as_str()), (Some(0), "configuration 'good.yaml' OK\n"), "{run}");
}

#[test]
fn more_yaml_is_merged_into_the_file() {
    let args = |more| ["proxy", "run", "--config-path", "good.yaml", "--mode", "validate", "--config-yaml", more];
    assert_eq!(dir().run(&args("{node: {id: c}}")).exit, Some(0));
    let run = dir().run(&args("flags_path: [1]"));
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.starts_with("--config-yaml:1:1: flags_path: "), "{run}");
}

#[test]
fn unreadable_input_is_told_by_name() {
    let dir = dir();
    dir.file("broken.yaml", "a: [1\n").file("two.yaml", "a: 1\n---\nb: 1\n").file("empty.yaml", "\n");
    for (file, words) in [
        ("broken.yaml", "error: broken.yaml:"),
        ("two.yaml", "more than one YAML document"),
        ("empty.yaml", "is empty"),
        ("none.yaml", "none.yaml cannot be read"),
    ] {
        let run = dir.run(&["proxy", "validate", file]);
        assert_eq!(run.exit, Some(2), "{run}");
        assert!(run.stderr.contains(words), "{run}");
    }
}

#[test]
fn the_variable_for_meshctl_yaml_is_no_bootstrap() {
    let run = TestDir::new().env("MESHCTL_CONFIG", "meshctl.yaml").run(&["proxy", "run"]);
    assert_eq!(run.exit, Some(2));
    assert!(run.stderr.starts_with("error: there is no configuration"), "{run}");
}

#[test]
fn problems_are_one_json_document() {
    let run = TestDir::new().run_with_stdin(&["proxy", "validate", "-o", "json", "-"], BAD);
    let problems: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(problems[1]["path"], "hds_config", "{run}");
    assert_eq!((&problems[1]["file"], &problems[1]["line"]), (&"-".into(), &7.into()), "{run}");
}
