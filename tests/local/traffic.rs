//! What requests meet on their way.

use serde_json::Value;

use super::mesh::Mesh;

#[test]
fn routes_faults_and_retries_are_those_of_the_manifests() {
    let mesh = Mesh::up();

    // The canary gets its tenth: within 3 sigma of 1,000 requests.
    let all = mesh.call("productpage-v1", "http://reviews:9080/reviews/0", &["-n", "1000"]);
    assert!(all.iter().all(|one| one["status"] == 200), "{:?}", all[0]);
    let canary = all.iter().filter(|one| one["answer"]["workload"] == "reviews-v2").count();
    assert!((72..=128).contains(&canary), "{canary} of 1000 went to v2");

    // Who calls is proven, and the answer says so.
    assert_eq!(all[0]["answer"]["peer"], "spiffe://cluster.local/ns/default/sa/bookinfo-productpage");

    // A tenth of the ratings is aborted by the caller's proxy: within 4 sigma.
    let all = mesh.call("reviews-v2", "http://ratings:9080/ratings/0", &["-n", "600"]);
    let aborted = all.iter().filter(|one| one["status"] == 500).count();
    assert!((31..=89).contains(&aborted), "{aborted} of 600 were aborted");
    assert!(all.iter().filter(|one| one["status"] == 500).all(|one| one["answer"] == Value::Null));

    // Only one user waits.
    let slow = mesh.call("reviews-v2", "http://ratings:9080/ratings/0", &["-H", "end-user: jason"]);
    assert!(slow[0]["ms"].as_u64().unwrap() >= 2000 && slow[0]["status"] == 200, "{slow:?}");

    // Failures of the first attempts are healed by retries.
    let healed = mesh.call("productpage-v1", "http://details:9080/details/0", &["-H", "x-local-fail-first: 2"]);
    assert_eq!(healed[0]["status"], 200, "{healed:?}");
    assert_eq!(healed[0]["answer"]["headers"]["x-envoy-attempt-count"], "3");

    // The whole chain, and who called whom.
    mesh.run(&["graph", "--reset"]);
    let page = mesh.call("details-v1", "http://productpage:9080/productpage", &[]);
    let calls = page[0]["answer"]["calls"].as_array().unwrap();
    assert_eq!(calls.len(), 2, "{page:?}");
    let (_, graph, _) = mesh.run(&["graph"]);
    assert!(graph.contains("details-v1\n  └─ mTLS ─> productpage-v1"), "{graph}");
    assert!(graph.contains("productpage-v1\n  └─ mTLS ─> details-v1"), "{graph}");
}

#[test]
fn changes_of_the_manifests_are_in_force_at_once() {
    let mesh = Mesh::up();
    let file = mesh.directory.path().join("mesh/stop.yaml");
    let text = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a-page}\nspec:\n  hosts: \
                [productpage]\n  http:\n  - directResponse: {status: 418, body: {string: tea}}\n";
    std::fs::write(&file, text).unwrap();
    let (code, out, _) = mesh.run(&["call", "--from", "details-v1", "http://productpage:9080/", "--until", "418"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("body: tea"), "{out}");
    std::fs::remove_file(&file).unwrap();
    let (code, out, _) = mesh.run(&["call", "--from", "details-v1", "http://productpage:9080/", "--until", "200"]);
    assert_eq!(code, 0, "{out}");
}
