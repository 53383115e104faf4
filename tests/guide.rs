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

/// Line and code of what is wrong with the guide's Istio manifests. Complete: what only looks wrong (line 124, a redirect
/// without a TLS mode; 176, weights of 90 and 10; 321, no action; the v1beta1 versions) has no finding.
const ISTIO: &[(u64, &str)] = &[
    (149, "IST9002"),
    (155, "IST9001"),
    (215, "IST9004"),
    (218, "IST9005"),
    (222, "K8S0101"),
    (223, "IST9006"),
    (251, "IST0101"),
    (260, "IST0101"),
    (302, "IST9102"),
    (314, "IST9104"),
    (333, "IST9101"),
    (368, "IST9105"),
    (382, "IST9115"),
    (394, "IST9111"),
    (396, "IST9112"),
    (399, "IST9114"),
    (400, "IST9113"),
    (409, "K8S0006"),
    (412, "IST9111"),
    (414, "IST9112"),
    (426, "IST0160"),
    (429, "IST9120"),
    (438, "IST9122"),
    (441, "IST9124"),
    (444, "IST9124"),
    (450, "IST0160"),
    (453, "IST9120"),
    (458, "K8S0103"),
    (461, "IST9122"),
    (463, "IST9122"),
    (475, "IST9121"),
    (477, "IST9110"),
    (478, "IST0157"),
    (480, "IST0157"),
    (480, "K8S0101"),
    (869, "IST9130"),
    (870, "IST9130"),
    (871, "IST9130"),
    (872, "IST9130"),
    (882, "IST9131"),
    (885, "IST9131"),
    (892, "K8S0101"),
    (1044, "IST0101"),
    (1048, "IST0101"),
    (1052, "IST0101"),
    (1072, "IST0101"),
    (1076, "IST0101"),
];

/// Line and code of what is wrong with the guide's monitoring.
const MONITORING: &[(u64, &str)] = &[(912, "MON0002"), (926, "MON0003"), (942, "MON0004")];

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

/// Fails unless the findings whose code fits are exactly those of the table.
fn expect(table: &[(u64, &str)], fits: impl Fn(&str) -> bool) {
    let Some(path) = guide() else { return };
    let found: BTreeSet<_> = findings(&path).into_iter().filter(|(_, code)| fits(code)).collect();
    let expected: BTreeSet<_> = table.iter().map(|(line, code)| (*line, (*code).to_owned())).collect();
    let missing: Vec<_> = expected.difference(&found).collect();
    let unexpected: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && unexpected.is_empty(), "missing {missing:?}\nunexpected {unexpected:?}");
}

#[test]
fn commands_of_the_guide() {
    expect(SCRIPTS, |code| code.starts_with("DOC"));
}

#[test]
fn monitoring_of_the_guide() {
    expect(MONITORING, |code| code.starts_with("MON"));
}

#[test]
fn istio_manifests_of_the_guide() {
    expect(ISTIO, |code| !code.starts_with("DOC") && !code.starts_with("MON"));
}

/// No block is given up on: not the one that mixes commands with a manifest, and no fragment.
#[test]
fn the_guide_is_readable_to_its_end() {
    let Some(path) = guide() else { return };
    let unreadable: Vec<_> = findings(&path).into_iter().filter(|(_, code)| code == "K8S0001").collect();
    assert!(unreadable.is_empty(), "{unreadable:?}");
}
