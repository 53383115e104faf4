//! The incremental variant.

use std::collections::BTreeMap;

use meshctl::xds::Kind;

use super::client::{Delta, names, node, productpage, versions};
use super::plane::{BOOKINFO, Plane};

const REVIEWS: &str = "outbound|9080||reviews.default.svc.cluster.local";

/// Everything, as a proxy takes it; versions by kind.
async fn sync(client: &mut Delta) -> BTreeMap<Kind, BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    client.ask(Kind::Cluster, &[]);
    let clusters = client.take(Kind::Cluster).await;
    let eds: Vec<String> = names(&clusters).into_iter().filter(|name| name.starts_with("outbound|")).collect();
    client.ask(Kind::Endpoints, &eds.iter().map(String::as_str).collect::<Vec<_>>());
    all.insert(Kind::Endpoints, versions(&client.take(Kind::Endpoints).await));
    client.ask(Kind::Listener, &[]);
    all.insert(Kind::Listener, versions(&client.take(Kind::Listener).await));
    client.ask(Kind::Route, &["reviews.default.svc.cluster.local:9080"]);
    all.insert(Kind::Route, versions(&client.take(Kind::Route).await));
    all.insert(Kind::Cluster, versions(&clusters));
    all
}

#[tokio::test]
async fn a_proxy_gets_all_once_and_then_what_changes() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let mut client = Delta::open(plane.address, productpage()).await;
    let all = sync(&mut client).await;
    assert!(all[&Kind::Cluster].contains_key(REVIEWS) && all[&Kind::Endpoints].contains_key(REVIEWS));
    assert!(client.silent().await, "nothing is sent twice");
    let more = BOOKINFO.replace("ports: [{name: http, port: 9080}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: details", "ports: [{name: http, port: 9081, targetPort: 9080}]\n---\napiVersion: v1\nkind: Service\nmetadata: {name: details");
    assert_ne!(more, BOOKINFO);
    plane.write("bookinfo.yaml", &more);
    let added = client.take(Kind::Cluster).await;
    assert_eq!(names(&added), ["outbound|9081||reviews.default.svc.cluster.local"]);
    assert!(added.removed_resources.is_empty(), "routes may still name it");
    // The endpoints of the old port are asked for, and stay until nothing can use them.
    let listeners = client.take(Kind::Listener).await;
    assert!(!listeners.removed_resources.is_empty());
    let gone = client.take(Kind::Cluster).await;
    assert_eq!((names(&gone), gone.removed_resources), (Vec::new(), vec![REVIEWS.to_owned()]));
    let gone = client.take(Kind::Endpoints).await;
    assert_eq!(gone.removed_resources, [REVIEWS]);
    let routes = client.take(Kind::Route).await;
    assert_eq!(routes.removed_resources, ["reviews.default.svc.cluster.local:9080"]);
    assert!(client.silent().await);
}

#[tokio::test]
async fn after_a_reconnect_only_differences_are_sent() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let mut client = Delta::open(plane.address, productpage()).await;
    let all = sync(&mut client).await;
    drop(client);
    let mut had = all[&Kind::Cluster].clone();
    had.insert(REVIEWS.to_owned(), "older".to_owned());
    had.insert("outbound|1||gone".to_owned(), "x".to_owned());
    let mut client = Delta::open(plane.address, productpage()).await;
    client.ask_with(Kind::Cluster, &[], &had);
    let response = client.take(Kind::Cluster).await;
    assert_eq!(names(&response), [REVIEWS]);
    // No listener was asked for, so nothing can name the cluster that is gone.
    assert_eq!(response.removed_resources, ["outbound|1||gone"]);
    client.ask_with(Kind::Endpoints, &[REVIEWS], &all[&Kind::Endpoints]);
    assert!(client.silent().await, "the client has them");
}

#[tokio::test]
async fn names_that_do_not_exist_are_told_and_come_when_they_exist() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let mut client = Delta::open(plane.address, productpage()).await;
    let name = "outbound|80||later.default.svc.cluster.local";
    client.ask(Kind::Endpoints, &[name, REVIEWS]);
    let response = client.take(Kind::Endpoints).await;
    assert_eq!((names(&response), &*response.removed_resources), (vec![REVIEWS.to_owned()], &[name.to_owned()][..]));
    plane.write("later.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: later}\nspec: {ports: [{port: 80}]}\n");
    assert_eq!(names(&client.take(Kind::Endpoints).await), [name]);
    client.ask(Kind::Endpoints, &[REVIEWS]);
    assert_eq!(names(&client.take(Kind::Endpoints).await), [REVIEWS], "who asks again gets it again");
    client.leave(Kind::Endpoints, &[name]);
    std::fs::remove_file(plane.path("later.yaml")).unwrap();
    assert!(client.silent().await, "nobody asks for it any more");
}

#[tokio::test]
async fn a_slow_client_gets_the_newest_state_and_not_a_queue() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let mut client = Delta::open(plane.address, productpage()).await;
    client.ask(Kind::Cluster, &[]);
    let first = client.next().await;
    for port in [81, 82, 83] {
        let state = plane.engine.state().number;
        let text =
            format!("apiVersion: v1\nkind: Service\nmetadata: {{name: more}}\nspec: {{ports: [{{port: {port}}}]}}\n");
        plane.write("more.yaml", &text);
        plane.changed_since(state).await;
    }
    assert!(client.silent().await, "one response is in flight");
    client.answer(&first, None);
    let second = client.take(Kind::Cluster).await;
    assert_eq!(names(&second), ["outbound|83||more.default.svc.cluster.local"]);
    assert!(second.removed_resources.is_empty(), "what was never sent need not be taken back");
}

#[tokio::test]
async fn a_broken_file_changes_nothing_and_is_reported() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let mut client = Delta::open(plane.address, productpage()).await;
    sync(&mut client).await;
    let broken = BOOKINFO.replacen("port: 9080", "port: many", 1).replace("reviews", "views");
    plane.write("bookinfo.yaml", &broken);
    assert!(client.silent().await);
    let problems: Vec<String> = plane.engine.broken().iter().map(ToString::to_string).collect();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with(&format!("{}:7:", plane.path("bookinfo.yaml"))), "{problems:?}");
    plane.write("bookinfo.yaml", BOOKINFO);
    for _ in 0..100 {
        if plane.engine.broken().is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the good file is not taken");
}

#[tokio::test]
async fn proxies_see_what_their_namespace_sees() {
    let hidden = "apiVersion: v1\nkind: Service\nmetadata: {name: hidden, namespace: other, annotations: {networking.istio.io/exportTo: .}}\nspec: {ports: [{port: 80}]}\n";
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO), ("hidden.yaml", hidden)]).await;
    let cluster = "outbound|80||hidden.other.svc.cluster.local".to_owned();
    for (id, sees) in [("sidecar~10.0.0.1~a.other~x", true), ("sidecar~10.0.0.2~b.default~x", false)] {
        let mut client = Delta::open(plane.address, node(id, &[])).await;
        client.ask(Kind::Cluster, &[]);
        assert_eq!(names(&client.take(Kind::Cluster).await).contains(&cluster), sees, "{id}");
    }
}

#[tokio::test]
async fn nodes_that_make_no_sense_are_refused() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    for (node, wanted) in [
        (node("me", &[]), "is not of the form"),
        (node("sidecar~1.1.1.1~a.b~x", &[("NAMESPACE", "c")]), "NAMESPACE is \"c\""),
        (node("sidecar~1.1.1.1~a.b~x", &[("MESHCTL_OUTBOUND", "x")]), "MESHCTL_OUTBOUND"),
    ] {
        let mut client = Delta::open(plane.address, node).await;
        client.ask(Kind::Cluster, &[]);
        let status = client.error().await;
        assert_eq!(status.code(), tonic::Code::InvalidArgument);
        assert!(status.message().contains(wanted), "{status:?}");
    }
}

#[tokio::test]
async fn refusals_are_kept_with_the_lines_that_caused_them() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let mut client = Delta::open(plane.address, productpage()).await;
    client.ask(Kind::Cluster, &[]);
    let response = client.next().await;
    client.answer(&response, Some(&format!("Error adding/updating cluster(s) {REVIEWS}: no good")));
    assert!(client.silent().await, "what was refused is not sent again");
    let streams = plane.ads.registry().all();
    let session = streams[0].session.lock();
    let refusal = session.kinds()[&Kind::Cluster].refusal.clone().unwrap();
    drop(session);
    let served = streams[0].served.lock().clone();
    let blamed = meshctl::control_plane::ads::blame(Kind::Cluster, &refusal, &served);
    assert_eq!(blamed.resources.len(), 1);
    let text = blamed.to_string();
    assert!(text.contains("from Service default/reviews"), "{text}");
    assert!(text.contains("bookinfo.yaml:14:"), "{text}");
}
