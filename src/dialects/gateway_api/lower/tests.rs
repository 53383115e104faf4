//! What the Gateway API lowers to, and that nothing in a manifest makes it panic.

use crate::dialects::lower::tests::mesh as lowered;
use crate::ir::{
    Attachment, Backend, ClientTlsMode, HttpAction, HttpRoutes, HttpRule, Key, Mesh, PathEdit, PathTest, RedirectPort,
    Share, TlsMaterial,
};

pub const SERVICES: &str = include_str!("../../../../tests/mesh/bookinfo/services.yaml");
const GATEWAY: &str = include_str!("../../../../tests/mesh/gateway-api/gateway.yaml");
const MESH: &str = include_str!("../../../../tests/mesh/gateway-api/mesh.yaml");

/// The mesh of bookinfo and a text.
pub fn with(text: &str) -> Mesh {
    lowered(&format!("{SERVICES}\n---\n{text}"))
}

fn of_service<'m>(mesh: &'m Mesh, host: &str, consumer: bool) -> &'m HttpRoutes {
    let fits = |set: &&std::sync::Arc<HttpRoutes>| match &set.attachment {
        Attachment::Service { service, clients, .. } => service.name.starts_with(host) && clients.is_any() != consumer,
        _ => false,
    };
    mesh.http_routes.iter().find(fits).unwrap()
}

pub fn names(set: &HttpRoutes) -> Vec<&str> {
    set.rules.iter().map(|rule| &*rule.name).collect()
}

fn rule<'m>(set: &'m HttpRoutes, name: &str) -> &'m HttpRule {
    set.rules.iter().find(|rule| &*rule.name == name).unwrap()
}

#[test]
fn the_most_specific_condition_of_all_routes_comes_first() {
    let mesh = with(MESH);
    let set = of_service(&mesh, "reviews", false);
    // By length: /reviews/1, /nothing, /secret, /moved; then prefixes.
    let want = ["exact-or-long", "nothing", "unknown-filter", "moved", "exact-or-long", "short", "all"];
    assert_eq!(names(set), want);
    assert_eq!(set.rules[0].matches.len(), 1, "each condition is a rule");
    assert_eq!(
        set.rules[0].matches[0].origin.to_string(),
        "HTTPRoute default/b-reviews spec.rules[1].matches[0] (mesh.yaml:108:7)"
    );
    assert_eq!(&*set.rules[4].matches[0].headers[0].name, "x-user");
    assert!(matches!(&set.rules[5].matches[0].path.as_ref().unwrap().test, PathTest::SegmentPrefix(_)));
}

#[test]
fn filters_limits_and_targets_come_over() {
    let mesh = with(MESH);
    let set = of_service(&mesh, "reviews", false);
    let short = rule(set, "short");
    assert_eq!(short.headers.request.set, [("x-share".into(), "50%%".into())], "values are literal");
    assert_eq!(short.rewrite.as_ref().unwrap().path, Some(PathEdit::SegmentPrefix("/v2".into())));
    assert_eq!(short.mirrors[0].share, Share::percent(25.0));
    let HttpAction::Redirect(moved) = &rule(set, "moved").action else { panic!("a redirect") };
    assert_eq!((moved.status, moved.port), (301, Some(RedirectPort::Number(9080))));
    let split = rule(set, "exact-or-long");
    let HttpAction::Forward(targets) = &split.action else { panic!("targets") };
    assert_eq!(targets.targets.iter().map(|target| target.weight).collect::<Vec<_>>(), [3, 1]);
    assert!(matches!(targets.targets[1].backend, Backend::Invalid { status: 500, .. }));
    assert_eq!(split.losses.len(), 1, "{:?}", split.losses);
    let retry = split.retry.as_ref().unwrap();
    assert_eq!((retry.attempts, retry.statuses.as_slice()), (3, [503, 504].as_slice()));
    assert_eq!(retry.per_try_timeout, Some(std::time::Duration::from_secs(2)));
}

#[test]
fn what_is_not_known_is_answered_with_an_error() {
    let mesh = with(MESH);
    let set = of_service(&mesh, "reviews", false);
    let rule_of = rule(set, "unknown-filter");
    assert!(rule_of.losses[0].reason.contains("filters of type `ExtensionRef`"), "{:?}", rule_of.losses);
    for name in ["unknown-filter", "nothing"] {
        let HttpAction::Forward(targets) = &rule(set, name).action else { panic!("no redirect") };
        assert_eq!(targets.none, 500);
        assert!(targets.targets.iter().all(|target| matches!(target.backend, Backend::Invalid { status: 500, .. })));
    }
}

#[test]
fn consumers_have_routes_of_their_own() {
    let mesh = with(MESH);
    let set = of_service(&mesh, "reviews", true);
    assert!(set.visibility.includes("shop") && !set.visibility.includes("default"));
    let HttpAction::Forward(targets) = &set.rules[0].action else { panic!("targets") };
    assert!(matches!(&targets.targets[0].backend, Backend::Service(to) if to.host.starts_with("ratings.default.")));
}

#[test]
fn calls_are_matched_by_service_and_method() {
    let mesh = with(MESH);
    let set = of_service(&mesh, "ratings", false);
    assert_eq!(names(set), ["both", "service", "method-only"]);
    let test = |at: usize| set.rules[at].matches[0].path.as_ref().map(|path| path.test.clone());
    assert_eq!(test(0), Some(PathTest::Exact("/shop.Ratings/Get".into())));
    assert_eq!(test(1), Some(PathTest::Prefix("/shop.Ratings/".into())));
    assert_eq!(test(2), Some(PathTest::Regex("/[^/]+/Get".into())));
    let HttpAction::Forward(targets) = &set.rules[0].action else { panic!("targets") };
    assert_eq!(targets.none, 503, "a caller of gRPC understands that");
}

#[test]
fn listeners_take_the_routes_that_they_allow() {
    let mesh = with(GATEWAY);
    let gateway = &mesh.gateways[&Key::new("default", "edge")];
    let listeners: Vec<&str> = gateway.listeners.iter().map(|listener| &*listener.name).collect();
    assert_eq!(listeners, ["web", "chosen", "passed", "bytes"], "one without its certificate does not listen");
    let found: Vec<(String, String, &str)> = mesh
        .http_routes
        .iter()
        .map(|set| match &set.attachment {
            Attachment::Gateway { listener, .. } => {
                (listener.clone().unwrap().to_string(), set.hosts[0].to_string(), names(set)[0])
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let want = [("chosen", "*", "shop"), ("web", "a.example.com", "web")];
    assert_eq!(found, want.map(|(listener, host, rule)| (listener.to_owned(), host.to_owned(), rule)));
    let HttpAction::Forward(targets) = &mesh.http_routes[0].rules[0].action else { panic!("targets") };
    assert!(
        matches!(&targets.targets[0].backend, Backend::Invalid { status: 500, reason } if reason.contains("Grant"))
    );
}

#[test]
fn a_grant_lets_routes_lead_to_another_namespace() {
    let grant = "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: g}\nspec:\n  \
                 from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: shop}]\n  to: [{group: '', kind: Service}]\n";
    let mesh = with(&format!("{GATEWAY}\n---\n{grant}"));
    let HttpAction::Forward(targets) = &mesh.http_routes[0].rules[0].action else { panic!("targets") };
    assert!(matches!(&targets.targets[0].backend, Backend::Service(_)));
}

#[test]
fn connections_go_by_server_name_or_port() {
    let mesh = with(GATEWAY);
    assert_eq!(mesh.l4_routes.len(), 2, "{:#?}", mesh.l4_routes);
    assert_eq!(mesh.l4_routes[0].rules[0].matches[0].server_names, ["tls.example.com".into()]);
    let bytes = &mesh.l4_routes[1].rules[0];
    assert!(bytes.matches.is_empty() && bytes.targets[0].destination.is_some());
    assert_eq!(bytes.targets[1].destination, None);
}

#[test]
fn missing_roots_trust_nobody_and_send_nothing_in_plain() {
    let mesh = with(GATEWAY);
    let tls = mesh.destinations[0].traffic.tls.as_ref().unwrap();
    assert_eq!((tls.mode, tls.system_roots, tls.insecure), (ClientTlsMode::Server, false, false));
    assert!(matches!(&tls.material, TlsMaterial::Secret { key, .. } if !mesh.credentials.contains_key(key)));
    let system = GATEWAY.replace(
        "caCertificateRefs: [{group: \"\", kind: ConfigMap, name: missing}]",
        "wellKnownCACertificates: System",
    );
    let mesh = with(&system);
    let tls = mesh.destinations[0].traffic.tls.as_ref().unwrap();
    assert!(tls.system_roots && tls.material == TlsMaterial::None);
    assert_eq!(
        (&tls.server_name, &tls.names),
        (&Some("details.example.com".into()), &vec!["details.example.com".into()])
    );
}

#[test]
fn no_change_of_a_line_makes_it_panic() {
    for text in [MESH, GATEWAY] {
        let lines: Vec<&str> = text.lines().collect();
        for at in 0..lines.len() {
            let without = [&lines[..at], &lines[at + 1..]].concat().join("\n");
            lowered(&without);
            let broken = lines[at].split_once(':').map(|(key, _)| format!("{key}: [1, {{a: b}}]"));
            let mut other: Vec<String> = lines.iter().map(ToString::to_string).collect();
            other[at] = broken.unwrap_or_default();
            lowered(&other.join("\n"));
        }
    }
}
