//! The examples: `examples/clean` gives no finding, `examples/bookinfo` (the same with planted mistakes) exactly the codes
//! that its comments `# planted: CODE why` name, at their lines.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::support::{TestDir, repository};

/// File name, line and code of everything that `meshctl analyze` reports in a folder of examples.
fn findings(folder: &str) -> Vec<(String, u64, String)> {
    let path = repository(&format!("examples/{folder}"));
    let run = TestDir::new().run(&["analyze", "-o", "json", "--failure-threshold", "Error", &path.to_string_lossy()]);
    let findings: Vec<Value> = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let name = |file: String| file.rsplit('/').next().unwrap_or_default().to_owned();
    let mut found: Vec<_> = findings
        .iter()
        .map(|finding| (name(text(finding, "file")), finding["line"].as_u64().unwrap_or(0), text(finding, "code")))
        .collect();
    found.sort();
    found
}

fn planted(folder: &str) -> Vec<(String, u64, String)> {
    let mut planted = Vec::new();
    for entry in fs::read_dir(repository(&format!("examples/{folder}"))).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.extension().is_some_and(|ending| ending == "md") {
            continue;
        }
        for (at, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if let Some((_, mark)) = line.split_once("# planted: ") {
                let code = mark.split(' ').next().unwrap().to_owned();
                planted.push((name.clone(), at as u64 + 1, code));
            }
        }
    }
    planted.sort();
    planted
}

#[test]
fn clean_manifests_give_no_finding() {
    assert_eq!(findings("clean"), []);
    assert_eq!(planted("clean"), []);
}

#[test]
fn bookinfo_gives_the_planted_mistakes() {
    let planted = planted("bookinfo");
    assert_eq!(findings("bookinfo"), planted);
    let codes: BTreeSet<&str> = planted.iter().map(|(_, _, code)| code.as_str()).collect();
    assert!(codes.len() >= 12, "only {} kinds of mistakes", codes.len());
}

/// Every file of the clean application is in the other one too, so that a difference is a planted mistake.
#[test]
fn the_copies_have_the_same_files() {
    for entry in fs::read_dir(repository("examples/clean")).unwrap() {
        let name = entry.unwrap().file_name();
        let other = repository("examples/bookinfo").join(&name);
        assert!(other.is_file(), "examples/bookinfo lacks {}", name.display());
    }
}
