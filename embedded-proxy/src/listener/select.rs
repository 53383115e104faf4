//! How a listener selects a filter chain: by what the chains ask, or by a tree of matchers that ends in their names.

use std::sync::Arc;

use super::{Choice, Criteria, Facts, FilterChain};
use crate::matching::tree::{Level, MatchTree};
use crate::proto::Reader;

/// What takes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Selected {
    /// The chain at this index.
    Chain(usize),
    /// The default chain, if there is one.
    Default,
    /// Nothing, not even the default chain: the tree names a chain that there is not.
    Nothing,
}

/// How a filter chain is selected.
#[derive(Debug)]
pub(super) enum Selector {
    /// By `filter_chain_match` of each chain.
    Criteria(Choice),
    /// By `filter_chain_matcher` of the listener; its actions are indices of chains.
    Tree(MatchTree<Option<usize>>),
}

impl Selector {
    /// Reads it from an `envoy.config.listener.v3.Listener` whose filter chains were read. None: a defect was noted.
    pub fn read(listener: &Reader<'_>, chains: &[Arc<FilterChain>]) -> Option<Self> {
        let Some(tree) = listener.message("filter_chain_matcher") else {
            let criteria: Vec<Criteria> = chains.iter().map(|chain| chain.criteria.clone()).collect();
            return match Choice::new(&criteria) {
                Ok(choice) => Some(Self::Criteria(choice)),
                Err((index, why)) => {
                    listener.defect(&format!("filter_chains[{index}]"), why);
                    None
                }
            };
        };
        for (index, chain) in chains.iter().enumerate() {
            let field = format!("filter_chains[{index}].name");
            if chain.name.is_empty() {
                listener.defect(&field, "must not be empty where filter_chain_matcher is set");
                return None;
            }
            if chains[..index].iter().any(|other| other.name == chain.name) {
                listener.defect(&field, format!("{:?} is the name of an earlier filter chain", chain.name));
                return None;
            }
        }
        let index = |name: &str| chains.iter().position(|chain| &*chain.name == name);
        MatchTree::read(&tree, Level::Accepted, |kind, config| {
            if kind != "google.protobuf.StringValue" {
                config.ignore_all();
                config.defect(
                    "",
                    format!("the proxy does not have the action {kind}: a filter chain is named by a text"),
                );
                return None;
            }
            Some(index(&config.text("value")))
        })
        .map(Self::Tree)
    }

    /// Selects.
    pub fn select(&self, facts: &Facts<'_>) -> Selected {
        match self {
            Self::Criteria(choice) => choice.find(facts).map_or(Selected::Default, Selected::Chain),
            Self::Tree(tree) => match tree.find(facts) {
                Some(Some(index)) => Selected::Chain(*index),
                Some(None) => Selected::Nothing,
                None => Selected::Default,
            },
        }
    }
}
