//! Both variants of the protocol against a control plane that is a few lines of the test.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryResponse, DiscoveryResponse, Resource};
use envoy_types::pb::google::protobuf::Any;
use proptest::prelude::*;
use prost::Message as _;

use super::Kind;
use super::delivered::{Delivered, Take, Wanted};
use super::delta::Delta;
use super::sotw::Sotw;

/// Remembers what it was given; refuses what is called `bad` or holds that word.
#[derive(Debug, Default)]
struct Taken {
    now: BTreeMap<String, Vec<u8>>,
    log: Vec<String>,
}

impl Take for Taken {
    fn put(&mut self, _: Kind, resource: &Delivered) -> Result<(), String> {
        if resource.bytes.windows(3).any(|word| word == b"bad") {
            return Err("lb_policy: the proxy does not have it".into());
        }
        self.log.push(format!("+{}", resource.name));
        self.now.insert(resource.name.clone(), resource.bytes.to_vec());
        Ok(())
    }

    fn remove(&mut self, _: Kind, name: &str) {
        self.log.push(format!("-{name}"));
        self.now.remove(name);
    }
}

impl Taken {
    fn log(&mut self) -> String {
        std::mem::take(&mut self.log).join(" ")
    }
}

/// Bytes that have a name in field 1, as all kinds have, and some content in field 2.
fn bytes(name: &str, content: &str) -> Vec<u8> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Two {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(string, tag = "2")]
        content: String,
    }
    Two { name: name.into(), content: content.into() }.encode_to_vec()
}

fn any(kind: Kind, name: &str, content: &str) -> Any {
    Any { type_url: kind.url(), value: bytes(name, content) }
}

fn whole(kind: Kind, version: &str, nonce: &str, resources: &[(&str, &str)]) -> DiscoveryResponse {
    DiscoveryResponse {
        version_info: version.into(),
        nonce: nonce.into(),
        type_url: kind.url(),
        resources: resources.iter().map(|(name, content)| any(kind, name, content)).collect(),
        ..DiscoveryResponse::default()
    }
}

fn wrapped(kind: Kind, name: &str, version: &str, content: Option<&str>, ttl: Option<u64>) -> Resource {
    Resource {
        name: name.into(),
        version: version.into(),
        resource: content.map(|content| any(kind, name, content)),
        ttl: ttl.map(|seconds| envoy_types::pb::google::protobuf::Duration {
            seconds: i64::try_from(seconds).unwrap(),
            nanos: 0,
        }),
        ..Resource::default()
    }
}

fn changes(kind: Kind, nonce: &str, changed: &[(&str, &str, &str)], removed: &[&str]) -> DeltaDiscoveryResponse {
    DeltaDiscoveryResponse {
        nonce: nonce.into(),
        type_url: kind.url(),
        resources: changed
            .iter()
            .map(|(name, version, content)| wrapped(kind, name, version, Some(content), None))
            .collect(),
        removed_resources: removed.iter().map(ToString::to_string).collect(),
        ..DeltaDiscoveryResponse::default()
    }
}

fn names(names: &[&str]) -> Wanted {
    Wanted::Names(names.iter().map(ToString::to_string).collect())
}

#[test]
fn acks_and_nacks_carry_nonce_and_the_last_good_version() {
    let (mut sotw, mut taken) = (Sotw::new(Some(Node::default())), Taken::default());
    let first = sotw.want(Kind::Cluster, &Wanted::All).unwrap();
    assert!(first.node.is_some() && first.version_info.is_empty() && first.resource_names.is_empty());
    assert!(sotw.want(Kind::Cluster, &Wanted::All).is_none(), "asked once");
    let (_, ack) = sotw.receive(whole(Kind::Cluster, "1", "n1", &[("a", "x"), ("b", "x")]), &mut taken).unwrap();
    assert_eq!((ack.version_info.as_str(), ack.response_nonce.as_str(), &ack.error_detail), ("1", "n1", &None));
    assert!(ack.node.is_none(), "the node is sent once a stream");
    let (_, nack) = sotw.receive(whole(Kind::Cluster, "2", "n2", &[("a", "bad"), ("c", "x")]), &mut taken).unwrap();
    assert_eq!((nack.version_info.as_str(), nack.response_nonce.as_str()), ("1", "n2"));
    let detail = nack.error_detail.unwrap();
    assert_eq!(detail.code, 3);
    assert_eq!(detail.message, "Error adding/updating cluster(s) a: lb_policy: the proxy does not have it");
    assert_eq!(taken.log(), "+a +b +c -b", "the good ones are taken, a stays, b is gone");
    assert_eq!(taken.now["a"], bytes("a", "x"));
}

#[test]
fn only_what_changed_is_taken_and_only_whole_kinds_lose_what_is_left_out() {
    let (mut sotw, mut taken) = (Sotw::new(None), Taken::default());
    sotw.want(Kind::Endpoint, &names(&["a", "b"]));
    sotw.receive(whole(Kind::Endpoint, "1", "1", &[("a", "x"), ("b", "x"), ("stranger", "x")]), &mut taken);
    sotw.receive(whole(Kind::Endpoint, "2", "2", &[("a", "y")]), &mut taken);
    assert_eq!(taken.log(), "+a +b +a", "what was not asked for is left alone");
    sotw.want(Kind::Listener, &Wanted::All);
    sotw.receive(whole(Kind::Listener, "1", "1", &[("a", "x"), ("b", "x")]), &mut taken);
    sotw.receive(whole(Kind::Listener, "2", "2", &[("c", "x"), ("a", "x")]), &mut taken);
    assert_eq!(taken.log(), "+a +b -b +c", "the old listener goes before the new one comes");
}

#[test]
fn a_new_stream_asks_again_and_keeps_what_it_had() {
    let (mut sotw, mut taken) = (Sotw::new(Some(Node::default())), Taken::default());
    sotw.want(Kind::Cluster, &Wanted::All);
    sotw.receive(whole(Kind::Cluster, "1", "n1", &[("a", "x")]), &mut taken);
    taken.log();
    sotw.connected();
    let again = sotw.want(Kind::Cluster, &Wanted::All).unwrap();
    assert_eq!((again.version_info.as_str(), again.response_nonce.as_str()), ("1", ""));
    assert!(again.node.is_some());
    sotw.receive(whole(Kind::Cluster, "1", "m1", &[("a", "x")]), &mut taken);
    assert_eq!(taken.log(), "", "nothing changed");
}

#[test]
fn names_come_and_go() {
    let (mut sotw, mut delta) = (Sotw::new(None), Delta::new(None));
    assert!(
        sotw.want(Kind::Route, &Wanted::nothing()).is_none() && delta.want(Kind::Route, &Wanted::nothing()).is_none()
    );
    assert_eq!(sotw.want(Kind::Route, &names(&["a"])).unwrap().resource_names, ["a"]);
    assert_eq!(sotw.want(Kind::Route, &names(&["a", "b"])).unwrap().resource_names, ["a", "b"]);
    assert_eq!(sotw.want(Kind::Route, &Wanted::nothing()).unwrap().resource_names, [""; 0]);
    assert_eq!(delta.want(Kind::Route, &names(&["a", "b"])).unwrap().resource_names_subscribe, ["a", "b"]);
    let request = delta.want(Kind::Route, &names(&["b", "c"])).unwrap();
    assert_eq!(
        (&request.resource_names_subscribe[..], &request.resource_names_unsubscribe[..]),
        (&["c".to_string()][..], &["a".to_string()][..])
    );
}

#[test]
fn delta_takes_changes_one_by_one_and_resumes_with_versions() {
    let (mut delta, mut taken) = (Delta::new(Some(Node::default())), Taken::default());
    let first = delta.want(Kind::Cluster, &Wanted::All).unwrap();
    assert!(first.node.is_some() && first.resource_names_subscribe.is_empty());
    let response = changes(Kind::Cluster, "1", &[("a", "v1", "x"), ("b", "v1", "bad"), ("c", "v1", "x")], &[]);
    let (_, nack) = delta.receive(response, &mut taken).unwrap();
    assert_eq!(nack.response_nonce, "1");
    assert!(nack.error_detail.unwrap().message.contains("b: lb_policy"));
    let (_, ack) = delta.receive(changes(Kind::Cluster, "2", &[("a", "v2", "y")], &["c"]), &mut taken).unwrap();
    assert_eq!(ack.error_detail, None);
    assert_eq!(taken.log(), "+a +c +a -c");
    delta.connected();
    let again = delta.want(Kind::Cluster, &Wanted::All).unwrap();
    let versions: BTreeMap<String, String> = again.initial_resource_versions.into_iter().collect();
    assert_eq!(versions, BTreeMap::from([("a".into(), "v2".into())]), "what was refused is asked for again");
}

#[test]
fn damaged_resources_are_named_and_remove_nothing() {
    let (mut sotw, mut taken) = (Sotw::new(None), Taken::default());
    sotw.want(Kind::Cluster, &Wanted::All);
    sotw.receive(whole(Kind::Cluster, "1", "1", &[("a", "x"), ("b", "x")]), &mut taken);
    let mut response = whole(Kind::Cluster, "2", "2", &[("a", "x")]);
    response.resources.push(Any { type_url: Kind::Cluster.url(), value: vec![0xff; 9] });
    response.resources.push(any(Kind::Listener, "l", "x"));
    let (_, nack) = sotw.receive(response, &mut taken).unwrap();
    let message = nack.error_detail.unwrap().message;
    assert!(message.contains("resources[1]") && message.contains("resources[2]"), "{message}");
    assert_eq!(taken.log(), "+a +b");
    let twice = whole(Kind::Cluster, "3", "3", &[("a", "x"), ("b", "x"), ("a", "y")]);
    let (_, nack) = sotw.receive(twice, &mut taken).unwrap();
    assert!(nack.error_detail.unwrap().message.contains("twice"));
    assert!(sotw.receive(whole(Kind::Secret, "1", "1", &[]), &mut taken).is_none(), "nobody asked");
}

#[tokio::test(start_paused = true)]
async fn resources_with_a_time_to_live_end_without_heartbeats() {
    let (mut delta, mut taken) = (Delta::new(None), Taken::default());
    delta.want(Kind::Cluster, &Wanted::All);
    let mut response = changes(Kind::Cluster, "1", &[], &[]);
    response.resources =
        vec![wrapped(Kind::Cluster, "a", "1", Some("x"), Some(10)), wrapped(Kind::Cluster, "b", "1", Some("x"), None)];
    delta.receive(response, &mut taken);
    tokio::time::advance(Duration::from_secs(8)).await;
    let mut heartbeat = changes(Kind::Cluster, "2", &[], &[]);
    heartbeat.resources = vec![wrapped(Kind::Cluster, "a", "1", None, Some(10))];
    delta.receive(heartbeat, &mut taken);
    let expire = |delta: &mut Delta, taken: &mut Taken| {
        delta.in_use().for_each(|(kind, in_use)| in_use.expire(kind, taken));
    };
    tokio::time::advance(Duration::from_secs(8)).await;
    expire(&mut delta, &mut taken);
    assert_eq!(taken.log(), "+a +b");
    tokio::time::advance(Duration::from_secs(3)).await;
    expire(&mut delta, &mut taken);
    assert_eq!(taken.log(), "-a");
}

/// What happens at the control plane: a resource is set to a content, or deleted.
type Step = (u8, Option<u8>);

fn world(steps: &[Step]) -> BTreeMap<String, String> {
    let mut world = BTreeMap::new();
    for (name, content) in steps {
        let name = format!("r{name}");
        match content {
            Some(content) => world.insert(name, format!("c{content}")),
            None => world.remove(&name),
        };
    }
    world
}

proptest! {
    /// However the steps are cut into responses, and wherever the stream breaks, the proxy ends with the state of the
    /// control plane, in both variants.
    #[test]
    fn any_order_of_deliveries_ends_in_the_same_state(
        steps in proptest::collection::vec((0u8..5, proptest::option::of(0u8..3)), 1..20),
        cuts in proptest::collection::vec(proptest::arbitrary::any::<(bool, bool)>(), 20),
    ) {
        let (mut sotw, mut delta) = (Sotw::new(None), Delta::new(None));
        let (mut one, mut other) = (Taken::default(), Taken::default());
        sotw.want(Kind::Cluster, &Wanted::All);
        delta.want(Kind::Cluster, &Wanted::All);
        let mut sent = BTreeMap::new();
        for end in 1..=steps.len() {
            let (respond, reconnect) = cuts[end - 1];
            if reconnect {
                sotw.connected();
                delta.connected();
                sotw.want(Kind::Cluster, &Wanted::All);
                let versions = delta.want(Kind::Cluster, &Wanted::All).unwrap().initial_resource_versions;
                let known: BTreeSet<&String> = versions.keys().collect();
                prop_assert_eq!(known, sent.keys().collect::<BTreeSet<_>>());
            }
            if !respond && end < steps.len() {
                continue;
            }
            let now = world(&steps[..end]);
            let all: Vec<(&str, &str)> = now.iter().map(|(name, content)| (name.as_str(), content.as_str())).collect();
            sotw.receive(whole(Kind::Cluster, &end.to_string(), "n", &all), &mut one);
            let changed: Vec<(&str, &str, &str)> = now.iter()
                .filter(|(name, content)| sent.get(*name) != Some(*content))
                .map(|(name, content)| (name.as_str(), content.as_str(), content.as_str())).collect();
            let removed: Vec<&str> = sent.keys().filter(|name| !now.contains_key(*name)).map(String::as_str).collect();
            delta.receive(changes(Kind::Cluster, "n", &changed, &removed), &mut other);
            sent = now;
        }
        let wanted: BTreeMap<String, Vec<u8>> =
            world(&steps).iter().map(|(name, content)| (name.clone(), bytes(name, content))).collect();
        prop_assert_eq!(&one.now, &wanted);
        prop_assert_eq!(&other.now, &wanted);
    }
}
