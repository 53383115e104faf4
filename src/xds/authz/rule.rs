//! Rules as Envoy's policies: permissions and principals.

use envoy_types::pb::envoy::config::rbac::v3::{Permission, Policy, Principal};

use super::clause::{Bound, Sight};
use super::tree::Tree;
use crate::ir::AuthzRule;

/// How many policies one rule may become before it is given up.
const MOST: usize = 256;

/// One way in which a rule holds: both parts must.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// What is done.
    pub permission: Tree,
    /// Who does it.
    pub principal: Tree,
}

impl Way {
    /// The way that always holds.
    pub fn always() -> Self {
        Self { permission: Tree::Always, principal: Tree::Always }
    }

    /// True when it can never hold.
    pub fn is_never(&self) -> bool {
        self.permission == Tree::Never || self.principal == Tree::Never
    }

    /// Both ways at once.
    pub fn and(&self, other: &Self) -> Self {
        Self {
            permission: Tree::all([self.permission.clone(), other.permission.clone()]),
            principal: Tree::all([self.principal.clone(), other.principal.clone()]),
        }
    }

    /// As Envoy has it.
    pub fn policy(&self) -> Option<Policy> {
        let permission: Permission = self.permission.permission()?;
        let principal: Principal = self.principal.principal()?;
        Some(Policy { permissions: vec![permission], principals: vec![principal], ..Policy::default() })
    }
}

/// The ways in which a rule holds. One is enough, unless `from` and `to` mix what callers are and what they do.
pub fn ways(sight: Sight<'_>, rule: &AuthzRule, bound: Bound) -> Vec<Way> {
    let alternatives = |list: &[Vec<crate::ir::Clause>]| -> Vec<Tree> {
        if list.is_empty() {
            return vec![Tree::Always];
        }
        list.iter().map(|clauses| sight.all(clauses, bound)).collect()
    };
    let (from, to) = (alternatives(&rule.from), alternatives(&rule.to));
    let (senders, operations) = (Tree::any(from.clone()), Tree::any(to.clone()));
    let when: Vec<Tree> = rule.when.iter().map(|clause| sight.clause(clause, bound)).collect();
    let Some(conditions) = sides(&when) else { return Vec::from_iter(unknown(bound)) };
    let found = if senders.is_principal() && operations.is_permission() {
        vec![Way { permission: operations, principal: senders }.and(&conditions)]
    } else {
        // A mix: every pair of a sender and an operation by itself.
        let pairs = from.iter().flat_map(|from| to.iter().map(move |to| [from.clone(), to.clone()]));
        let pairs: Option<Vec<Way>> = pairs.map(|pair| Some(sides(&flat(&pair))?.and(&conditions))).collect();
        match pairs {
            Some(ways) if ways.len() <= MOST => ways,
            _ => Vec::from_iter(unknown(bound)),
        }
    };
    found.into_iter().filter(|way| !way.is_never()).collect()
}

/// What stands for a rule that cannot be said.
fn unknown(bound: Bound) -> Option<Way> {
    (bound == Bound::More).then(Way::always)
}

fn flat(trees: &[Tree]) -> Vec<Tree> {
    let parts = |tree: &Tree| match tree {
        Tree::All(inner) => inner.clone(),
        tree => vec![tree.clone()],
    };
    trees.iter().flat_map(parts).collect()
}

/// Conditions that must all hold, each on the side where it can stand; nothing when one can stand on neither.
fn sides(trees: &[Tree]) -> Option<Way> {
    let mut permissions = Vec::new();
    let mut principals = Vec::new();
    for tree in flat(trees) {
        if tree.is_permission() {
            permissions.push(tree);
        } else if tree.is_principal() {
            principals.push(tree);
        } else {
            return None;
        }
    }
    Some(Way { permission: Tree::all(permissions), principal: Tree::all(principals) })
}

/// Rules of which the first that matches decides, as ways of those that decide `allow`: none of the earlier ones with the
/// other decision holds. Too many ways become what widens no access.
pub fn first_match(sight: Sight<'_>, rules: &[&AuthzRule], allow: bool) -> Vec<Way> {
    let bound = if allow { Bound::Less } else { Bound::More };
    let mut before: Vec<Way> = Vec::new();
    let mut found = Vec::new();
    for rule in rules {
        if rule.allow != allow {
            // Erring on the other side: what stands before holds for more when we allow, for less when we refuse.
            let other = if allow { Bound::More } else { Bound::Less };
            before.extend(ways(sight, rule, other));
            continue;
        }
        for way in ways(sight, rule, bound) {
            let Some(mut all) = without(&way, &before) else { return Vec::from_iter(unknown(bound)) };
            found.append(&mut all);
            if found.len() > MOST {
                return Vec::from_iter(unknown(bound));
            }
        }
    }
    found
}

/// A way while none of the others holds; nothing when that is too much.
fn without(way: &Way, others: &[Way]) -> Option<Vec<Way>> {
    let mut all = vec![way.clone()];
    for other in others {
        let not_permission = Way { permission: Tree::not(other.permission.clone()), principal: Tree::Always };
        let not_principal = Way { permission: Tree::Always, principal: Tree::not(other.principal.clone()) };
        let next = all.iter().flat_map(|way| [way.and(&not_permission), way.and(&not_principal)]);
        all = next.filter(|way| !way.is_never()).collect();
        all.dedup();
        if all.len() > MOST {
            return None;
        }
    }
    Some(all)
}
