//! The state-of-the-world variant.

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryResponse;
use meshctl::xds::Kind;
use prost::Message as _;

use super::client::{World, productpage};
use super::plane::{BOOKINFO, Plane};

const REVIEWS: &str = "outbound|9080||reviews.default.svc.cluster.local";

fn clusters(response: &DiscoveryResponse) -> Vec<String> {
    response.resources.iter().map(|any| Cluster::decode(&*any.value).unwrap().name).collect()
}

fn service(name: &str) -> String {
    format!("apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{ports: [{{port: 80}}]}}\n")
}

#[tokio::test]
async fn clusters_are_sent_as_a_whole_and_go_last() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO), ("more.yaml", &service("one"))]).await;
    let mut client = World::open(plane.address, productpage()).await;
    client.ask(Kind::Cluster, &[], None, None);
    let first = client.next(Kind::Cluster).await;
    assert!(clusters(&first).contains(&REVIEWS.to_owned()));
    client.ask(Kind::Cluster, &[], Some(&first), None);
    client.ask(Kind::Listener, &[], None, None);
    let listeners = client.next(Kind::Listener).await;
    client.ask(Kind::Listener, &[], Some(&listeners), None);
    assert!(client.silent().await, "an answer needs no answer");
    plane.write("more.yaml", &service("two"));
    let both = client.next(Kind::Cluster).await;
    let has = |response: &DiscoveryResponse, name: &str| {
        clusters(response).contains(&format!("outbound|80||{name}.default.svc.cluster.local"))
    };
    assert!(has(&both, "one") && has(&both, "two"), "listeners may still lead to the old one");
    assert_ne!(both.version_info, first.version_info);
    client.ask(Kind::Cluster, &[], Some(&both), None);
    let listeners = client.next(Kind::Listener).await;
    client.ask(Kind::Listener, &[], Some(&listeners), None);
    let last = client.next(Kind::Cluster).await;
    assert!(!has(&last, "one") && has(&last, "two"));
    client.ask(Kind::Cluster, &[], Some(&last), None);
    assert!(client.silent().await);
}

#[tokio::test]
async fn endpoints_are_sent_for_the_names_asked_for() {
    let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
    let mut client = World::open(plane.address, productpage()).await;
    client.ask(Kind::Endpoints, &[REVIEWS], None, None);
    let first = client.next(Kind::Endpoints).await;
    let assignment = ClusterLoadAssignment::decode(&*first.resources[0].value).unwrap();
    assert_eq!(assignment.endpoints[0].lb_endpoints.len(), 3);
    let ratings = "outbound|9080||ratings.default.svc.cluster.local";
    client.ask(Kind::Endpoints, &[REVIEWS, ratings], Some(&first), None);
    let second = client.next(Kind::Endpoints).await;
    assert_eq!(second.resources.len(), 1, "the client has the other one");
    // An answer to the first response after the second was sent says nothing.
    client.ask(Kind::Endpoints, &[ratings], Some(&first), None);
    assert!(client.silent().await);
    client.ask(Kind::Endpoints, &[ratings], Some(&second), Some("no"));
    assert!(client.silent().await);
    let streams = plane.ads.registry().all();
    let session = streams[0].session.lock();
    assert_eq!(session.kinds()[&Kind::Endpoints].refusal.as_ref().unwrap().error, "no");
}

#[tokio::test]
async fn the_same_mesh_has_the_same_versions_in_every_replica() {
    let mut versions = Vec::new();
    for _ in 0..2 {
        let plane = Plane::start(&[("bookinfo.yaml", BOOKINFO)]).await;
        let mut client = World::open(plane.address, productpage()).await;
        client.ask(Kind::Cluster, &[], None, None);
        versions.push(client.next(Kind::Cluster).await.version_info);
    }
    assert_eq!(versions[0], versions[1]);
}
