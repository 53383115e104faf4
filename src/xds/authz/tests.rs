//! What access policies let pass, as the proxy decides it.

use std::sync::Arc;

use embedded_proxy::decide::Question;

use crate::ir::{
    Attribute, AuthzDefault, AuthzPolicy, AuthzRule, Clause, Mesh, Name, ObjectName, Origin, Protocol, Scope, Stage,
    TextMatch, TextTest, ValueMatch,
};
use crate::xds::testing::{Answer, Loaded, load, mesh, mutual, node, plain, service, workload};
use crate::xds::{Kind, NodeKind};

const WEB: &str = "spiffe://cluster.local/ns/shop/sa/web";
const OTHER: &str = "spiffe://cluster.local/ns/else/sa/other";

fn clause(attribute: Attribute, values: &[TextTest]) -> Clause {
    let values = values.iter().map(|test| ValueMatch::Text(TextMatch::of(test.clone()))).collect();
    Clause { origin: Origin::default(), attribute, values, not: Vec::new() }
}

fn exact(attribute: Attribute, value: &str) -> Clause {
    clause(attribute, &[TextTest::Exact(value.into())])
}

fn without(mut clause: Clause) -> Clause {
    clause.not = std::mem::take(&mut clause.values);
    clause
}

fn rule(from: Vec<Clause>, to: Vec<Clause>) -> AuthzRule {
    let list = |clauses: Vec<Clause>| if clauses.is_empty() { Vec::new() } else { vec![clauses] };
    AuthzRule { origin: Origin::default(), allow: true, from: list(from), to: list(to), when: Vec::new() }
}

fn policy(stage: Stage, rules: Vec<AuthzRule>) -> AuthzPolicy {
    let object = ObjectName { namespace: "shop".into(), name: "p".into(), ..ObjectName::default() };
    let origin = Origin { object: Some(Arc::new(object)), ..Origin::default() };
    AuthzPolicy { origin, scope: Scope::Mesh, port: None, stage, rules, dry_run: false }
}

fn of(protocol: Protocol, more: impl FnOnce(&mut Mesh)) -> Loaded {
    let mesh =
        mesh(vec![service("shop", "cart", 80, 8080, protocol)], vec![workload("shop", "cart", "10.1.0.1")], more);
    load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar)).1
}

fn with(protocol: Protocol, policies: Vec<AuthzPolicy>) -> Loaded {
    of(protocol, |mesh| mesh.authz.extend(policies.into_iter().map(Arc::new)))
}

fn ask(method: &str, path: &str) -> Question {
    plain("10.1.0.9:40000", "10.1.0.1:8080", method, "cart", path)
}

fn passes(loaded: &Loaded, question: &Question) -> bool {
    match loaded.answer("virtualInbound", question) {
        Answer::Cluster(_) => true,
        Answer::Status(403) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_no_rule_allows_is_refused() {
    let allow =
        rule(vec![exact(Attribute::Principal, "cluster.local/ns/shop/sa/web")], vec![exact(Attribute::Method, "GET")]);
    let loaded = with(Protocol::Http, vec![policy(Stage::Allow, vec![allow])]);
    assert!(passes(&loaded, &mutual(ask("GET", "/"), WEB)));
    assert!(!passes(&loaded, &mutual(ask("POST", "/"), WEB)));
    assert!(!passes(&loaded, &mutual(ask("GET", "/"), OTHER)));
    assert!(!passes(&loaded, &ask("GET", "/")), "without mutual TLS nobody has an identity");
}

#[test]
fn a_policy_without_rules_allows_nothing_and_refuses_nothing() {
    assert!(!passes(&with(Protocol::Http, vec![policy(Stage::Allow, Vec::new())]), &ask("GET", "/")));
    assert!(passes(&with(Protocol::Http, vec![policy(Stage::Deny, Vec::new())]), &ask("GET", "/")));
    // A rule without conditions matches everything.
    assert!(!passes(&with(Protocol::Http, vec![policy(Stage::Deny, vec![rule(vec![], vec![])])]), &ask("GET", "/")));
    assert!(passes(&with(Protocol::Http, vec![policy(Stage::Allow, vec![rule(vec![], vec![])])]), &ask("GET", "/")));
}

#[test]
fn refusals_win_and_negations_hold() {
    let refuse = rule(vec![without(exact(Attribute::Namespace, "shop"))], vec![]);
    let loaded =
        with(Protocol::Http, vec![policy(Stage::Allow, vec![rule(vec![], vec![])]), policy(Stage::Deny, vec![refuse])]);
    assert!(passes(&loaded, &mutual(ask("GET", "/"), WEB)));
    assert!(!passes(&loaded, &mutual(ask("GET", "/"), OTHER)));
    assert!(!passes(&loaded, &ask("GET", "/")), "no identity is none of the namespace");
}

#[test]
fn parts_of_identities() {
    let cases: [(Attribute, TextTest, bool); 10] = [
        (Attribute::Namespace, TextTest::Exact("shop".into()), true),
        (Attribute::Namespace, TextTest::Exact("sho".into()), false),
        (Attribute::Namespace, TextTest::Prefix("sh".into()), true),
        (Attribute::Namespace, TextTest::Suffix("op".into()), true),
        (Attribute::ServiceAccount, TextTest::Exact("shop/web".into()), true),
        (Attribute::ServiceAccount, TextTest::Exact("shop/we".into()), false),
        (Attribute::TrustDomain, TextTest::Exact("cluster.local".into()), true),
        (Attribute::TrustDomain, TextTest::Exact("cluster".into()), false),
        (Attribute::Principal, TextTest::Suffix("/sa/web".into()), true),
        (Attribute::Principal, TextTest::Present, true),
    ];
    for (attribute, test, want) in cases {
        let allow = rule(vec![clause(attribute.clone(), std::slice::from_ref(&test))], vec![]);
        let loaded = with(Protocol::Http, vec![policy(Stage::Allow, vec![allow])]);
        assert_eq!(passes(&loaded, &mutual(ask("GET", "/"), WEB)), want, "{attribute:?} {test:?}");
        assert!(!passes(&loaded, &ask("GET", "/")), "{attribute:?} {test:?} needs an identity");
    }
}

#[test]
fn identities_of_all_trust_domains_of_the_mesh_are_the_same() {
    let allow = rule(vec![exact(Attribute::Principal, "cluster.local/ns/shop/sa/web")], vec![]);
    let loaded = of(Protocol::Http, |mesh| {
        let settings = Arc::make_mut(&mut mesh.settings);
        settings.trust_domain_aliases.insert("old.example".into());
        mesh.authz.push(Arc::new(policy(Stage::Allow, vec![allow])));
    });
    assert!(passes(&loaded, &mutual(ask("GET", "/"), "spiffe://old.example/ns/shop/sa/web")));
    assert!(!passes(&loaded, &mutual(ask("GET", "/"), "spiffe://foreign/ns/shop/sa/web")));
}

#[test]
fn paths_and_templates() {
    let to = |value: ValueMatch| {
        let clause = Clause { origin: Origin::default(), attribute: Attribute::Path, values: vec![value], not: vec![] };
        with(Protocol::Http, vec![policy(Stage::Allow, vec![rule(vec![], vec![clause])])])
    };
    let prefix = to(ValueMatch::Text(TextMatch::of(TextTest::Prefix("/api/".into()))));
    assert!(passes(&prefix, &ask("GET", "/api/x?y=z")) && !passes(&prefix, &ask("GET", "/admin")));
    assert!(!passes(&prefix, &ask("GET", "/api/../admin")), "paths are resolved before");
    let template = to(ValueMatch::Template("/user/{*}/cart".into()));
    assert!(passes(&template, &ask("GET", "/user/7/cart")) && !passes(&template, &ask("GET", "/user/7/8/cart")));
}

#[test]
fn conditions_of_requests_never_widen_access_to_bytes() {
    let get = || exact(Attribute::Method, "GET");
    let rules = |stage: Stage, clause: Clause| {
        let mesh = mesh(
            vec![service("shop", "cart", 80, 8080, Protocol::Tcp)],
            vec![workload("shop", "cart", "10.1.0.1")],
            |mesh| mesh.authz.push(Arc::new(policy(stage, vec![rule(vec![], vec![clause])]))),
        );
        let (snapshot, _) = load(&mesh, &node(&mesh, "shop", "cart", NodeKind::Sidecar));
        let listener = snapshot.get(Kind::Listener, "virtualInbound").unwrap();
        let listener = crate::xds::testing::json(Kind::Listener, listener);
        let chains = listener["filter_chains"].as_array().unwrap().clone();
        let chain = chains.into_iter().find(|chain| chain["name"] == "0.0.0.0_8080").unwrap();
        assert_eq!(chain["filters"][0]["name"], "envoy.filters.network.rbac");
        chain["filters"][0]["typed_config"]["rules"].clone()
    };
    let refuse = rules(Stage::Deny, get());
    assert_eq!(refuse["action"], "DENY");
    assert_eq!(refuse["policies"]["ns[shop]-policy[p]-rule[0]"]["permissions"][0]["any"], true);
    // Negated, it is no different: the method of bytes is not known.
    for clause in [get(), without(get())] {
        let allow = rules(Stage::Allow, clause);
        assert!(allow.is_object() && allow.get("policies").is_none(), "{allow}");
    }
}

#[test]
fn what_cannot_be_said_narrows() {
    let regex = || clause(Attribute::RequestPrincipal, &[TextTest::Regex(".*".into())]);
    let allow = with(Protocol::Http, vec![policy(Stage::Allow, vec![rule(vec![regex()], vec![])])]);
    assert!(!passes(&allow, &ask("GET", "/")));
    let allow = with(Protocol::Http, vec![policy(Stage::Allow, vec![rule(vec![without(regex())], vec![])])]);
    assert!(!passes(&allow, &ask("GET", "/")));
    let refuse = with(Protocol::Http, vec![policy(Stage::Deny, vec![rule(vec![without(regex())], vec![])])]);
    assert!(!passes(&refuse, &ask("GET", "/")));
}

#[test]
fn the_first_rule_that_matches_decides() {
    let one = |allow: bool, from: &str, method: &str| {
        let mut rule = rule(
            vec![exact(Attribute::Namespace, from)],
            if method.is_empty() { vec![] } else { vec![exact(Attribute::Method, method)] },
        );
        rule.allow = allow;
        rule
    };
    for default in [true, false] {
        let rules = vec![one(true, "shop", "GET"), one(false, "shop", ""), one(true, "else", "")];
        let loaded = of(Protocol::Http, |mesh| {
            mesh.authz.push(Arc::new(policy(Stage::FirstMatch, rules)));
            let own = AuthzDefault { origin: Origin::default(), scope: Scope::Mesh, allow: default };
            mesh.authz_defaults.push(Arc::new(own));
        });
        assert!(passes(&loaded, &mutual(ask("GET", "/"), WEB)), "{default}");
        assert!(!passes(&loaded, &mutual(ask("POST", "/"), WEB)), "{default}");
        assert!(passes(&loaded, &mutual(ask("POST", "/"), OTHER)), "{default}");
        assert_eq!(passes(&loaded, &ask("GET", "/")), default, "no rule says anything");
    }
}

#[test]
fn dry_runs_are_only_told_and_unknown_providers_refuse() {
    let mut told = policy(Stage::Deny, vec![rule(vec![], vec![])]);
    told.dry_run = true;
    assert!(passes(&with(Protocol::Http, vec![told]), &ask("GET", "/")));
    let asked =
        policy(Stage::Delegate(Name::from("nobody")), vec![rule(vec![], vec![exact(Attribute::Method, "GET")])]);
    let loaded = with(Protocol::Http, vec![asked]);
    assert!(!passes(&loaded, &ask("GET", "/")) && passes(&loaded, &ask("POST", "/")));
}

#[test]
fn a_policy_of_one_port_is_for_no_other() {
    let mut refuse = policy(Stage::Deny, vec![rule(vec![], vec![])]);
    refuse.port = Some(9999);
    let loaded = with(Protocol::Http, vec![refuse]);
    assert!(passes(&loaded, &ask("GET", "/")));
    let unnamed = |port: u16| plain("10.1.0.9:40000", &format!("10.1.0.1:{port}"), "GET", "cart", "/");
    assert!(!passes(&loaded, &unnamed(9999)) && passes(&loaded, &unnamed(9998)));
}
