//! The admin interface beside Envoy's: the same paths, methods, status codes, content types and JSON from the same bootstrap and
//! the same traffic. What differs is listed in `differences.yaml` with a reason.

mod bootstrap;
mod pages;
mod peers;
mod plane;
mod shape;

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::differential::envoy;
use crate::differential::origin::Origin;
use pages::Page;
use peers::Peer;

/// A difference with its reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    /// The beginning of the line as failures print it; `*` stands for anything.
    difference: String,
    /// Why we show something else than Envoy.
    reason: String,
}

impl Listed {
    fn covers(&self, line: &str) -> bool {
        let mut rest = line;
        let mut pieces = self.difference.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(begun) = rest.strip_prefix(first) else { return false };
        rest = begun;
        pieces.all(|piece| match rest.find(piece) {
            Some(at) => {
                rest = &rest[at + piece.len()..];
                true
            }
            None => false,
        }) && !self.reason.is_empty()
    }
}

/// Asserts that all lines are listed under `file`, and that each entry has a line.
fn judge(file: &str, lines: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/admin").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let listed: Vec<Listed> = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut used = BTreeSet::new();
    let mut failures: Vec<String> = Vec::new();
    for line in lines {
        match listed.iter().position(|listed| listed.covers(line)) {
            Some(index) => drop(used.insert(index)),
            None => failures.push(line.clone()),
        }
    }
    let unused = listed.iter().enumerate().filter(|(index, _)| !used.contains(index));
    failures
        .extend(unused.map(|(_, listed)| format!("{file} lists what does not differ any more: {}", listed.difference)));
    println!("{} listed differences seen", lines.len());
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

fn compare(theirs: &Peer, ours: &Peer, pages: &[Page]) -> Vec<String> {
    pages.iter().flat_map(|page| pages::differ(page, theirs, ours)).collect()
}

#[test]
fn admin_pages_of_envoy_and_ours_are_the_same() {
    let Some(binary) = envoy::binary() else {
        println!("SKIP admin pages: no Envoy; run scripts/envoy.sh");
        return;
    };
    // So that there are levels that can be changed.
    embedded_proxy::telemetry::log::start("warn");
    let (origin, pair) = (Origin::start(), bootstrap::certificate());
    let start = |envoy: bool| {
        let secure = bootstrap::free_port();
        let wanted = bootstrap::fixed(origin.port, secure, &pair);
        let peer = if envoy { Peer::envoy(&binary, &wanted) } else { Peer::ours(&wanted) };
        for (path, status) in [("/", 200), ("/", 200), ("/direct", 404), ("/moved", 301), ("/tls", 200), ("/down", 503)]
        {
            assert_eq!(peer.traffic("main", path), status, "{path}");
        }
        assert_eq!(peer.traffic("tcp", "/"), 200);
        peer.wait_for("http.main.downstream_cx_active", 0);
        peer.wait_for("tcp.tcp.downstream_cx_total", 1);
        peer
    };
    let (theirs, ours) = (start(true), start(false));
    judge("differences.yaml", &compare(&theirs, &ours, &pages::all()));
}

#[test]
fn dumps_of_what_a_control_plane_gave_are_the_same() {
    let Some(binary) = envoy::binary() else {
        println!("SKIP admin pages: no Envoy; run scripts/envoy.sh");
        return;
    };
    let (origin, pair) = (Origin::start(), bootstrap::certificate());
    let plane = plane::Plane::start(bootstrap::served(origin.port, &pair));
    let wanted = bootstrap::dynamic(plane.address);
    let peers = [Peer::envoy(&binary, &wanted), Peer::ours(&wanted)];
    for peer in &peers {
        peer.wait_for("listener_manager.lds.update_rejected", 1);
        peer.wait_for("cluster_manager.cds.update_rejected", 1);
        assert_eq!(peer.traffic("main", "/"), 200);
        peer.eventually("nothing warms", |peer| !peer.ask("GET", "/config_dump").body.contains("warming_state"));
    }
    let [theirs, ours] = &peers;
    judge("dynamic_differences.yaml", &compare(theirs, ours, &pages::dynamic()));
}
