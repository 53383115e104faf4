//! The stages of a port in their order: what is asked outside, what is refused, what is allowed, what is marked.

use std::sync::Arc;

use envoy_types::pb::envoy::config::listener::v3::{Filter as NetworkFilter, filter::ConfigType};
use envoy_types::pb::envoy::config::rbac::v3::Policy;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::HttpFilter;

use super::clause::{Bound, Sight};
use super::delegate;
use super::message::{Entry, Filter, Rules};
use super::rule::{Way, first_match, ways};
use super::tree::{Test, Tree};
use crate::ir::{AuthzDefault, AuthzPolicy, AuthzRule, Key, Name, Scope, Stage};
use crate::xds::View;
use crate::xds::hcm::http_filter;

const HTTP: &str = "envoy.filters.http.rbac";
const NETWORK: &str = "envoy.filters.network.rbac";
const ALLOW: i32 = 0;
const DENY: i32 = 1;
const LOG: i32 = 2;

/// What access is for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// The port of the workload; none for ports that nobody named.
    pub port: Option<u16>,
    /// The service and its port, when it has one.
    pub service: Option<&'t (Key, u16)>,
}

/// Filters for requests.
pub fn http(view: &View<'_>, target: Target<'_>) -> Vec<HttpFilter> {
    let domains = view.trust_domains();
    let stages = Stages { view, target, sight: Sight { http: true, domains: &domains } };
    let mut filters = Vec::new();
    for (provider, policies) in stages.delegates() {
        filters.extend(delegate::filters(view, &provider, stages.entries(&policies, Bound::More)));
    }
    filters.extend(stages.filters().into_iter().map(|filter| http_filter(HTTP, filter.http())));
    filters
}

/// Filters for connections. Nobody outside can be asked about a connection here: what should be is refused.
pub fn network(view: &View<'_>, target: Target<'_>) -> Vec<NetworkFilter> {
    let domains = view.trust_domains();
    let stages = Stages { view, target, sight: Sight { http: false, domains: &domains } };
    let mut filters = Vec::new();
    for (_, policies) in stages.delegates() {
        filters.push(enforce(DENY, stages.entries(&policies, Bound::More)));
    }
    filters.extend(stages.filters());
    let one = |filter: Filter| NetworkFilter {
        name: NETWORK.to_owned(),
        config_type: Some(ConfigType::TypedConfig(filter.network())),
    };
    filters.into_iter().map(one).collect()
}

fn enforce(action: i32, policies: Vec<Entry>) -> Filter {
    Filter { rules: Some(Rules { action, policies }), ..Filter::default() }
}

struct Stages<'s> {
    view: &'s View<'s>,
    target: Target<'s>,
    sight: Sight<'s>,
}

impl<'s> Stages<'s> {
    fn policies(&self) -> impl Iterator<Item = &'s Arc<AuthzPolicy>> + use<'s, '_> {
        let (view, target) = (self.view, self.target);
        view.mesh.authz.iter().filter(move |policy| {
            let fits = match (policy.port, target.port) {
                (Some(wanted), Some(port)) => wanted == port,
                // For a port that nobody named, the condition on the port goes into the rules.
                _ => true,
            };
            fits && includes(&policy.scope, view, target)
        })
    }

    fn of(&self, stage: &Stage) -> Vec<&'s Arc<AuthzPolicy>> {
        self.policies().filter(|policy| policy.stage == *stage).collect()
    }

    /// Policies by the provider that is asked, in the order of the first of each.
    fn delegates(&self) -> Vec<(Name, Vec<&'s Arc<AuthzPolicy>>)> {
        let mut all: Vec<(Name, Vec<&Arc<AuthzPolicy>>)> = Vec::new();
        // There is no way to only tell what a service outside would say.
        for policy in self.policies().filter(|policy| !policy.dry_run) {
            let Stage::Delegate(provider) = &policy.stage else { continue };
            match all.iter_mut().find(|(name, _)| name == provider) {
                Some((_, list)) => list.push(policy),
                None => all.push((provider.clone(), vec![policy])),
            }
        }
        all
    }

    /// All stages that the proxy decides by itself.
    fn filters(&self) -> Vec<Filter> {
        let mut filters = Vec::new();
        filters.extend(self.stage(DENY, &self.of(&Stage::Deny), Bound::More, "istio_dry_run_deny_"));
        let default = self.default();
        let allow = self.of(&Stage::Allow);
        let has_allow = allow.iter().any(|policy| !policy.dry_run);
        filters.extend(self.ordered(has_allow, default));
        filters.extend(self.stage(ALLOW, &allow, Bound::Less, "istio_dry_run_allow_"));
        let audit = self.of(&Stage::Audit);
        let audit: Vec<_> = audit.into_iter().filter(|policy| !policy.dry_run).collect();
        if !audit.is_empty() {
            filters.push(enforce(LOG, self.entries(&audit, Bound::More)));
        }
        filters
    }

    fn stage(&self, action: i32, policies: &[&Arc<AuthzPolicy>], bound: Bound, prefix: &'static str) -> Option<Filter> {
        let (told, enforced): (Vec<_>, Vec<_>) = policies.iter().copied().partition(|policy| policy.dry_run);
        let rules = |list: &[&Arc<AuthzPolicy>]| {
            (!list.is_empty()).then(|| Rules { action, policies: self.entries(list, bound) })
        };
        let filter = Filter { rules: rules(&enforced), shadow: rules(&told), shadow_prefix: prefix };
        if filter.shadow.is_none() {
            return filter.rules.is_some().then_some(Filter { shadow_prefix: "", ..filter });
        }
        Some(filter)
    }

    /// The stage of ordered rules, and what holds where no rule says anything: with policies that allow, those decide.
    fn ordered(&self, has_allow: bool, default: bool) -> Option<Filter> {
        let policies: Vec<_> = self.of(&Stage::FirstMatch).into_iter().filter(|policy| !policy.dry_run).collect();
        let allows = !default && !has_allow;
        if policies.is_empty() {
            return allows.then(|| enforce(ALLOW, Vec::new()));
        }
        let rules: Vec<&AuthzRule> = policies.iter().flat_map(|policy| &policy.rules).collect();
        let name = policies.first().map(|policy| name(policy, 0)).unwrap_or_default();
        let entries =
            numbered(&name, first_match(self.sight, &rules, allows), if allows { Bound::Less } else { Bound::More });
        Some(enforce(if allows { ALLOW } else { DENY }, entries))
    }

    /// What holds where no policy says anything: the narrowest default, the first of equals; to let pass without any.
    fn default(&self) -> bool {
        let here = self.view.mesh.authz_defaults.iter().filter(|own| includes(&own.scope, self.view, self.target));
        let narrowest = here.fold(None, |best: Option<&Arc<AuthzDefault>>, own| match best {
            Some(best) if best.scope.breadth() >= own.scope.breadth() => Some(best),
            _ => Some(own),
        });
        narrowest.is_none_or(|own| own.allow)
    }

    /// The policies of some objects by their names, each name once.
    fn entries(&self, policies: &[&Arc<AuthzPolicy>], bound: Bound) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        for policy in policies {
            for (at, rule) in policy.rules.iter().enumerate() {
                let mut ways = ways(self.sight, rule, bound);
                if let (Some(port), None) = (policy.port, self.target.port) {
                    let at_port = Way { permission: Tree::Test(Test::Port(port)), principal: Tree::Always };
                    ways = ways.iter().map(|way| way.and(&at_port)).collect();
                }
                for entry in numbered(&name(policy, at), ways, bound) {
                    push(&mut entries, entry);
                }
            }
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        entries
    }
}

/// A name that stands already gets a mark: nothing may be lost.
fn push(entries: &mut Vec<Entry>, mut entry: Entry) {
    while entries.iter().any(|other| other.name == entry.name) {
        entry.name.push('~');
    }
    entries.push(entry);
}

/// One way has the name itself, several have a number after it. A way that cannot be said becomes what widens no access.
fn numbered(name: &str, ways: Vec<Way>, bound: Bound) -> Vec<Entry> {
    let many = ways.len() > 1;
    let one = |(at, way): (usize, Way)| {
        let name = if many { format!("{name}-{at:03}") } else { name.to_owned() };
        let policy: Option<Policy> = way.policy().or_else(|| match bound {
            Bound::Less => None,
            Bound::More => Way::always().policy(),
        });
        policy.map(|policy| Entry { name, policy: Some(policy) })
    };
    ways.into_iter().enumerate().filter_map(one).collect()
}

fn includes(scope: &Scope, view: &View<'_>, target: Target<'_>) -> bool {
    let of_port = match scope {
        Scope::Service(key, Some(port)) => target.service.is_some_and(|(own, number)| own == key && number == port),
        Scope::Service(key, None) => target.service.is_none_or(|(own, _)| own == key),
        _ => true,
    };
    of_port && scope.includes(view.workload())
}

/// `ns[shop]-policy[cart]-rule[0]`
fn name(policy: &AuthzPolicy, rule: usize) -> String {
    match &policy.origin.object {
        Some(object) => format!("ns[{}]-policy[{}]-rule[{rule}]", object.namespace, object.name),
        None => format!("policy-rule[{rule}]"),
    }
}
