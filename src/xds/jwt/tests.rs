//! What becomes of requests with tokens.

use std::sync::Arc;

use crate::ir::{JwtKeys, JwtPolicy, JwtRule, Origin, Protocol, Scope};
use crate::xds::testing::{Answer, json, load, mesh, node, plain, service, workload};
use crate::xds::{Kind, NodeKind, Snapshot};

fn rule(issuer: &str, keys: JwtKeys) -> JwtRule {
    JwtRule {
        origin: Origin::default(),
        issuer: issuer.into(),
        audiences: Vec::new(),
        keys,
        headers: Vec::new(),
        params: Vec::new(),
        cookies: Vec::new(),
        forward: false,
        payload_header: None,
        claim_headers: vec![("x-user".into(), "sub".into())],
        spaced_claims: Vec::new(),
        timeout: None,
        required: false,
    }
}

fn answer(rules: Vec<JwtRule>, token: Option<&str>) -> (Answer, Snapshot) {
    let policy = JwtPolicy { origin: Origin::default(), scope: Scope::Mesh, rules };
    let mesh = mesh(
        vec![service("shop", "cart", 80, 8080, Protocol::Http)],
        vec![workload("shop", "cart", "10.1.0.1")],
        |mesh| mesh.jwt.push(Arc::new(policy)),
    );
    let (snapshot, loaded) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
    let mut question = plain("10.1.0.9:40000", "10.1.0.1:8080", "GET", "cart", "/");
    if let (Some(token), Some(head)) = (token, &mut question.head) {
        head.headers.add("authorization".parse().unwrap(), format!("Bearer {token}").parse().unwrap());
    }
    (loaded.answer("virtualInbound", &question), snapshot)
}

#[test]
fn no_token_passes_and_a_bad_one_does_not() {
    let to_process = Answer::Cluster("inbound|8080||".into());
    for keys in [JwtKeys::Inline("not a set".into()), JwtKeys::Inline(r#"{"keys":[]}"#.into()), JwtKeys::Discover] {
        assert_eq!(answer(vec![rule("a", keys.clone())], None).0, to_process, "{keys:?}");
        // {"alg":"none"}.{"iss":"a"} and a signature of nothing.
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhIn0.AAAA";
        assert_eq!(answer(vec![rule("a", keys.clone())], Some(token)).0, Answer::Status(401), "{keys:?}");
        assert_eq!(answer(vec![rule("a", keys), rule("b", JwtKeys::Discover)], Some("x")).0, Answer::Status(401));
    }
}

#[test]
fn a_token_may_be_asked_for() {
    let mut required = rule("a", JwtKeys::Discover);
    required.required = true;
    assert_eq!(answer(vec![required], None).0, Answer::Status(401));
}

#[test]
fn keys_elsewhere_are_fetched_over_tls_from_that_host_only() {
    let (_, snapshot) = answer(vec![rule("a", JwtKeys::Uri("https://keys.example/jwks?x=y".into()))], None);
    let cluster = json(Kind::Cluster, snapshot.get(Kind::Cluster, "jwks|443|tls|keys.example").unwrap());
    let tls = &cluster["transport_socket"]["typed_config"];
    assert_eq!(tls["sni"], "keys.example");
    let names = &tls["common_tls_context"]["validation_context"]["match_typed_subject_alt_names"];
    assert_eq!(names[0]["matcher"]["exact"], "keys.example");
    for odd in ["ftp://x", "https://", "https://a:b@keys.example/", "https://keys.example:99999/"] {
        let (_, snapshot) = answer(vec![rule("a", JwtKeys::Uri(odd.into()))], None);
        assert!(snapshot.all(Kind::Cluster).all(|cluster| !cluster.name.starts_with("jwks")), "{odd}");
    }
}
