//! The rules of an AuthorizationPolicy.
//!
//! A broken rule must not give more access than what was meant. In policies that let requests pass it is left out as a
//! whole. In policies that refuse, the broken clause is left out: the rule then matches more.

use super::authz_condition::attribute;
use super::authz_value::{self as value, Parse};
use super::context::Context;
use crate::dialects::istio::types::{
    AuthorizationCondition, AuthorizationOperation, AuthorizationRule, AuthorizationSource,
};
use crate::dialects::lower::Flaws;
use crate::ir::{Attribute, AuthzRule, Clause, Loss, LossKind, TextMatch, TextTest, ValueMatch};
use crate::manifests::source::Place;
use crate::schema::{List, Text};

/// What becomes of something broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Its rule matches nothing: for rules that let requests pass.
    DropRule,
    /// Its clause holds always: for rules that refuse.
    DropClause,
}

/// The rule is to be left out.
struct Dropped;

/// Lowers the rules of one object.
pub struct Rules<'a, 'c> {
    cx: &'a Context<'c>,
    flaws: Flaws<'c>,
    broken: Broken,
    /// What was left out.
    pub losses: Vec<Loss>,
}

/// The two lists of a clause.
struct Lists<'r> {
    name: &'static str,
    values: &'r List<Text>,
    not: &'r List<Text>,
}

impl<'a, 'c> Rules<'a, 'c> {
    /// For an object.
    pub fn new(cx: &'a Context<'c>, broken: Broken) -> Self {
        Self { cx, flaws: cx.flaws(), broken, losses: Vec::new() }
    }

    /// All rules. When some could not be read at all, a policy that refuses refuses everything.
    pub fn all(&mut self, rules: &List<AuthorizationRule>) -> Vec<AuthzRule> {
        let read = rules.iter().enumerate().filter_map(|(at, rule)| self.rule(&format!("spec.rules[{at}]"), rule).ok());
        let mut found: Vec<AuthzRule> = read.collect();
        if self.broken == Broken::DropClause && self.loses(rules, |rule| rule.place) {
            found.push(everything(self.cx, "spec.rules", rules.place.unwrap_or_default()));
        }
        found
    }

    fn rule(&mut self, path: &str, rule: &AuthorizationRule) -> Result<AuthzRule, Dropped> {
        if self.broken == Broken::DropRule && self.flaws.any(Some(rule.place)) {
            // The defects themselves are losses already.
            return Err(Dropped);
        }
        let from_path = format!("{path}.from");
        let from = self.one_of(
            &from_path,
            &rule.from,
            |from| from.place,
            |rules, path, from| {
                from.source.as_ref().map_or(Ok(Vec::new()), |source| rules.source(&format!("{path}.source"), source))
            },
        )?;
        let to_path = format!("{path}.to");
        let to = self.one_of(
            &to_path,
            &rule.to,
            |to| to.place,
            |rules, path, to| {
                let operation = to.operation.as_ref();
                operation.map_or(Ok(Vec::new()), |operation| rules.operation(&format!("{path}.operation"), operation))
            },
        )?;
        let mut when = Vec::new();
        for (at, condition) in rule.when.iter().enumerate() {
            when.extend(self.condition(&format!("{path}.when[{at}]"), condition)?);
        }
        Ok(AuthzRule { origin: self.cx.at(path, rule.place), allow: true, from, to, when })
    }

    /// Alternatives; none when one of them could not be read or says nothing, so that any sender or operation fits.
    fn one_of<T>(
        &mut self,
        path: &str,
        items: &List<T>,
        place: impl Fn(&T) -> Place + Copy,
        lower: impl Fn(&mut Self, &str, &T) -> Result<Vec<Clause>, Dropped>,
    ) -> Result<Vec<Vec<Clause>>, Dropped> {
        if items.is_set() && items.is_empty() {
            self.give_up(path, items.place.unwrap_or_default(), "the list is empty")?;
        }
        let mut open = self.loses(items, place);
        let mut found = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let path = format!("{path}[{at}]");
            let clauses = lower(self, &path, item)?;
            if clauses.is_empty() {
                self.give_up(&path, place(item), "it says nothing")?;
                open = true;
            }
            found.push(clauses);
        }
        Ok(if open { Vec::new() } else { found })
    }

    fn source(&mut self, path: &str, source: &AuthorizationSource) -> Result<Vec<Clause>, Dropped> {
        let lists = |name, values, not| Lists { name, values, not };
        let of_text = [
            (Attribute::Principal, lists("principals", &source.principals, &source.not_principals)),
            (
                Attribute::RequestPrincipal,
                lists("requestPrincipals", &source.request_principals, &source.not_request_principals),
            ),
            (Attribute::Namespace, lists("namespaces", &source.namespaces, &source.not_namespaces)),
            (Attribute::TrustDomain, lists("trustDomains", &source.trust_domains, &source.not_trust_domains)),
        ];
        let mut clauses = Vec::new();
        for (attribute, lists) in of_text {
            clauses.extend(self.clause(path, attribute, &lists, &value::text)?);
        }
        let accounts = lists("serviceAccounts", &source.service_accounts, &source.not_service_accounts);
        let namespace = self.cx.namespace();
        let account = |text: &str| account(text, namespace);
        clauses.extend(self.clause(path, Attribute::ServiceAccount, &accounts, &account)?);
        let of_network = [
            (Attribute::SourceIp, lists("ipBlocks", &source.ip_blocks, &source.not_ip_blocks)),
            (Attribute::RemoteIp, lists("remoteIpBlocks", &source.remote_ip_blocks, &source.not_remote_ip_blocks)),
        ];
        for (attribute, lists) in of_network {
            clauses.extend(self.clause(path, attribute, &lists, &value::network)?);
        }
        Ok(clauses)
    }

    fn operation(&mut self, path: &str, operation: &AuthorizationOperation) -> Result<Vec<Clause>, Dropped> {
        let lists = |name, values, not| Lists { name, values, not };
        let all: [(Attribute, Parse, Lists<'_>); 4] = [
            (Attribute::Host, value::text_of_any_case, lists("hosts", &operation.hosts, &operation.not_hosts)),
            (Attribute::DestinationPort, value::port, lists("ports", &operation.ports, &operation.not_ports)),
            (Attribute::Method, value::text, lists("methods", &operation.methods, &operation.not_methods)),
            (Attribute::Path, value::path, lists("paths", &operation.paths, &operation.not_paths)),
        ];
        let mut clauses = Vec::new();
        for (attribute, parse, lists) in all {
            clauses.extend(self.clause(path, attribute, &lists, &parse)?);
        }
        Ok(clauses)
    }

    fn condition(&mut self, path: &str, condition: &AuthorizationCondition) -> Result<Option<Clause>, Dropped> {
        let key = condition.key.as_ref().map_or("", Text::as_str);
        let Some((attribute, parse)) = attribute(key) else {
            self.give_up(path, condition.place, &format!("there is no attribute {key:?}"))?;
            return Ok(None);
        };
        let lists = Lists { name: "values", values: &condition.values, not: &condition.not_values };
        let namespace = self.cx.namespace();
        let clause = if attribute == Attribute::ServiceAccount {
            self.clause(path, attribute, &lists, &|text: &str| account(text, namespace))?
        } else {
            self.clause(path, attribute, &lists, &parse)?
        };
        if clause.is_none() {
            self.give_up(path, condition.place, "it has no values")?;
        }
        Ok(clause)
    }

    /// The clause of two lists; nothing when neither is set, or when it was given up.
    fn clause(
        &mut self,
        path: &str,
        attribute: Attribute,
        lists: &Lists<'_>,
        parse: &dyn Fn(&str) -> Option<ValueMatch>,
    ) -> Result<Option<Clause>, Dropped> {
        let place = lists.values.place.or(lists.not.place).unwrap_or_default();
        let path = format!("{path}.{}", lists.name);
        let (values, whole) = self.values(&path, lists.values, parse)?;
        let (not, _) = self.values(&path, lists.not, parse)?;
        // Fewer values to match would refuse less; fewer values to except refuse more.
        let values = if whole { values } else { Vec::new() };
        let says_something = !values.is_empty() || !not.is_empty();
        let clause = Clause { origin: self.cx.at(path, place), attribute, values, not };
        Ok(says_something.then_some(clause))
    }

    /// The values that could be read, and whether these are all.
    fn values(
        &mut self,
        path: &str,
        list: &List<Text>,
        parse: &dyn Fn(&str) -> Option<ValueMatch>,
    ) -> Result<(Vec<ValueMatch>, bool), Dropped> {
        let mut whole = !self.flaws.any(list.place);
        if list.is_set() && list.is_empty() && whole {
            self.give_up(path, list.place.unwrap_or_default(), "the list is empty")?;
        }
        let mut values = Vec::new();
        for text in list {
            match parse(text.as_str()) {
                Some(value) => values.push(value),
                None => {
                    whole = false;
                    self.give_up(path, text.place, &format!("{:?} is not a value of this field", text.as_str()))?;
                }
            }
        }
        Ok((values, whole))
    }

    fn loses<T>(&self, list: &List<T>, place: impl Fn(&T) -> Place + Copy) -> bool {
        self.flaws.loses_items(list.place, list.iter().map(place))
    }

    /// Notes something broken. An error when the rule cannot stay.
    fn give_up(&mut self, path: &str, place: Place, reason: &str) -> Result<(), Dropped> {
        let (result, instead) = match self.broken {
            Broken::DropRule => (Err(Dropped), "the rule lets nothing pass"),
            Broken::DropClause => (Ok(()), "it is left out, so that the rule matches more"),
        };
        self.losses.push(self.cx.loss(path, place, LossKind::Refused, format!("{reason}; {instead}")));
        result
    }
}

/// A rule that every request matches.
pub fn everything(cx: &Context<'_>, path: &str, place: Place) -> AuthzRule {
    AuthzRule { origin: cx.at(path, place), allow: true, from: Vec::new(), to: Vec::new(), when: Vec::new() }
}

/// `NAMESPACE/ACCOUNT`, or `ACCOUNT` in the policy's namespace. It has no wildcards.
fn account(text: &str, namespace: &str) -> Option<ValueMatch> {
    if text.is_empty() || text.contains('*') {
        return None;
    }
    let full = if text.contains('/') { text.to_owned() } else { format!("{namespace}/{text}") };
    Some(ValueMatch::Text(TextMatch::of(TextTest::Exact(full.into()))))
}
