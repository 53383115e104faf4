//! Trees as control planes write them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::text::tests::read;
use super::*;

fn tree(value: &Value) -> Result<MatchTree<String>, String> {
    read("xds.type.matcher.v3.Matcher", value, |reader| {
        MatchTree::read(reader, Level::Accepted, |name, config| match name {
            "google.protobuf.StringValue" => config.opt_text("value"),
            _ => None,
        })
    })
}

fn input(kind: &str) -> Value {
    let name = format!("type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.{kind}");
    json!({"name": "input", "typed_config": {"@type": name}})
}

fn action(name: &str) -> Value {
    let action = json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": name});
    json!({"action": {"name": name, "typed_config": action}})
}

fn on_match(tree: &Value) -> Value {
    json!({ "matcher": tree })
}

/// Where a connection to that address from that one goes.
fn go(tree: &MatchTree<String>, local: &str, remote: &str, server_name: &str) -> String {
    let (state, metadata) = (BTreeMap::new(), BTreeMap::from([("ns".to_string(), json!({"k": {"l": 7}}))]));
    let address = |text: &str| crate::net::Address::Ip(text.parse().unwrap());
    let (local, remote) = (address(local), address(remote));
    let protocols = ["h2".to_string(), "http/1.1".to_string()];
    let values = Network {
        local: &local,
        remote: &remote,
        peer: &remote,
        server_name,
        transport_protocol: "tls",
        application_protocols: &protocols,
        state: &state,
        metadata: &metadata,
    };
    tree.find(&values).cloned().unwrap_or_default()
}

/// The tree of an Istio waypoint: by destination range, then by port.
#[test]
fn ranges_lead_to_ports_and_fall_back() {
    let ports = |name: &str| json!({"matcher_tree": {"input": input("DestinationPortInput"), "exact_match_map": {"map": {"80": action(name)}}}});
    let range = |prefix: &str, length: u32, next: Value| json!({"ranges": [{"address_prefix": prefix, "prefix_len": length}], "on_match": next});
    let mut wide = range("10.0.0.0", 8, action("wide"));
    let ip = |wide: &Value| {
        let name = "type.googleapis.com/xds.type.matcher.v3.IPMatcher";
        let ranges = [wide.clone(), range("10.1.0.0", 16, on_match(&ports("port")))];
        let matcher = json!({"name": "ip", "typed_config": {"@type": name, "range_matchers": ranges}});
        tree(&json!({
            "matcher_tree": {"input": input("DestinationIPInput"), "custom_match": matcher},
            "on_no_match": action("else"),
        }))
        .unwrap()
    };
    let tree = ip(&wide);
    assert_eq!(go(&tree, "10.1.2.3:80", "1.1.1.1:1", ""), "port");
    assert_eq!(go(&tree, "10.1.2.3:81", "1.1.1.1:1", ""), "wide");
    assert_eq!(go(&tree, "10.2.2.3:80", "1.1.1.1:1", ""), "wide");
    assert_eq!(go(&tree, "[::ffff:10.1.2.3]:80", "1.1.1.1:1", ""), "port");
    assert_eq!(go(&tree, "11.1.2.3:80", "1.1.1.1:1", ""), "else");
    wide["exclusive"] = json!(true);
    let tree = ip(&wide);
    assert_eq!(go(&tree, "10.1.2.3:81", "1.1.1.1:1", ""), "else");
    assert_eq!(go(&tree, "10.2.2.3:80", "1.1.1.1:1", ""), "wide");
    assert_eq!(tree.actions(), ["wide", "port", "else"]);
}

#[test]
fn names_are_taken_most_specific_first() {
    let name = "type.googleapis.com/xds.type.matcher.v3.ServerNameMatcher";
    let domains = |all: &[(&str, Value)]| {
        let all: Vec<Value> = all.iter().map(|(name, next)| json!({"domains": [name], "on_match": next})).collect();
        let matcher = json!({"name": "names", "typed_config": {"@type": name, "domain_matchers": all}});
        tree(&json!({"matcher_tree": {"input": input("ServerNameInput"), "custom_match": matcher}}))
    };
    let mut keep = action("kept");
    keep["keep_matching"] = json!(true);
    let tree = domains(&[
        ("*", action("any")),
        ("*.example.com", action("wild")),
        ("*.b.example.com", keep),
        ("a.example.com", action("exact")),
    ])
    .unwrap();
    let cases = [
        ("a.example.com", "exact"),
        ("x.a.example.com", "wild"),
        ("x.b.example.com", "wild"),
        ("example.com", "any"),
        ("other", "any"),
        ("", ""),
    ];
    for (name, wanted) in cases {
        assert_eq!(go(&tree, "10.1.2.3:80", "1.1.1.1:1", name), wanted, "{name}");
    }
    for wrong in ["", "a*", "*a", "*.", "*.*.a", ".a"] {
        assert!(domains(&[(wrong, action("x"))]).is_err(), "{wrong:?}");
    }
    assert!(domains(&[("a", action("x")), ("a", action("y"))]).unwrap_err().contains("is there twice"));
}

#[test]
fn lists_take_the_first_condition_that_leads_somewhere() {
    let value = |kind: &str, test: Value| json!({"single_predicate": {"input": input(kind), "value_match": test}});
    let custom = |input: Value, test: Value| {
        let extension = json!({"name": "custom", "typed_config": test});
        json!({"single_predicate": {"input": input, "custom_match": extension}})
    };
    let ranges = json!({
        "@type": "type.googleapis.com/envoy.extensions.matching.input_matchers.ip.v3.Ip",
        "stat_prefix": "x", "cidr_ranges": [{"address_prefix": "9.0.0.0", "prefix_len": 8}],
    });
    let metadata = json!({
        "name": "m", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput",
            "filter": "ns", "path": [{"key": "k"}, {"key": "l"}],
        }
    });
    let seven = json!({
        "@type": "type.googleapis.com/envoy.extensions.matching.input_matchers.metadata.v3.Metadata",
        "value": {"double_match": {"exact": 7}},
    });
    let both = json!({"and_matcher": {"predicate": [
        value("ApplicationProtocolInput", json!({"exact": "'h2','http/1.1'"})),
        {"not_matcher": value("SourceTypeInput", json!({"exact": "local"}))},
    ]}});
    let either = json!({"or_matcher": {"predicate": [
        value("SourcePortInput", json!({"exact": "4"})),
        value("TransportProtocolInput", json!({"exact": "raw_buffer"})),
    ]}});
    let step = |predicate: &Value, next: Value| json!({"predicate": predicate, "on_match": next});
    let nowhere = json!({"matcher_list": {"matchers": [step(&either, action("never"))]}});
    let list = |steps: Vec<Value>| json!({"matcher_list": {"matchers": steps}});
    let tree = tree(&list(vec![
        step(&either, action("port")),
        step(&both, on_match(&nowhere)),
        step(&custom(input("SourceIPInput"), ranges), action("nine")),
        step(&custom(metadata, seven), action("seven")),
    ]))
    .unwrap();
    assert_eq!(go(&tree, "10.1.2.3:80", "1.1.1.1:4", ""), "port");
    assert_eq!(go(&tree, "10.1.2.3:80", "9.1.1.1:5", ""), "nine");
    assert_eq!(go(&tree, "10.1.2.3:80", "1.1.1.1:5", ""), "seven");
}

#[test]
fn the_longest_beginning_is_tried_first() {
    let mut kept = action("kept");
    kept["keep_matching"] = json!(true);
    let map = json!({"map": {"a.": action("a"), "a.b.": kept, "a.b.c.": action("abc"), "": action("empty")}});
    let tree = tree(&json!({"matcher_tree": {"input": input("ServerNameInput"), "prefix_match_map": map}})).unwrap();
    for (name, wanted) in [("a.b.c.d", "abc"), ("a.b.d", "a"), ("a.x", "a"), ("b", "empty"), ("", "")] {
        assert_eq!(go(&tree, "10.1.2.3:80", "1.1.1.1:4", name), wanted, "{name}");
    }
}

#[test]
fn what_the_place_does_not_know_is_a_defect() {
    let of = |input: Value| {
        let map = json!({"map": {"x": action("x")}});
        tree(&json!({"matcher_tree": {"input": input, "exact_match_map": map}})).unwrap_err()
    };
    let extension = |name: &str| json!({"name": "i", "typed_config": {"@type": format!("type.googleapis.com/{name}")}});
    let ssl = of(extension("envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput"));
    assert!(ssl.contains("matcher_tree.input.typed_config") && ssl.contains("is not known at this place"), "{ssl}");
    let header = "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
    let header = of(json!({"name": "i", "typed_config": {"@type": header, "header_name": "x"}}));
    assert!(header.contains("is not known at this place"), "{header}");
    let unknown = of(extension("envoy.extensions.matching.common_inputs.network.v3.NetworkNamespaceInput"));
    assert!(unknown.contains("the proxy does not have the input"), "{unknown}");
    let structure = "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.DynamicMetadataInput";
    let structure =
        of(json!({"name": "i", "typed_config": {"@type": structure, "filter": "ns", "path": [{"key": "k"}]}}));
    assert!(structure.contains("has no text that could be looked up"), "{structure}");
}
