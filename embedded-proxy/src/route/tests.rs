//! Route tables as a whole, and what the tests of single parts share.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::http::{Body, Headers, Request, RequestHead, Version};
use crate::proto::{Defects, from_json};
use crate::services::{Build, for_tests};
use crate::stream::{Connection, Exchange, Scratch, StreamInfo};

/// Reads a message of that type with `read`.
pub(crate) fn read<T>(name: &str, value: &Value, read: impl Fn(&Reader<'_>) -> Option<T>) -> Result<T, String> {
    let defects = Defects::new();
    let reader = Reader::new(from_json(name, value)?, "", &defects);
    let result = read(&reader);
    drop(reader);
    defects.verdict(result).map_err(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// A request head.
pub(crate) fn head(method: &str, authority: &str, path: &str) -> RequestHead {
    RequestHead {
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        scheme: "http",
        authority: authority.into(),
        path: path.into(),
        upgrade: None,
        version: Version::Http11,
        headers: Headers::new(),
    }
}

/// An exchange with that request.
pub(crate) fn exchange(method: &str, authority: &str, path: &str, fields: &[(&'static str, &'static str)]) -> Exchange {
    let mut head = head(method, authority, path);
    for (name, value) in fields {
        head.headers.add(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let connection = Connection::plain("127.0.0.1:80".parse().unwrap(), "127.0.0.1:4711".parse().unwrap());
    Exchange {
        request: Request { head, body: Body::Empty },
        connection: Arc::new(connection),
        route: None,
        route_stale: false,
        info: StreamInfo::begin(),
        random: 7,
        scratch: Scratch::default(),
    }
}

/// A route table.
pub(crate) fn table(value: &Value, build: &Build) -> Result<Arc<RouteTable>, String> {
    read("envoy.config.route.v3.RouteConfiguration", value, |reader| RouteTable::read(reader, build)).map(Arc::new)
}

/// The name of the route that a request takes.
fn route(table: &Arc<RouteTable>, exchange: &Exchange) -> Option<String> {
    table.find(&Input::of(exchange)).map(|hit| hit.route().name.to_string())
}

fn one_host(routes: &Value) -> Value {
    json!({"name": "t", "virtual_hosts": [{"name": "h", "domains": ["*"], "routes": routes}]})
}

fn to(name: &str, matched: &Value) -> Value {
    json!({"name": name, "match": matched, "route": {"cluster": name}})
}

#[tokio::test]
async fn every_path_matcher_takes_its_paths() {
    let template = json!({"name": "t", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
        "path_template": "/t/{id}"}});
    let routes = json!([
        to("exact", &json!({"path": "/exact"})),
        to("folded", &json!({"path": "/FOLDED", "case_sensitive": false})),
        to("separated", &json!({"path_separated_prefix": "/sep"})),
        to("regex", &json!({"safe_regex": {"regex": "/r/[0-9]+"}})),
        to("template", &json!({"path_match_policy": template})),
        to("connect", &json!({"connect_matcher": {}})),
        to("prefix", &json!({"prefix": "/p"})),
    ]);
    let table = table(&one_host(&routes), &for_tests()).unwrap();
    let cases = [
        ("/exact?q#f", Some("exact")),
        ("/exact/", None),
        ("/folded", Some("folded")),
        ("/sep", Some("separated")),
        ("/sep/x", Some("separated")),
        ("/separate", None),
        ("/r/12?x", Some("regex")),
        ("/r/12/", None),
        ("/t/7", Some("template")),
        ("/t/7/8", None),
        ("/px", Some("prefix")),
        ("/P", None),
    ];
    for (path, expected) in cases {
        assert_eq!(route(&table, &exchange("GET", "h", path, &[])).as_deref(), expected, "{path}");
    }
    assert_eq!(route(&table, &exchange("CONNECT", "h:1", "", &[])).as_deref(), Some("connect"));
}

#[tokio::test]
async fn conditions_beside_the_path_all_have_to_hold() {
    let routes = json!([
        to("grpc", &json!({"prefix": "/", "grpc": {}})),
        to("query", &json!({"prefix": "/", "query_parameters": [{"name": "a", "string_match": {"exact": "1"}}]})),
        to("cookie", &json!({"prefix": "/", "cookies": [{"name": "c", "string_match": {"exact": "1"}}]})),
        to("tls", &json!({"prefix": "/", "tls_context": {"presented": false}})),
        to(
            "never",
            &json!({"prefix": "/", "runtime_fraction": {"default_value": {"numerator": 7}, "runtime_key": "k"}})
        ),
        to("headers", &json!({"prefix": "/", "headers": [{"name": "x"}, {"name": ":method", "exact_match": "GET"}]})),
    ]);
    let table = table(&one_host(&routes), &for_tests()).unwrap();
    let check = |path: &str, fields: &[(&'static str, &'static str)], expected: Option<&str>| {
        assert_eq!(route(&table, &exchange("GET", "h", path, fields)).as_deref(), expected, "{path} {fields:?}");
    };
    check("/", &[("content-type", "application/grpc+proto")], Some("grpc"));
    check("/?b&a=1", &[], Some("query"));
    check("/", &[("cookie", "b=2; c=1")], Some("cookie"));
    check("/", &[("x", "1")], Some("headers"));
    check("/", &[("content-type", "application/grpcx")], None);
    let passed = table.passed_over(&Input::of(&exchange("GET", "h", "/", &[])), None);
    let reasons: Vec<&str> = passed.iter().map(|passed| passed.because.as_str()).collect();
    assert_eq!(
        reasons[1..],
        [
            "query parameter a is \"1\"",
            "cookie c is \"1\"",
            "client certificate as asked for",
            "random share of 7 in 100",
            "header x is there"
        ]
    );
}

#[tokio::test]
async fn the_host_chooses_the_virtual_host() {
    let config = json!({"name": "t", "ignore_port_in_host_matching": true, "virtual_hosts": [
        {"name": "a", "domains": ["a.com", "*.a.com"], "routes": [to("a", &json!({"prefix": "/"}))], "require_tls": "ALL"},
        {"name": "b", "domains": ["*"], "routes": [to("b", &json!({"prefix": "/"}))]}]});
    let table = table(&config, &for_tests()).unwrap();
    assert_eq!(route(&table, &exchange("GET", "x.com:80", "/", &[])).as_deref(), Some("b"));
    let mut secure = exchange("GET", "A.com:8080", "/", &[]);
    let hit = table.find(&Input::of(&secure)).unwrap();
    assert!(matches!(hit.route().action, Action::Redirect(_)) && hit.cluster().is_none());
    secure.request.head.scheme = "https";
    assert_eq!(route(&table, &secure).as_deref(), Some("a"));
}

#[tokio::test]
async fn what_the_proxy_lacks_is_refused_by_name() {
    let build = for_tests();
    let cases = [
        (json!({"vhds": {"config_source": {"ads": {}}}}), "vhds: the proxy does not have VHDS"),
        (
            one_host(&json!([{"match": {"prefix": "/"}, "route": {"cluster": "c", "hedge_policy": {}}}])),
            "virtual_hosts[0].routes[0].route.hedge_policy: the proxy does not have this feature",
        ),
        (
            one_host(&json!([{"match": {"prefix": "/"}, "filter_action": {}}])),
            "virtual_hosts[0].routes[0].filter_action: the proxy does not have this action",
        ),
        (one_host(&json!([{"match": {"prefix": "/"}}])), "virtual_hosts[0].routes[0]: says no action"),
        (
            json!({"validate_clusters": true, "virtual_hosts": [{"name": "h", "domains": ["*"],
            "routes": [to("c", &json!({"prefix": "/"}))]}]}),
            "route: unknown cluster 'c'",
        ),
        (
            json!({"virtual_hosts": [{"name": "h", "domains": ["a", "A"]}]}),
            "virtual_hosts[0].domains: the domain A stands twice in the route table",
        ),
        (
            one_host(&json!([{"match": {"prefix": "/"}, "route": {"cluster": "c"},
            "request_headers_to_add": [{"header": {"key": "Host", "value": "x"}}]}])),
            "virtual_hosts[0].routes[0].request_headers_to_add[0].header.key: :-prefixed or host headers may not be modified",
        ),
    ];
    for (config, expected) in cases {
        assert_eq!(table(&config, &build).unwrap_err(), expected);
    }
}

#[tokio::test]
async fn header_edits_run_from_route_to_table_or_the_other_way_round() {
    let add = |value: &str| {
        json!([{"header": {"key": "x", "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"},
            {"header": {"key": "all", "value": format!("{value} %REQ(:path)%")}}])
    };
    let config = |wins: bool| {
        json!({"name": "t", "most_specific_header_mutations_wins": wins, "request_headers_to_add": add("table"),
            "virtual_hosts": [{"name": "h", "domains": ["*"], "request_headers_to_add": add("host"),
            "request_headers_to_remove": ["gone"], "routes": [{"match": {"prefix": "/"},
            "route": {"weighted_clusters": {"clusters": [{"name": "c", "weight": 1, "request_headers_to_add": add("cluster")}]}},
            "request_headers_to_add": add("route")}]}]})
    };
    for (wins, winner, order) in [
        (false, "table", ["cluster", "route", "host", "table"]),
        (true, "route", ["cluster", "table", "host", "route"]),
    ] {
        let table = table(&config(wins), &for_tests()).unwrap();
        let mut exchange = exchange("GET", "h", "/p", &[("gone", "1")]);
        let hit = table.find(&Input::of(&exchange)).unwrap();
        assert_eq!(hit.cluster(), Some("c"));
        hit.edit_request(&mut exchange);
        let headers = &exchange.request.head.headers;
        assert_eq!(headers.text(&HeaderName::from_static("x")), Some(winner));
        let all: Vec<String> =
            headers.all(&HeaderName::from_static("all")).map(|value| value.to_str().unwrap().to_string()).collect();
        assert_eq!(all, order.map(|level| format!("{level} /p")));
        assert!(!headers.has(&HeaderName::from_static("gone")));
    }
}

/// Paths and rules small enough to collide often.
fn rule() -> impl Strategy<Value = Value> {
    prop_oneof![
        "/[ab]{0,2}".prop_map(|path| json!({ "path": path })),
        "/[ab]{0,2}".prop_map(|path| json!({ "prefix": path })),
        "/[ab]{1,2}".prop_map(|path| json!({ "path_separated_prefix": path })),
    ]
}

/// What the documentation says of a rule, without the engine.
fn takes(rule: &Value, path: &str) -> bool {
    let text = |key: &str| rule[key].as_str();
    match (text("path"), text("prefix"), text("path_separated_prefix")) {
        (Some(exact), ..) => path == exact,
        (_, Some(prefix), _) => path.starts_with(prefix),
        (.., Some(prefix)) => path == prefix || path.starts_with(&format!("{prefix}/")),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_first_route_that_matches_wins(rules in proptest::collection::vec(rule(), 0..6), path in "/[ab/]{0,3}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _entered = runtime.enter();
        let named: Vec<Value> = rules.iter().enumerate().map(|(index, rule)| to(&index.to_string(), rule)).collect();
        let table = table(&one_host(&json!(named)), &for_tests()).unwrap();
        let found = route(&table, &exchange("GET", "h", &path, &[]));
        let expected = rules.iter().position(|rule| takes(rule, &path)).map(|index| index.to_string());
        prop_assert_eq!(found, expected);
    }
}
