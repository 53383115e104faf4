//! Reading policies. What cannot be read is a defect, and then there are no rules at all: nothing is left out of a
//! policy, since a rule that is missing may widen it.

use super::rule::{NameKind, Source};
use super::{Action, Policy, Rule, Rules};
use crate::cel::Program;
use crate::matching::{FilterStateMatcher, HeaderMatcher, MetadataMatcher, PathMatcher, StringMatcher, read_cidr};
use crate::proto::Reader;
use crate::route::Template;

impl Action {
    /// Reads the field `action`.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        match reader.word("action").as_str() {
            "DENY" => Self::Deny,
            "LOG" => Self::Log,
            _ => Self::Allow,
        }
    }
}

impl Rules {
    /// Reads `envoy.config.rbac.v3.RBAC`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let action = Action::read(reader);
        if let Some(audit) = reader.message("audit_logging_options") {
            read_audit(&audit);
        }
        let policies: Vec<Option<Policy>> =
            reader.map("policies").into_iter().map(|(name, policy)| read_policy(name, &policy)).collect();
        Some(Self { action, policies: policies.into_iter().collect::<Option<_>>()? })
    }
}

/// There are no audit loggers here: only settings that ask for none of them can be honoured.
fn read_audit(audit: &Reader<'_>) {
    let off = audit.word("audit_condition") == "NONE";
    for logger in audit.list("logger_configs") {
        if off || logger.flag("is_optional") {
            logger.ignore_all();
        }
        logger.ignore(&["is_optional"]);
    }
}

fn read_policy(name: String, reader: &Reader<'_>) -> Option<Policy> {
    let permissions = read_rules(reader, "permissions", permission);
    let principals = read_rules(reader, "principals", principal);
    let condition = read_condition(reader)?;
    Some(Policy { name, permissions: permissions?, principals: principals?, condition })
}

/// The condition, with or without the types that a compiler found. The outer none: a defect was noted.
#[allow(clippy::option_option)] // Two different nones, for two lines.
fn read_condition(reader: &Reader<'_>) -> Option<Option<Program>> {
    if let Some(config) = reader.message("cel_config") {
        // Conversions and sums of texts are always there; string functions are not, and refused where they are used.
        config.ignore(&["enable_string_conversion", "enable_string_concat", "enable_string_functions"]);
    }
    let (plain, checked) = (reader.message("condition"), reader.message("checked_condition"));
    if plain.is_some() && checked.is_some() {
        reader.defect("checked_condition", "must not stand beside condition");
        return None;
    }
    if let Some(checked) = checked {
        // Types and places, which evaluation does not need.
        checked.ignore(&["reference_map", "type_map", "source_info", "expr_version"]);
        return Some(Some(Program::read(&checked.need("expr")?)?));
    }
    match plain {
        Some(condition) => Some(Some(Program::read(&condition)?)),
        None => Some(None),
    }
}

type Read = fn(&Reader<'_>) -> Option<Rule>;

fn read_rules(reader: &Reader<'_>, field: &str, read: Read) -> Option<Vec<Rule>> {
    let rules: Vec<Option<Rule>> = reader.list(field).iter().map(read).collect();
    if rules.is_empty() {
        reader.defect(field, "must not be empty");
        return None;
    }
    rules.into_iter().collect()
}

fn permission(reader: &Reader<'_>) -> Option<Rule> {
    let choice = reader.choice("rule");
    let name = choice.as_deref().unwrap_or_default();
    match name {
        "and_rules" => Some(Rule::All(read_rules(&reader.message(name)?, "rules", permission)?)),
        "or_rules" => Some(Rule::Any(read_rules(&reader.message(name)?, "rules", permission)?)),
        "not_rule" => Some(Rule::Not(Box::new(permission(&reader.message(name)?)?))),
        "destination_ip" => Some(Rule::Destination(read_cidr(&reader.message(name)?)?)),
        "destination_port" => {
            let port = reader.u32(name).unwrap_or(0);
            if port > 65535 {
                reader.defect(name, "is no port");
                return None;
            }
            Some(Rule::Port(port, port + 1))
        }
        "destination_port_range" => read_ports(&reader.message(name)?),
        "requested_server_name" => Some(Rule::ServerName(StringMatcher::read(&reader.message(name)?)?)),
        "uri_template" => read_template(&reader.message(name)?),
        _ => common(reader, choice.as_deref(), "rule"),
    }
}

fn principal(reader: &Reader<'_>) -> Option<Rule> {
    let choice = reader.choice("identifier");
    let name = choice.as_deref().unwrap_or_default();
    match name {
        "and_ids" => Some(Rule::All(read_rules(&reader.message(name)?, "ids", principal)?)),
        "or_ids" => Some(Rule::Any(read_rules(&reader.message(name)?, "ids", principal)?)),
        "not_id" => Some(Rule::Not(Box::new(principal(&reader.message(name)?)?))),
        "authenticated" => {
            let authenticated = reader.message(name)?;
            let matcher = match authenticated.message("principal_name") {
                Some(matcher) => Some(StringMatcher::read(&matcher)?),
                None => None,
            };
            Some(Rule::Authenticated(matcher))
        }
        "source_ip" => Some(Rule::Source(read_cidr(&reader.message(name)?)?)),
        "direct_remote_ip" => Some(Rule::DirectRemote(read_cidr(&reader.message(name)?)?)),
        "remote_ip" => Some(Rule::Remote(read_cidr(&reader.message(name)?)?)),
        "filter_state" => Some(Rule::FilterState(FilterStateMatcher::read(&reader.message(name)?)?)),
        "custom" => read_mtls(&reader.message(name)?),
        _ => common(reader, choice.as_deref(), "identifier"),
    }
}

/// The rules that permissions and principals share.
fn common(reader: &Reader<'_>, choice: Option<&str>, oneof: &str) -> Option<Rule> {
    match choice {
        Some("any") if reader.flag("any") => Some(Rule::Always),
        Some("any") => {
            reader.defect("any", "must be true");
            None
        }
        Some(name @ "header") => Some(Rule::Header(HeaderMatcher::read(&reader.message(name)?)?)),
        Some(name @ "url_path") => Some(Rule::Path(PathMatcher::read(&reader.message(name)?)?)),
        Some(name @ "metadata") => {
            Some(Rule::Metadata(Source::Dynamic, MetadataMatcher::read(&reader.message(name)?)?))
        }
        Some(name @ "sourced_metadata") => {
            let sourced = reader.message(name)?;
            let source = if sourced.word("metadata_source") == "ROUTE" { Source::Route } else { Source::Dynamic };
            Some(Rule::Metadata(source, MetadataMatcher::read(&sourced.need("metadata_matcher")?)?))
        }
        // A kind that is not taken becomes a defect when the reader goes.
        Some(_) => None,
        None => {
            reader.defect(oneof, "must be set");
            None
        }
    }
}

fn read_ports(reader: &Reader<'_>) -> Option<Rule> {
    let port = |field| reader.int(field).unwrap_or(0);
    match (u32::try_from(port("start")), u32::try_from(port("end"))) {
        (Ok(start), Ok(end)) if start < end && end <= 65536 => Some(Rule::Port(start, end)),
        _ => {
            reader.defect("", "is no range of ports");
            None
        }
    }
}

fn read_template(extension: &Reader<'_>) -> Option<Rule> {
    extension.ignore(&["name"]); // The type decides.
    let (kind, config) = extension.any("typed_config")?;
    if kind != "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig" {
        config.defect("", format!("the proxy does not have the path matcher {kind}"));
        return None;
    }
    match Template::new(&config.need_text("path_template")?) {
        Ok(template) => Some(Rule::Template(template)),
        Err(error) => {
            config.defect("path_template", error);
            None
        }
    }
}

fn read_mtls(extension: &Reader<'_>) -> Option<Rule> {
    extension.ignore(&["name"]); // The type decides.
    let (kind, config) = extension.any("typed_config")?;
    if kind != "envoy.extensions.rbac.principals.mtls_authenticated.v3.Config" {
        config.defect("", format!("the proxy does not have the principal {kind}"));
        return None;
    }
    let any = config.flag("any_validated_client_certificate");
    let Some(san) = config.message("san_matcher") else {
        if !any {
            config.defect("", "must say which certificates match");
        }
        return any.then_some(Rule::Mtls(None));
    };
    let names = match san.word("san_type").as_str() {
        "URI" => NameKind::Uri,
        "DNS" => NameKind::Dns,
        other => {
            san.defect("san_type", format!("the proxy does not match names of the kind {other}"));
            return None;
        }
    };
    Some(Rule::Mtls(Some((names, StringMatcher::read(&san.need("matcher")?)?))))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::super::Facts;
    use super::*;
    use crate::http::RequestHead;
    use crate::proto::{Defect, Defects, from_json};
    use crate::stream::{Connection, Tls};

    fn rules(json: &Value) -> Result<Rules, Vec<Defect>> {
        let message = from_json("envoy.config.rbac.v3.RBAC", json).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "", &defects);
        let read = Rules::read(&reader);
        drop(reader);
        defects.verdict(read)
    }

    fn policy(permission: &Value, principal: &Value) -> Value {
        json!({ "policies": { "p": { "permissions": [permission], "principals": [principal] } } })
    }

    fn connection() -> Connection {
        let tls = Tls {
            verified: true,
            peer_uris: vec!["spiffe://a/ns/b/sa/c".into()],
            peer_dns: vec!["c.b".into()],
            peer_subject: "CN=c".into(),
            ..Tls::default()
        };
        let mut connection = Connection::plain("10.0.0.2:8080".parse().unwrap(), "10.1.0.1:4000".parse().unwrap());
        connection.peer = std::net::SocketAddr::from(([10, 9, 0, 1], 1)).into();
        connection.tls = Some(Arc::new(tls));
        connection.sni = Some("outbound.example".into());
        connection.metadata.insert("ns".into(), json!({ "k": { "l": "v" } }));
        connection.state.insert("io.istio.peer".into(), "x".into());
        connection
    }

    fn head() -> RequestHead {
        crate::filters::http::testing::head("GET", "/api/v1?q=1", &[("x-team", "blue")])
    }

    fn allows(json: &Value) -> bool {
        let (connection, head) = (connection(), head());
        let mut facts = Facts::of_connection(&connection);
        facts.head = Some(&head);
        facts.remote = "192.168.0.7".parse().ok();
        rules(json).unwrap().check(&facts).allowed
    }

    #[test]
    fn every_permission_has_its_match() {
        let any = json!({ "any": true });
        let cidr = |prefix, bits| json!({ "address_prefix": prefix, "prefix_len": bits });
        let cases = [
            (json!({ "any": true }), true),
            (json!({ "header": { "name": "x-team", "string_match": { "exact": "blue" } } }), true),
            (json!({ "header": { "name": ":method", "string_match": { "exact": "POST" } } }), false),
            (json!({ "url_path": { "path": { "exact": "/api/v1" } } }), true),
            (json!({ "destination_ip": cidr("10.0.0.0", 24) }), true),
            (json!({ "destination_ip": cidr("10.1.0.0", 24) }), false),
            (json!({ "destination_port": 8080 }), true),
            (json!({ "destination_port_range": { "start": 8000, "end": 8080 } }), false),
            (
                json!({ "metadata": { "filter": "ns", "path": [{ "key": "k" }, { "key": "l" }], "value": { "string_match": { "exact": "v" } } } }),
                true,
            ),
            (
                json!({ "sourced_metadata": { "metadata_source": "ROUTE", "metadata_matcher": { "filter": "ns", "path": [{ "key": "k" }], "value": { "present_match": true } } } }),
                false,
            ),
            (json!({ "requested_server_name": { "suffix": ".example" } }), true),
            (
                json!({ "uri_template": { "name": "t", "typed_config": { "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig", "path_template": "/api/*" } } }),
                true,
            ),
            (json!({ "not_rule": { "any": true } }), false),
            (json!({ "and_rules": { "rules": [{ "any": true }, { "destination_port": 1 }] } }), false),
            (json!({ "or_rules": { "rules": [{ "destination_port": 1 }, { "any": true }] } }), true),
        ];
        for (permission, expected) in cases {
            assert_eq!(allows(&policy(&permission, &any)), expected, "{permission}");
        }
    }

    #[test]
    fn every_principal_has_its_match() {
        let any = json!({ "any": true });
        let cidr = |prefix| json!({ "address_prefix": prefix, "prefix_len": 32 });
        let named = |name: &str| json!({ "authenticated": { "principal_name": { "exact": name } } });
        let cases = [
            (json!({ "authenticated": {} }), true),
            (named("spiffe://a/ns/b/sa/c"), true),
            (named("c.b"), true),
            (named("CN=c"), true),
            (named("d"), false),
            (json!({ "source_ip": cidr("10.1.0.1") }), true),
            (json!({ "direct_remote_ip": cidr("10.9.0.1") }), true),
            (json!({ "direct_remote_ip": cidr("10.1.0.1") }), false),
            (json!({ "remote_ip": cidr("192.168.0.7") }), true),
            (json!({ "header": { "name": "x-team", "present_match": true } }), true),
            (json!({ "url_path": { "path": { "prefix": "/other" } } }), false),
            (json!({ "filter_state": { "key": "io.istio.peer", "string_match": { "exact": "x" } } }), true),
            (json!({ "not_id": { "authenticated": {} } }), false),
            (json!({ "and_ids": { "ids": [{ "any": true }, { "authenticated": {} }] } }), true),
            (json!({ "or_ids": { "ids": [{ "url_path": { "path": { "exact": "/" } } }] } }), false),
        ];
        for (principal, expected) in cases {
            assert_eq!(allows(&policy(&any, &principal)), expected, "{principal}");
        }
    }

    #[test]
    fn names_of_an_unverified_certificate_do_not_count() {
        let mut connection = connection();
        let mut tls = Tls::clone(connection.tls.as_ref().unwrap());
        tls.verified = false;
        connection.tls = Some(Arc::new(tls));
        let named = json!({ "authenticated": { "principal_name": { "prefix": "spiffe://" } } });
        let rules = rules(&policy(&json!({ "any": true }), &named)).unwrap();
        assert!(!rules.check(&Facts::of_connection(&connection)).allowed);
        connection.tls = None;
        assert!(!rules.check(&Facts::of_connection(&connection)).allowed);
    }

    #[test]
    fn actions_turn_matches_into_decisions() {
        let with = |action: &str, port: u16| {
            let mut json = policy(&json!({ "destination_port": port }), &json!({ "any": true }));
            json["action"] = action.into();
            let connection = connection();
            let rules = rules(&json).unwrap();
            let decision = rules.check(&Facts::of_connection(&connection));
            (decision.allowed, decision.policy.map(str::to_string))
        };
        assert_eq!(with("ALLOW", 8080), (true, Some("p".into())));
        assert_eq!(with("ALLOW", 1), (false, None));
        assert_eq!(with("DENY", 8080), (false, Some("p".into())));
        assert_eq!(with("DENY", 1), (true, None));
        assert_eq!(with("LOG", 1), (true, None));
        assert!(
            !rules(&json!({})).unwrap().check(&Facts::of_connection(&connection())).allowed,
            "no policy allows nothing"
        );
    }

    #[test]
    fn what_cannot_be_read_leaves_no_rules() {
        let any = json!({ "any": true });
        let unreadable = [
            json!({ "policies": { "p": { "permissions": [any], "principals": [any], "condition": { "id": 1, "ident_expr": { "name": "nothing" } } } } }),
            json!({ "policies": { "p": { "permissions": [any] } } }),
            policy(&json!({}), &any),
            policy(&json!({ "any": false }), &any),
            policy(
                &json!({ "not_rule": { "header": { "name": "x", "string_match": { "safe_regex": { "regex": "(" } } } } }),
                &any,
            ),
            policy(&json!({ "matcher": { "name": "envoy.rbac.matchers.upstream_ip_port" } }), &any),
            policy(&any, &json!({ "custom": { "name": "x" } })),
            policy(&json!({ "destination_ip": { "address_prefix": "x" } }), &any),
        ];
        for json in unreadable {
            assert!(rules(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_condition_without_a_value_lets_nobody_in() {
        let any = json!({ "any": true });
        let with = |action: &str, name: &str, wanted: &str| {
            let headers =
                json!({ "select_expr": { "operand": { "ident_expr": { "name": "request" } }, "field": "headers" } });
            let field = json!({ "call_expr": { "function": "_[_]", "args": [headers, { "const_expr": { "string_value": name } }] } });
            let condition = json!({ "call_expr": { "function": "_==_", "args": [field, { "const_expr": { "string_value": wanted } }] } });
            allows(&json!({ "action": action, "policies": { "p": {
                "permissions": [any], "principals": [any], "condition": condition } } }))
        };
        assert!(with("ALLOW", "x-team", "blue") && !with("ALLOW", "x-team", "red"));
        assert!(!with("DENY", "x-team", "blue") && with("DENY", "x-team", "red"));
        assert!(!with("ALLOW", "x-none", "blue") && !with("DENY", "x-none", "blue"));
    }

    #[test]
    fn audit_loggers_are_refused_unless_they_are_optional() {
        let with = |condition: &str, optional: bool| {
            rules(&json!({ "audit_logging_options": { "audit_condition": condition, "logger_configs": [
                { "is_optional": optional, "audit_logger": { "name": "envoy.rbac.audit_loggers.stream" } } ] } }))
        };
        assert!(with("ON_DENY", false).is_err());
        assert!(with("ON_DENY", true).is_ok() && with("NONE", false).is_ok());
    }

    /// A rule as a tree over ports, and what it means.
    #[derive(Debug, Clone)]
    enum Tree {
        Port(u16),
        Not(Box<Tree>),
        And(Vec<Tree>),
        Or(Vec<Tree>),
    }

    impl Tree {
        fn json(&self) -> Value {
            let all = |trees: &[Tree]| trees.iter().map(Tree::json).collect::<Vec<_>>();
            match self {
                Self::Port(port) => json!({ "destination_port": port }),
                Self::Not(tree) => json!({ "not_rule": tree.json() }),
                Self::And(trees) => json!({ "and_rules": { "rules": all(trees) } }),
                Self::Or(trees) => json!({ "or_rules": { "rules": all(trees) } }),
            }
        }

        fn holds(&self, port: u16) -> bool {
            match self {
                Self::Port(own) => *own == port,
                Self::Not(tree) => !tree.holds(port),
                Self::And(trees) => !trees.iter().any(|tree| !tree.holds(port)),
                Self::Or(trees) => trees.iter().filter(|tree| tree.holds(port)).count() > 0,
            }
        }

        /// The same tree with one leaf that cannot be read.
        fn spoiled(&self) -> Value {
            match self {
                Self::Port(_) => json!({ "destination_ip": { "address_prefix": "?" } }),
                Self::Not(tree) => json!({ "not_rule": tree.spoiled() }),
                Self::And(trees) | Self::Or(trees) => {
                    let mut all: Vec<Value> = trees.iter().map(Tree::json).collect();
                    all[0] = trees[0].spoiled();
                    let kind = if matches!(self, Self::And(_)) { "and_rules" } else { "or_rules" };
                    json!({ kind: { "rules": all } })
                }
            }
        }
    }

    fn trees() -> impl Strategy<Value = Tree> {
        (1u16..4).prop_map(Tree::Port).prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                inner.clone().prop_map(|tree| Tree::Not(Box::new(tree))),
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Tree::And),
                proptest::collection::vec(inner, 1..4).prop_map(Tree::Or),
            ]
        })
    }

    proptest! {
        #[test]
        fn and_or_not_are_what_they_say(tree in trees(), port in 1u16..4) {
            let rules = rules(&policy(&tree.json(), &json!({ "any": true }))).unwrap();
            let connection = Connection::plain(([10, 0, 0, 2], port).into(), "10.0.0.1:1".parse().unwrap());
            prop_assert_eq!(rules.check(&Facts::of_connection(&connection)).allowed, tree.holds(port));
        }

        #[test]
        fn an_unreadable_part_spoils_the_whole_policy(tree in trees()) {
            let spoiled = rules(&policy(&tree.spoiled(), &json!({ "any": true })));
            prop_assert!(spoiled.is_err());
        }
    }
}
