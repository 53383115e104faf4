//! Subsets: which hosts a request may go to.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::cluster::testing::{apply, build, read};
use crate::cluster::{Choice, Cluster};

/// Hosts at ports 1 to 4: v1 canary, v1, v2, v3 (as a list with v2).
fn cluster(subsets: &Value) -> Arc<Cluster> {
    apply(&config(subsets), &build())
}

fn config(subsets: &Value) -> Value {
    let labels = [
        json!({"version": "v1", "stage": "canary"}),
        json!({"version": "v1", "stage": "prod"}),
        json!({"version": "v2", "stage": "prod"}),
        json!({"version": ["v2", "v3"], "stage": "dev"}),
    ];
    let endpoint = |(index, labels): (usize, &Value)| {
        json!({"endpoint": {"address": {"socket_address": {"address": "10.0.0.1", "port_value": index + 1}}},
               "metadata": {"filter_metadata": {"envoy.lb": labels}}})
    };
    let endpoints: Vec<Value> = labels.iter().enumerate().map(endpoint).collect();
    json!({"name": "c", "lb_subset_config": subsets,
           "load_assignment": {"cluster_name": "c", "endpoints": [{"lb_endpoints": endpoints}]}})
}

/// The ports that requests with these values go to, sorted.
fn ports(cluster: &Cluster, wanted: &Value) -> Vec<u16> {
    let wanted = wanted.as_object().unwrap();
    let mut subset: Vec<(String, Value)> = wanted.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    subset.sort_by(|one, other| one.0.cmp(&other.0));
    let pick = |random| cluster.pick(&Choice { subset: &subset, random, ..Choice::default() });
    let mut ports: Vec<u16> = (0..64).filter_map(pick).filter_map(|host| host.address.port()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[tokio::test]
async fn a_request_goes_to_its_subset_or_falls_back() {
    let selectors = json!([{"keys": ["version"]}, {"keys": ["stage", "version"]}]);
    let nothing = cluster(&json!({"subset_selectors": selectors}));
    assert_eq!(ports(&nothing, &json!({"version": "v1"})), [1, 2]);
    assert_eq!(ports(&nothing, &json!({"version": "v1", "stage": "prod"})), [2]);
    for other in [json!({}), json!({"version": "v9"}), json!({"stage": "prod"}), json!({"version": "v1", "x": "y"})] {
        assert!(ports(&nothing, &other).is_empty(), "{other}");
    }
    let any = cluster(&json!({"subset_selectors": selectors, "fallback_policy": "ANY_ENDPOINT"}));
    assert_eq!(ports(&any, &json!({"version": "v9"})), [1, 2, 3, 4]);
    let default = cluster(&json!({
        "subset_selectors": selectors, "fallback_policy": "DEFAULT_SUBSET", "default_subset": {"stage": "prod"}}));
    assert_eq!(ports(&default, &json!({})), [2, 3]);
    assert_eq!(default.scope.gauge("lb_subsets_active").value(), 7);
    assert!(default.scope.counter("lb_subsets_fallback").value() > 0);
    ports(&default, &json!({"version": "v2"}));
    assert_eq!(default.scope.counter("lb_subsets_selected").value(), 64);
}

#[tokio::test]
async fn selectors_have_fallbacks_of_their_own() {
    let cluster = cluster(&json!({
    "fallback_policy": "ANY_ENDPOINT",
    "subset_selectors": [
        {"keys": ["version"], "fallback_policy": "NO_FALLBACK"},
        {"keys": ["stage", "version"], "fallback_policy": "KEYS_SUBSET", "fallback_keys_subset": ["version"]},
    ]}));
    assert!(ports(&cluster, &json!({"version": "v9"})).is_empty());
    assert_eq!(
        ports(&cluster, &json!({"version": "v2", "stage": "canary"})),
        [3],
        "as if only the version were asked for"
    );
    assert_eq!(ports(&cluster, &json!({"other": "x"})), [1, 2, 3, 4]);
}

#[tokio::test]
async fn lists_alternatives_and_redundant_keys() {
    let lists = cluster(&json!({"list_as_any": true, "subset_selectors": [{"keys": ["version"]}]}));
    assert_eq!(ports(&lists, &json!({"version": "v2"})), [3, 4]);
    assert_eq!(ports(&lists, &json!({"version": "v3"})), [4]);
    let alternatives = cluster(&json!({
        "metadata_fallback_policy": "FALLBACK_LIST", "subset_selectors": [{"keys": ["version"]}]}));
    let wanted = json!({"fallback_list": [{"version": "v8"}, {"version": "v2"}, {"version": "v1"}]});
    assert_eq!(ports(&alternatives, &wanted), [3]);
    let child = json!({"policies": [{"typed_extension_config": {"name": "r", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random"}}}]});
    let mut config = config(&json!({}));
    config.as_object_mut().unwrap().remove("lb_subset_config");
    config["load_balancing_policy"] = json!({"policies": [{"typed_extension_config": {"name": "s", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.subset.v3.Subset",
        "allow_redundant_keys": true, "subset_selectors": [{"keys": ["version"]}], "subset_lb_policy": child}}}]});
    let redundant = apply(&config, &build());
    assert_eq!(ports(&redundant, &json!({"version": "v1", "x": "y"})), [1, 2]);
}

#[tokio::test]
async fn a_fallback_without_hosts_may_take_any() {
    let cluster = cluster(&json!({
        "fallback_policy": "DEFAULT_SUBSET", "default_subset": {"stage": "gone"}, "panic_mode_any": true,
        "subset_selectors": [{"keys": ["version"]}]}));
    assert_eq!(ports(&cluster, &json!({})), [1, 2, 3, 4]);
    assert_eq!(cluster.scope.counter("lb_subsets_fallback_panic").value(), 64);
}

#[tokio::test]
async fn wrong_selectors_are_refused_and_subsets_without_selectors_are_off() {
    let wrong = config(&json!({"subset_selectors": [
        {"keys": ["a"], "fallback_policy": "KEYS_SUBSET", "fallback_keys_subset": ["b"]}]}));
    let defects = read(&wrong, &build()).unwrap_err();
    assert_eq!(defects[0].path, "lb_subset_config.subset_selectors[0].fallback_keys_subset");
    let off = cluster(&json!({"fallback_policy": "NO_FALLBACK"}));
    assert_eq!(ports(&off, &json!({"version": "v1"})), [1, 2, 3, 4]);
}
