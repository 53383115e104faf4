//! `meshctl version`

use std::time::{Duration, Instant};

use crate::support::TestDir;

#[test]
fn text_is_one_line() {
    let run = TestDir::new().run(&["version", "--client"]);
    assert_eq!(run.exit, Some(0));
    assert!(run.stdout.starts_with("meshctl [VERSION]"), "{run}");
    assert_eq!(run.stdout.lines().count(), 1, "{run}");
    insta::assert_snapshot!(TestDir::new().run(&["version", "--short"]), @r"
    exit 0
    --- stdout
    [VERSION]
    ");
}

#[test]
fn json_and_yaml_have_the_same_keys_as_istioctl() {
    let json: serde_json::Value =
        serde_json::from_str(&TestDir::new().run(&["version", "--client", "-o", "json"]).stdout).unwrap();
    assert_eq!(json["clientVersion"]["version"], "[VERSION]");
    let yaml = TestDir::new().run(&["version", "-o", "yaml"]).stdout;
    assert!(yaml.starts_with("clientVersion:\n  version: \"[VERSION]\"\n"), "{yaml}");
}

/// The limit is 10 ms for a release build. Other tests run at the same time, so the best of several counts.
#[test]
fn starts_fast() {
    let dir = TestDir::new();
    let best = (0..20)
        .map(|_| {
            let start = Instant::now();
            assert_eq!(dir.run(&["version", "--client"]).exit, Some(0));
            start.elapsed()
        })
        .min()
        .unwrap();
    assert!(best < Duration::from_millis(10), "the fastest of 20 runs took {best:?}");
}
