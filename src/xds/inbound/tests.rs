//! What the inbound side does with connections and requests.

use std::sync::Arc;

use crate::ir::{Mesh, MutualTls, MutualTlsMode, Origin, Protocol, Scope};
use crate::xds::testing::{Answer, bytes, load, mesh, mutual, node, plain, service, workload};
use crate::xds::{Interception, Kind, NodeKind};

const CALLER: &str = "spiffe://cluster.local/ns/shop/sa/web";

fn shop(protocol: Protocol, mode: MutualTlsMode, ports: &[(u16, MutualTlsMode)]) -> Mesh {
    let policy = MutualTls {
        origin: Origin::default(),
        scope: Scope::Mesh,
        mode: Some(mode),
        ports: ports.iter().map(|(port, mode)| (*port, (Some(*mode), Origin::default()))).collect(),
    };
    mesh(vec![service("shop", "cart", 80, 8080, protocol)], vec![workload("shop", "cart", "10.1.0.1")], |mesh| {
        mesh.mutual_tls.push(Arc::new(policy));
    })
}

fn get(port: u16) -> embedded_proxy::decide::Question {
    plain("10.1.0.9:40000", &format!("10.1.0.1:{port}"), "GET", "cart", "/")
}

#[test]
fn strict_takes_mutual_tls_only() {
    for protocol in [Protocol::Http, Protocol::Detect] {
        let mesh = shop(protocol, MutualTlsMode::Strict, &[]);
        let (_, loaded) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
        assert_eq!(loaded.answer("virtualInbound", &get(8080)), Answer::Closed);
        let secure = loaded.answer("virtualInbound", &mutual(get(8080), CALLER));
        assert_eq!(secure, Answer::Cluster("inbound|8080||".into()), "{protocol:?}");
        // A port that no service has is no way around it.
        assert_eq!(loaded.answer("virtualInbound", &get(9999)), Answer::Closed);
        assert_eq!(loaded.answer("virtualInbound", &bytes(get(9999))), Answer::Closed);
        assert_eq!(
            loaded.answer("virtualInbound", &mutual(get(9999), CALLER)),
            Answer::Cluster("InboundPassthroughCluster".into())
        );
    }
}

#[test]
fn permissive_takes_both_and_off_takes_plain() {
    for mode in [MutualTlsMode::Permissive, MutualTlsMode::Off] {
        let mesh = shop(Protocol::Http, mode, &[]);
        let (_, loaded) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
        let to_process = || Answer::Cluster("inbound|8080||".into());
        assert_eq!(loaded.answer("virtualInbound", &get(8080)), to_process());
        let secure = loaded.answer("virtualInbound", &mutual(get(8080), CALLER));
        let want = if mode == MutualTlsMode::Permissive { to_process() } else { Answer::Closed };
        assert_eq!(secure, want, "{mode:?}");
    }
}

#[test]
fn a_port_may_be_an_exception() {
    let mesh = shop(Protocol::Http, MutualTlsMode::Strict, &[(8080, MutualTlsMode::Off), (9000, MutualTlsMode::Off)]);
    let (_, loaded) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
    assert_eq!(loaded.answer("virtualInbound", &get(8080)), Answer::Cluster("inbound|8080||".into()));
    assert_eq!(loaded.answer("virtualInbound", &get(9000)), Answer::Cluster("InboundPassthroughCluster".into()));
    assert_eq!(loaded.answer("virtualInbound", &get(9001)), Answer::Closed);
}

#[test]
fn nothing_comes_back_to_the_listener_itself() {
    let mesh = shop(Protocol::Http, MutualTlsMode::Permissive, &[]);
    let (_, loaded) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
    let answer = loaded.answer("virtualInbound", &get(15006));
    assert!(matches!(&answer, Answer::Bytes(text) if text.contains("BlackHoleCluster")), "{answer:?}");
}

#[test]
fn without_redirection_ports_are_bound_and_lead_to_the_process() {
    let mesh = shop(Protocol::Http, MutualTlsMode::Strict, &[]);
    let mut node = node(&mesh, "shop", "cart", NodeKind::Sidecar);
    node.interception =
        Interception::Explicit { outbound: "127.0.0.1:15001".parse().unwrap(), process: "127.8.0.1".parse().unwrap() };
    let (snapshot, loaded) = load(&mesh, &node);
    assert_eq!(loaded.answer("virtualInbound", &get(8080)), Answer::Closed);
    let listener = snapshot.get(Kind::Listener, "virtualInbound").unwrap();
    let text = crate::xds::testing::json(Kind::Listener, listener);
    assert_eq!(text["address"]["socket_address"]["address"], "10.1.0.1");
    assert_eq!(text["additional_addresses"][0]["address"]["socket_address"]["port_value"], 8080);
    let cluster = crate::xds::testing::json(Kind::Cluster, snapshot.get(Kind::Cluster, "inbound|8080||").unwrap());
    let endpoint = &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"];
    assert_eq!(endpoint["socket_address"]["address"], "127.8.0.1");
}

#[test]
fn rates_of_all_and_of_some_requests_are_limited() {
    let limit = |path: Option<&str>| crate::ir::RateLimit {
        origin: Origin::default(),
        scope: Scope::Mesh,
        port: Some(8080),
        matches: path
            .map(|path| crate::ir::HttpMatch {
                path: Some(crate::ir::PathMatch { test: crate::ir::PathTest::Prefix(path.into()), ignore_case: false }),
                ..crate::ir::HttpMatch::default()
            })
            .into_iter()
            .collect(),
        burst: 5,
        refill: 5,
        interval: std::time::Duration::from_secs(1),
        status: 429,
        headers: crate::ir::HeaderEdit::default(),
        enabled: crate::ir::Share::ALL,
        enforced: crate::ir::Share::ALL,
    };
    let mut mesh = shop(Protocol::Http, MutualTlsMode::Permissive, &[]);
    mesh.rate_limits = vec![Arc::new(limit(None)), Arc::new(limit(Some("/slow")))];
    let (snapshot, loaded) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
    assert_eq!(loaded.answer("virtualInbound", &get(8080)), Answer::Cluster("inbound|8080||".into()));
    let listener = crate::xds::testing::json(Kind::Listener, snapshot.get(Kind::Listener, "virtualInbound").unwrap());
    let chains = listener["filter_chains"].as_array().unwrap();
    let chain = chains.iter().find(|chain| chain["name"] == "0.0.0.0_8080").unwrap();
    let manager = &chain["filters"][0]["typed_config"];
    assert_eq!(manager["http_filters"][1]["typed_config"]["token_bucket"]["max_tokens"], 5);
    let route = &manager["route_config"]["virtual_hosts"][0]["routes"][0];
    assert_eq!(route["match"]["prefix"], "/slow");
    assert!(route["typed_per_filter_config"]["envoy.filters.http.local_ratelimit"].is_object());
}

#[test]
fn a_port_with_tls_of_its_own_takes_nothing_plain() {
    let listener = crate::ir::IngressListener {
        origin: Origin::default(),
        port: crate::ir::ListenerPort { number: 8443, name: "https".into(), protocol: Protocol::Https },
        bind: None,
        target: Some("127.0.0.1:8080".into()),
        tls: Some(Arc::new(crate::ir::ServerTls {
            material: vec![crate::ir::TlsMaterial::Secret { key: crate::ir::Key::new("shop", "cert"), roots: None }],
            ..crate::ir::ServerTls::default()
        })),
        pool: None,
    };
    let mut mesh = shop(Protocol::Http, MutualTlsMode::Strict, &[(8443, MutualTlsMode::Off)]);
    mesh.proxy_scopes.push(Arc::new(crate::ir::ProxyScope {
        origin: Origin::default(),
        scope: Scope::Mesh,
        egress: None,
        ingress: Some(vec![listener]),
        outbound: None,
        inbound_pool: None,
    }));
    let (_, loaded) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
    assert_eq!(loaded.answer("virtualInbound", &get(8443)), Answer::Closed);
    let mut secure = get(8443);
    secure.connection.transport_protocol = "tls";
    assert_eq!(loaded.answer("virtualInbound", &secure), Answer::Cluster("inbound|8443||".into()));
}
