//! Bootstraps that nobody wrote: whatever stands in one, it is refused or built, and nothing panics.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Server;
use crate::bootstrap::Bootstrap;

/// A bootstrap with a bit of everything.
fn seed() -> Value {
    json!({
        "node": { "id": "a", "cluster": "b", "metadata": { "x": [1, { "y": null }] } },
        "admin": { "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } } },
        "layered_runtime": { "layers": [{ "name": "a", "static_layer": { "re2.max_program_size": 1 } }] },
        "dynamic_resources": { "cds_config": { "path_config_source": { "path": "/nowhere.yaml" } } },
        "static_resources": {
            "clusters": [{
                "name": "c", "type": "STATIC", "connect_timeout": "1s", "lb_policy": "RING_HASH",
                "circuit_breakers": { "thresholds": [{ "max_connections": 1 }] },
                "load_assignment": { "cluster_name": "c", "endpoints": [{ "lb_endpoints": [{ "endpoint": {
                    "address": { "socket_address": { "address": "127.0.0.1", "port_value": 1 } },
                } }] }] },
            }],
            "listeners": [{
                "name": "l",
                "address": { "socket_address": { "address": "127.0.0.1", "port_value": 0 } },
                "filter_chains": [{ "filters": [{ "name": "http", "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
                    "stat_prefix": "h",
                    "route_config": { "name": "r", "virtual_hosts": [{ "name": "v", "domains": ["*"], "routes": [{
                        "match": { "safe_regex": { "regex": "/a.*" } },
                        "route": { "cluster": "c", "timeout": "1.5s", "hash_policy": [{ "header": { "header_name": "x" } }] },
                    }] }] },
                    "http_filters": [{ "name": "router", "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                    } }],
                } }] }],
            }],
            "secrets": [{ "name": "s", "generic_secret": { "secret": { "inline_string": "x" } } }],
        },
    })
}

/// Values that stand in wrong places.
fn odd() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~]{0,12}".prop_map(Value::from),
        Just(json!("-1s")),
        Just(json!("315576000001s")),
        Just(json!("::1")),
        Just(json!("(((")),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{}, {}])),
        Just(json!({ "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster" })),
        Just(Value::Object(Map::new())),
    ]
}

/// How many values there are below, this one included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

/// Replaces the value number `at`, counted from the outside.
fn replace(value: &mut Value, at: &mut usize, odd: &Value) {
    if *at == 0 {
        value.clone_from(odd);
    }
    *at = at.wrapping_sub(1);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, at, odd)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, at, odd)),
        _ => {}
    }
}

#[test]
fn the_seed_is_good() {
    let bootstrap = Bootstrap::from_json(&seed()).unwrap();
    Server::validate(&bootstrap).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn odd_values_are_refused_or_built(places in proptest::collection::vec((any::<prop::sample::Index>(), odd()), 1..3)) {
        let mut bootstrap = seed();
        for (place, odd) in places {
            let mut at = place.index(count(&bootstrap));
            replace(&mut bootstrap, &mut at, &odd);
        }
        if let Ok(bootstrap) = Bootstrap::from_json(&bootstrap) {
            let _ = Server::validate(&bootstrap);
        }
    }
}
