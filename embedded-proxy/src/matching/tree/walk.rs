//! The tree itself, and the way through it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::condition::Condition;
use super::domains::Domains;
use super::ranges::Ranges;
use super::{Datum, Input, Values};

/// A tree that ends in actions.
#[derive(Debug, Clone, PartialEq)]
pub struct MatchTree<A> {
    pub(super) step: Step<A>,
    /// What comes when the step leads nowhere.
    pub(super) otherwise: Option<Box<Next<A>>>,
}

/// How a tree goes on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step<A> {
    /// Not at all.
    Nowhere,
    /// With the first condition that holds.
    List(Vec<(Condition, Next<A>)>),
    /// By the value of an input.
    Map(Input, Map, Vec<Next<A>>),
}

/// Values and the index of what comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Map {
    /// The whole value.
    Exact(BTreeMap<Vec<u8>, usize>),
    /// Its beginning, the longest first.
    Prefix(BTreeMap<Vec<u8>, usize>),
    /// An address in ranges.
    Ranges(Ranges),
    /// A server name.
    Domains(Domains),
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Next<A> {
    pub(super) then: Then<A>,
    /// Goes through it, and on as if it had led nowhere.
    pub(super) keep_matching: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Then<A> {
    Tree(MatchTree<A>),
    Action(A),
}

impl<A> MatchTree<A> {
    /// The action that the values lead to; none when they lead nowhere.
    pub fn find(&self, values: &impl Values) -> Option<&A> {
        let found = match &self.step {
            Step::Nowhere => None,
            Step::List(all) => {
                all.iter().filter(|(condition, _)| condition.holds(values)).find_map(|(_, next)| next.find(values))
            }
            Step::Map(input, map, all) => values.value(input).and_then(|value| map.find(&value, all, values)),
        };
        found.or_else(|| self.otherwise.as_ref()?.find(values))
    }

    /// All actions of the tree, those that no values lead to included.
    pub fn actions(&self) -> Vec<&A> {
        let next: Vec<&Next<A>> = match &self.step {
            Step::Nowhere => Vec::new(),
            Step::List(all) => all.iter().map(|(_, next)| next).collect(),
            Step::Map(_, _, all) => all.iter().collect(),
        };
        let all = next.into_iter().chain(self.otherwise.as_deref());
        all.flat_map(|next| match &next.then {
            Then::Tree(tree) => tree.actions(),
            Then::Action(action) => vec![action],
        })
        .collect()
    }
}

impl<A> Next<A> {
    fn find(&self, values: &impl Values) -> Option<&A> {
        if self.keep_matching {
            return None;
        }
        match &self.then {
            Then::Tree(tree) => tree.find(values),
            Then::Action(action) => Some(action),
        }
    }
}

impl Map {
    fn find<'a, A>(&self, value: &Datum<'_>, all: &'a [Next<A>], values: &impl Values) -> Option<&'a A> {
        let go = |index: usize| all.get(index)?.find(values);
        match self {
            Self::Exact(map) => go(*map.get(value.as_text()?.as_ref())?),
            Self::Prefix(map) => {
                let text = value.as_text()?;
                (0..=text.len()).rev().filter_map(|length| map.get(&text[..length])).find_map(|index| go(*index))
            }
            Self::Ranges(ranges) => ranges.find(value.as_ip()?).find_map(go),
            Self::Domains(domains) => {
                let text: Cow<'_, [u8]> = value.as_text()?;
                let name = std::str::from_utf8(&text).ok().filter(|name| !name.is_empty())?;
                domains.find(name).find_map(go)
            }
        }
    }
}
