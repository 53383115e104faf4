//! The user's guide (../shared/seed/service-mesh-guide.md): every defect is found at its line, and what only looks wrong is
//! left alone. Skipped where the guide is not beside the repository.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::support::{TestDir, repository};

/// Line and code of what is wrong with the guide's commands. Complete: no other DOC code may appear.
const SCRIPTS: &[(u64, &str)] = &[
    (34, "DOC0005"),
    (35, "DOC0006"),
    (42, "DOC0008"),
    (45, "DOC0007"),
    (79, "DOC0001"),
    (495, "DOC0009"),
    (502, "DOC0010"),
    (572, "DOC0011"),
    (574, "DOC0002"),
    (577, "DOC0002"),
    (585, "DOC0012"),
    (586, "DOC0013"),
    (613, "DOC0003"),
    (616, "DOC0014"),
    (660, "DOC0015"),
    (666, "DOC0016"),
    (758, "DOC0017"),
    (767, "DOC0018"),
    (772, "DOC0019"),
    (964, "DOC0001"),
    (968, "DOC0004"),
    (969, "DOC0004"),
    (970, "DOC0004"),
    (973, "DOC0004"),
    (979, "DOC0020"),
    (991, "DOC0003"),
    (994, "DOC0021"),
];

fn guide() -> Option<PathBuf> {
    let path = repository("../shared/seed/service-mesh-guide.md");
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIP guide: {} is not there", path.display());
    None
}

/// Line and code of every finding, as the command reports them.
fn findings(path: &std::path::Path) -> BTreeSet<(u64, String)> {
    let run = TestDir::new().run(&["analyze", "-o", "json", &path.to_string_lossy()]);
    let all: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}\n{run}"));
    all.iter().map(|f| (f["line"].as_u64().unwrap_or(0), f["code"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn commands_of_the_guide() {
    let Some(path) = guide() else { return };
    let found: BTreeSet<_> = findings(&path).into_iter().filter(|(_, code)| code.starts_with("DOC")).collect();
    let expected: BTreeSet<_> = SCRIPTS.iter().map(|(line, code)| (*line, (*code).to_owned())).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let unexpected: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && unexpected.is_empty(), "missing {missing:?}\nunexpected {unexpected:?}");
}

/// No block is given up on: not the one that mixes commands with a manifest, and no fragment.
#[test]
fn the_guide_is_readable_to_its_end() {
    let Some(path) = guide() else { return };
    let unreadable: Vec<_> = findings(&path).into_iter().filter(|(_, code)| code == "K8S0001").collect();
    assert!(unreadable.is_empty(), "{unreadable:?}");
}

/// Line and code of what is wrong with the guide's routes and policies of traffic.
const TRAFFIC: &[(u64, &str)] = &[
    (149, "IST9002"),
    (155, "IST9001"),
    (215, "IST9004"),
    (218, "IST9005"),
    (222, "K8S0101"),
    (223, "IST9006"),
    (251, "IST0101"),
    (260, "IST0101"),
    (1044, "IST0101"),
    (1048, "IST0101"),
    (1052, "IST0101"),
    (1072, "IST0101"),
    (1076, "IST0101"),
];

/// Complete for the blocks of Gateways, VirtualServices and DestinationRules: line 124 (a redirect without a TLS mode) and
/// line 176 (weights of 90 and 10) are right.
#[test]
fn routes_of_the_guide() {
    let Some(path) = guide() else { return };
    let blocks = [107..262, 1028..1078];
    let found: BTreeSet<_> =
        findings(&path).into_iter().filter(|(line, _)| blocks.iter().any(|block| block.contains(line))).collect();
    let expected: BTreeSet<_> = TRAFFIC.iter().map(|(line, code)| (*line, (*code).to_owned())).collect();
    assert_eq!(found, expected);
}
