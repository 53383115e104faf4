//! What comes out for the bookinfo application.

use std::sync::Arc;

use serde_json::Value;

use super::{Change, Interception, Kind, Node, NodeKind, Snapshot, update, xds};
use crate::dialects::lower::lower;
use crate::dialects::model::{Model, Options};
use crate::ir::{AddressPlan, Key, Mesh};

const SERVICES: &str = include_str!("../../tests/mesh/bookinfo/services.yaml");
const CANARY: &str = include_str!("../../tests/mesh/bookinfo/canary.yaml");

/// The mesh of some texts.
pub fn mesh(texts: &[&str]) -> Mesh {
    let mut model = Model::new(Options::default());
    for (at, text) in texts.iter().enumerate() {
        model.add_yaml(&format!("{at}.yaml"), (*text).to_owned(), None);
    }
    lower(&model, Some(&AddressPlan::default()))
}

/// The proxy beside a workload.
pub fn sidecar(mesh: &Mesh, namespace: &str, name: &str) -> Node {
    let workload = Arc::clone(&mesh.workloads[&Key::new(namespace, name)]);
    Node {
        id: format!("sidecar~10.0.0.1~{name}.{namespace}~{namespace}.svc.cluster.local").into(),
        kind: NodeKind::Sidecar,
        gateway: None,
        addresses: workload.addresses.iter().copied().collect(),
        workload,
        interception: Interception::Redirect,
        version: "1.27.0".into(),
        metadata: Value::Null,
    }
}

/// A resource as JSON.
pub fn json(snapshot: &Snapshot, kind: Kind, name: &str) -> Value {
    let resource = snapshot.get(kind, name).unwrap_or_else(|| {
        let names: Vec<_> = snapshot.all(kind).map(|resource| resource.name.to_string()).collect();
        panic!("no {name} among {names:?}")
    });
    let message = kind.type_url().rsplit_once('/').unwrap().1;
    embedded_proxy::proto::to_json(&embedded_proxy::proto::decode(message, &resource.body).unwrap())
}

#[test]
fn a_route_says_where_it_comes_from_and_what_it_does() {
    let mesh = mesh(&[SERVICES, CANARY]);
    let snapshot = xds(&mesh, &sidecar(&mesh, "default", "productpage-v1"));
    let host = "reviews.default.svc.cluster.local";
    let routes = json(&snapshot, Kind::Route, &format!("{host}:9080"));
    let of = |at: usize| routes["virtual_hosts"][0]["routes"][at].clone();
    assert_eq!(of(0)["name"], "jason");
    assert_eq!(of(0)["typed_per_filter_config"]["envoy.filters.http.fault"]["delay"]["fixed_delay"], "7s");
    let weights = &of(1)["route"]["weighted_clusters"]["clusters"];
    assert_eq!(weights[0]["name"], format!("outbound|9080|v1|{host}"));
    assert_eq!((weights[0]["weight"].as_u64(), weights[1]["weight"].as_u64()), (Some(90), Some(10)));
    assert_eq!(of(1)["route"]["timeout"], "3s");
    assert_eq!(of(1)["route"]["retry_policy"]["retry_on"], "5xx,retriable-status-codes");
    let metadata = &of(1)["metadata"]["filter_metadata"];
    let path = "/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews";
    assert_eq!((&metadata["istio"]["config"], &metadata["meshctl"]["field"]), (&path.into(), &"spec.http[1]".into()));
    let endpoints = json(&snapshot, Kind::Endpoints, &format!("outbound|9080|v2|{host}"));
    assert_eq!(endpoints["endpoints"][0]["lb_endpoints"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_change_makes_again_what_it_touches() {
    let old = mesh(&[SERVICES, CANARY]);
    let node = sidecar(&old, "default", "productpage-v1");
    let before = xds(&old, &node);
    let mut new = mesh(&[SERVICES, &CANARY.replace("timeout: 3s", "timeout: 4s")]);
    new.reuse(&old);
    let change = Change::between(&old, &new);
    assert!(!change.all, "{change:?}");
    let after = update(&new, &node, &before, &change);
    assert_eq!(after, xds(&new, &node));
    let different: Vec<String> = Kind::ALL
        .into_iter()
        .flat_map(|kind| after.all(kind).map(move |resource| (kind, resource)))
        .filter(|(kind, resource)| !before.get(*kind, &resource.name).is_some_and(|old| Arc::ptr_eq(old, resource)))
        .map(|(kind, resource)| format!("{} {}", kind.short(), resource.name))
        .collect();
    assert_eq!(different, ["RDS reviews.default.svc.cluster.local:9080"]);
}
