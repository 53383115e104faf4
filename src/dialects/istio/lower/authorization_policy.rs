//! AuthorizationPolicy: who may do what.
//!
//! A policy whose meaning cannot be told (an action that is no word, a field that does not exist beside its rules) refuses
//! every request of its scope.

use std::sync::Arc;

use super::authz_rule::{Broken, Rules, everything};
use super::context::Context;
use super::scope::{Attached, in_order};
use crate::dialects::istio::types::{AuthorizationAction, AuthorizationPolicy};
use crate::dialects::lower::Input;
use crate::dialects::object::Object;
use crate::ir::{AuthzPolicy, AuthzRule, Builder, Loss, LossKind, Stage};
use crate::manifests::source::Place;
use crate::schema::{DefectKind, Text};

/// Annotation of policies that only tell what they would do.
const DRY_RUN: &str = "istio.io/dry-run";

/// Every AuthorizationPolicy, one for each of its targets.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let (domain, root) = (mesh.mesh.settings.domain.clone(), mesh.mesh.settings.root_namespace.clone());
    for object in in_order(&input.model.authorization_policies) {
        let cx = Context::new(input, &object.meta, &domain);
        let mut losses = cx.refusals("what it belongs to lets nothing more pass, and refuses more");
        let spec = &object.spec;
        let attached = Attached::policy(spec.selector.as_ref(), spec.target_ref.as_ref(), &spec.target_refs);
        let scopes = attached.scopes(&cx, &root, &mut losses);
        let (stage, rules) = meaning(&cx, object, &mut losses);
        let dry_run = object.meta.annotations.text(DRY_RUN).is_some_and(is_true);
        let origin = cx.at("", Place::default());
        let policies = scopes.into_iter().map(|scope| {
            Arc::new(AuthzPolicy {
                origin: origin.clone(),
                scope,
                port: None,
                stage: stage.clone(),
                rules: rules.clone(),
                dry_run,
            })
        });
        mesh.mesh.authz.extend(policies);
        mesh.mesh.losses.extend(losses);
    }
}

/// Go's words for true.
fn is_true(word: &str) -> bool {
    matches!(word, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

fn meaning(cx: &Context<'_>, object: &Object<AuthorizationPolicy>, losses: &mut Vec<Loss>) -> (Stage, Vec<AuthzRule>) {
    let spec = &object.spec;
    if unclear(cx) {
        return (Stage::Deny, vec![everything(cx, "spec", Place::default())]);
    }
    let flaws = cx.flaws();
    let unclear_scope = ["spec.selector", "spec.targetRef", "spec.targetRefs"].iter().any(|path| flaws.at(path));
    let (stage, broken) = match spec.action() {
        AuthorizationAction::Allow => (Stage::Allow, Broken::DropRule),
        AuthorizationAction::Deny => (Stage::Deny, Broken::DropClause),
        AuthorizationAction::Audit => (Stage::Audit, Broken::DropClause),
        AuthorizationAction::Custom => (delegate(cx, object, losses), Broken::DropClause),
    };
    if unclear_scope && stage == Stage::Allow {
        return (stage, Vec::new());
    }
    let mut rules = Rules::new(cx, broken);
    let found = rules.all(&spec.rules);
    losses.append(&mut rules.losses);
    (stage, found)
}

/// The stage of CUSTOM. Without a provider nobody can say yes.
fn delegate(cx: &Context<'_>, object: &Object<AuthorizationPolicy>, losses: &mut Vec<Loss>) -> Stage {
    let provider = object.spec.provider.as_ref();
    let name = provider.and_then(|provider| provider.name.as_ref()).map_or("", Text::as_str);
    if name.is_empty() {
        let place = provider.map_or_else(Place::default, |provider| provider.place);
        let reason = "CUSTOM needs the name of a provider; requests that match are refused";
        losses.push(cx.loss("spec.provider", place, LossKind::Refused, reason));
        return Stage::Deny;
    }
    Stage::Delegate(name.into())
}

/// True when the action, or what stands beside it, cannot be told.
fn unclear(cx: &Context<'_>) -> bool {
    cx.flaws().iter().any(|defect| {
        let unknown = matches!(defect.kind, DefectKind::UnknownField { .. });
        let beside = defect.path.strip_prefix("spec.").is_some_and(|field| !field.contains(['.', '[']));
        defect.path == "spec.action" || (unknown && beside)
    })
}

#[cfg(test)]
mod tests {
    use crate::dialects::lower::tests::mesh;
    use crate::ir::{Attribute, AuthzPolicy, Clause, Key, Mesh, Predicate, Scope, Stage, TextTest, ValueMatch};

    fn all() -> Mesh {
        mesh(include_str!("../../../../tests/mesh/authorization_policy/all.yaml"))
    }

    fn named<'m>(mesh: &'m Mesh, name: &str) -> Vec<&'m AuthzPolicy> {
        let has = |policy: &&AuthzPolicy| &*policy.origin.object.as_ref().unwrap().name == name;
        mesh.authz.iter().map(|policy| &**policy).filter(has).collect()
    }

    fn only<'m>(mesh: &'m Mesh, name: &str) -> &'m AuthzPolicy {
        let found = named(mesh, name);
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0]
    }

    fn texts(clause: &Clause) -> Vec<TextTest> {
        let text = |value: &ValueMatch| match value {
            ValueMatch::Text(text) => Some(text.test.clone()),
            _ => None,
        };
        clause.values.iter().filter_map(text).collect()
    }

    #[test]
    fn all_fields_come_over() {
        let mesh = all();
        let policy = only(&mesh, "full");
        assert_eq!((&policy.stage, policy.dry_run), (&Stage::Allow, true));
        assert_eq!(policy.scope, Scope::Workloads("shop".into(), Predicate::labels([("app", "web")])));
        let rule = &policy.rules[0];
        let attributes: Vec<_> = rule.from[0].iter().map(|clause| clause.attribute.clone()).collect();
        let want = [Attribute::Principal, Attribute::RequestPrincipal, Attribute::Namespace, Attribute::SourceIp];
        assert_eq!(attributes, want);
        assert_eq!(texts(&rule.from[0][1]), [TextTest::Present]);
        assert_eq!(rule.from[0][2].not.len(), 1);
        assert_eq!(texts(&rule.from[1][0]), [TextTest::Exact("shop/own".into()), TextTest::Exact("other/x".into())]);
        assert_eq!(rule.to[0].len(), 4, "hosts, ports, methods, paths");
        assert_eq!(rule.to[0][3].values[0], ValueMatch::Template("/a/{*}".into()));
        assert_eq!(rule.when.len(), 3);
        assert_eq!(rule.when[1].attribute, Attribute::Claim(vec!["realm".into(), "roles".into()]));
        assert!(rule.from[0][0].origin.to_string().contains("spec.rules[0].from[0].source.principals"), "{rule:?}");
    }

    #[test]
    fn scopes_and_stages() {
        let mesh = all();
        assert_eq!(only(&mesh, "mesh-wide").scope, Scope::Mesh);
        let labels = Predicate::labels([("tier", "front")]);
        assert_eq!(only(&mesh, "mesh-labels").scope, Scope::MeshWorkloads(labels));
        let targets: Vec<_> = named(&mesh, "targets").into_iter().map(|policy| policy.scope.clone()).collect();
        let service = Key::new("shop", "web.shop.svc.cluster.local");
        assert_eq!(targets, [Scope::Service(service, None), Scope::Gateway(Key::new("shop", "edge"), None)]);
        assert_eq!(only(&mesh, "ask").stage, Stage::Delegate("opa".into()));
        assert_eq!(only(&mesh, "ask-nobody").stage, Stage::Deny);
        assert_eq!(only(&mesh, "audit").stage, Stage::Audit);
        assert_eq!(only(&mesh, "nothing").rules, []);
        assert_eq!(only(&mesh, "anything").rules.len(), 1);
    }

    #[test]
    fn broken_rules_never_let_more_pass() {
        let mesh = all();
        let allow = only(&mesh, "broken-allow");
        assert_eq!(allow.rules.len(), 1, "only the last rule is whole: {:?}", allow.rules);
        assert_eq!(texts(&allow.rules[0].to[0][0]), [TextTest::Exact("GET".into())]);
        assert_eq!(only(&mesh, "broken-selector").rules, [], "it may have meant fewer workloads");
        assert_eq!(only(&mesh, "broken-allow").stage, Stage::Allow);
    }

    #[test]
    fn broken_rules_refuse_more() {
        let mesh = all();
        let deny = only(&mesh, "broken-deny");
        let whole = |at: usize| {
            let rule = &deny.rules[at];
            rule.from.is_empty() && rule.to.is_empty() && rule.when.is_empty()
        };
        assert!(whole(0), "an unreadable principal: {:?}", deny.rules[0]);
        assert_eq!((deny.rules[1].from.len(), deny.rules[1].to.len()), (0, 1), "the other part still holds");
        assert!(deny.rules[2].when.is_empty(), "a key that does not exist");
        assert_eq!(deny.rules[3].from[0][0].not.len(), 1, "the exception that could be read stays");
        assert!(whole(4), "a rule that is no rule");
        for name in ["broken-action", "unknown-field"] {
            let policy = only(&mesh, name);
            assert_eq!((&policy.stage, policy.rules.len()), (&Stage::Deny, 1), "{name}");
            assert!(policy.rules[0].from.is_empty(), "{name}");
        }
        assert!(mesh.losses.len() > 8, "{:#?}", mesh.losses);
    }
}
