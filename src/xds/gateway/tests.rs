//! What a gateway does with requests.

use std::sync::Arc;

use embedded_proxy::decide::Question;

use crate::ir::{
    Attachment, Backend, Credential, Destination, Gateway, GatewayListener, HeaderEdits, HttpAction, HttpRoutes,
    HttpRule, Key, Mesh, Origin, Otherwise, Predicate, Protocol, Scope, ScopedHost, ServerTls, ServerTlsMode, Target,
    Targets, TlsMaterial, Visibility,
};
use crate::xds::testing::{Answer, load, mesh, node, plain, service, workload};
use crate::xds::{Kind, NodeKind};

fn listener(name: &str, port: u16, host: &str, tls: Option<ServerTls>) -> GatewayListener {
    GatewayListener {
        origin: Origin::default(),
        name: name.into(),
        port,
        port_name: name.into(),
        bind: None,
        protocol: if tls.as_ref().is_some_and(|tls| !tls.redirect_plain) { Protocol::Https } else { Protocol::Http },
        hosts: vec![ScopedHost { namespace: None, host: host.into() }],
        tls: tls.map(Arc::new),
        routes_from: Visibility::Everywhere,
        isolated: false,
    }
}

fn to_cart(hosts: &[&str]) -> HttpRoutes {
    let destination = Destination { host: "cart.shop.svc.cluster.local".into(), subset: None, port: Some(80) };
    let target = Target {
        origin: Origin::default(),
        weight: 1,
        backend: Backend::Service(destination),
        headers: HeaderEdits::default(),
        rewrite: None,
    };
    let rule = HttpRule {
        origin: Origin::default(),
        name: "".into(),
        matches: Vec::new(),
        action: HttpAction::Forward(Targets { targets: vec![target], none: 500 }),
        rewrite: None,
        headers: HeaderEdits::default(),
        timeout: None,
        idle_timeout: None,
        retry: None,
        fault: None,
        mirrors: Vec::new(),
        cors: None,
        session: None,
        losses: Vec::new(),
    };
    HttpRoutes {
        origin: Origin::default(),
        namespace: "shop".into(),
        hosts: hosts.iter().map(|host| (*host).into()).collect(),
        attachment: Attachment::Gateway { gateway: Key::new("edge", "gw"), listener: None, port: None },
        visibility: Visibility::Everywhere,
        rules: vec![Arc::new(rule)],
        otherwise: Otherwise::NotFound,
    }
}

fn edge(listeners: Vec<GatewayListener>, routes: Vec<HttpRoutes>) -> Mesh {
    mesh(
        vec![service("shop", "cart", 80, 8080, Protocol::Http)],
        vec![workload("shop", "cart", "10.1.0.1"), workload("edge", "gw", "10.1.0.2")],
        |mesh| {
            let gateway = Gateway {
                key: Key::new("edge", "gw"),
                origin: Origin::default(),
                proxies: Scope::Workloads("edge".into(), Predicate::labels([("app", "gw")])),
                listeners,
            };
            mesh.gateways.insert(gateway.key.clone(), Arc::new(gateway));
            mesh.http_routes.extend(routes.into_iter().map(Arc::new));
            let credential = Credential {
                certificate: Some(b"CERTIFICATE".to_vec()),
                key: Some(b"TOP SECRET".to_vec()),
                ..Credential::default()
            };
            mesh.credentials.insert(Key::new("edge", "cert"), Arc::new(credential));
        },
    )
}

fn ask(port: u16, host: &str) -> Question {
    plain("192.0.2.9:40000", &format!("10.1.0.2:{port}"), "GET", host, "/")
}

#[test]
fn only_hosts_of_both_listener_and_route_are_served() {
    let mesh = edge(vec![listener("http", 80, "*.example.com", None)], vec![to_cart(&["shop.example.com", "b.org"])]);
    let (snapshot, loaded) = load(&mesh, &node(&mesh, "edge", "gw", NodeKind::Gateway));
    let to_cart = Answer::Cluster("outbound|80||cart.shop.svc.cluster.local".into());
    assert_eq!(loaded.answer("0.0.0.0_80", &ask(80, "shop.example.com")), to_cart);
    assert_eq!(loaded.answer("0.0.0.0_80", &ask(80, "shop.example.com:80")), to_cart);
    for host in ["b.org", "other.example.com", "example.com"] {
        assert_eq!(loaded.answer("0.0.0.0_80", &ask(80, host)), Answer::Status(404), "{host}");
    }
    assert!(snapshot.get(Kind::Route, "http.80").is_some());
    assert_eq!(snapshot.all(Kind::Listener).count(), 1, "a gateway has no listeners of services");
}

#[test]
fn plain_requests_may_be_sent_to_tls() {
    let redirect = ServerTls { redirect_plain: true, ..ServerTls::default() };
    let mesh = edge(vec![listener("http", 80, "*", Some(redirect))], vec![to_cart(&["shop.example.com"])]);
    let (_, loaded) = load(&mesh, &node(&mesh, "edge", "gw", NodeKind::Gateway));
    for host in ["shop.example.com", "other.org"] {
        assert_eq!(loaded.answer("0.0.0.0_80", &ask(80, host)), Answer::Status(301), "{host}");
    }
}

#[test]
fn a_more_closely_named_listener_keeps_its_requests() {
    let isolated = |name: &str, host: &str| GatewayListener { isolated: true, ..listener(name, 80, host, None) };
    let mut wide = to_cart(&["*"]);
    wide.attachment =
        Attachment::Gateway { gateway: Key::new("edge", "gw"), listener: Some("wide".into()), port: None };
    let mesh = edge(vec![isolated("wide", "*"), isolated("own", "a.example.com")], vec![wide]);
    let (_, loaded) = load(&mesh, &node(&mesh, "edge", "gw", NodeKind::Gateway));
    assert_eq!(loaded.answer("0.0.0.0_80", &ask(80, "a.example.com")), Answer::Status(404));
    assert!(matches!(loaded.answer("0.0.0.0_80", &ask(80, "b.example.com")), Answer::Cluster(_)));
}

#[test]
fn secrets_are_served_and_never_shown() {
    let tls = ServerTls {
        mode: ServerTlsMode::Mutual,
        material: vec![TlsMaterial::Secret { key: Key::new("edge", "cert"), roots: None }],
        ..ServerTls::default()
    };
    let mesh = edge(vec![listener("https", 443, "shop.example.com", Some(tls))], vec![to_cart(&["*"])]);
    let snapshot = crate::xds::xds(&mesh, &node(&mesh, "edge", "gw", NodeKind::Gateway));
    let secret = snapshot.get(Kind::Secret, "kubernetes://edge/cert").unwrap();
    assert!(!format!("{secret:?} {snapshot:?}").contains("SECRET"));
    let listener = snapshot.get(Kind::Listener, "0.0.0.0_443").unwrap();
    let listener = crate::xds::testing::json(Kind::Listener, listener);
    let chain = &listener["filter_chains"][0];
    assert_eq!(chain["filter_chain_match"]["server_names"][0], "shop.example.com");
    let context = &chain["transport_socket"]["typed_config"];
    assert_eq!(context["require_client_certificate"], true);
    let roots = &context["common_tls_context"]["combined_validation_context"]["validation_context_sds_secret_config"];
    assert_eq!(roots["name"], "kubernetes://edge/cert-cacert", "without roots nobody comes in");
    assert!(snapshot.get(Kind::Route, "https.443.https.gw.edge").is_some());
}
