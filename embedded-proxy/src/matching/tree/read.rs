//! Reading trees: `xds.type.matcher.v3.Matcher`, and `envoy.config.common.matcher.v3.Matcher`, which has the same shape.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::domains::Domains;
use super::ranges::Ranges;
use super::walk::{Map, Next, Step, Then};
use super::{Input, Level, MatchTree};
use crate::proto::Reader;

/// Reads an action: the full name of its type and its content. None: a defect was noted.
type ReadAction<'r, A> = &'r mut dyn FnMut(&str, &Reader<'_>) -> Option<A>;

impl<A> MatchTree<A> {
    /// Reads the message. `level` says which inputs there are where the tree is used. None: a defect was noted.
    pub fn read(
        reader: &Reader<'_>,
        level: Level,
        mut action: impl FnMut(&str, &Reader<'_>) -> Option<A>,
    ) -> Option<Self> {
        Self::read_tree(reader, level, &mut action)
    }

    fn read_tree(reader: &Reader<'_>, level: Level, action: ReadAction<'_, A>) -> Option<Self> {
        let step = match reader.choice("matcher_type").as_deref() {
            Some(field @ "matcher_list") => read_list(&reader.message(field)?, level, action),
            Some(field) => read_map(&reader.message(field)?, level, action),
            None => Some(Step::Nowhere),
        };
        let otherwise = match reader.message("on_no_match") {
            Some(next) => Some(Box::new(Next::read(&next, level, action)?)),
            None => None,
        };
        Some(Self { step: step?, otherwise })
    }
}

impl<A> Next<A> {
    fn read(reader: &Reader<'_>, level: Level, action: ReadAction<'_, A>) -> Option<Self> {
        let keep_matching = reader.flag("keep_matching");
        let then = match reader.choice("on_match").as_deref() {
            Some("matcher") => Then::Tree(MatchTree::read_tree(&reader.message("matcher")?, level, action)?),
            Some(field) => {
                let extension = reader.message(field)?;
                // The type of the configuration says what it is.
                extension.ignore(&["name"]);
                let (name, config) = extension.any("typed_config")?;
                Then::Action(action(&name, &config)?)
            }
            None => {
                reader.defect("", "says neither where to go on nor what to do");
                return None;
            }
        };
        Some(Self { then, keep_matching })
    }
}

fn read_list<A>(reader: &Reader<'_>, level: Level, action: ReadAction<'_, A>) -> Option<Step<A>> {
    let mut all = Vec::new();
    for matcher in reader.list("matchers") {
        let condition = matcher.need("predicate").and_then(|predicate| Condition::read(&predicate, level));
        let next = matcher.need("on_match").and_then(|next| Next::read(&next, level, action));
        all.push((condition?, next?));
    }
    Some(Step::List(all))
}

fn read_map<A>(reader: &Reader<'_>, level: Level, action: ReadAction<'_, A>) -> Option<Step<A>> {
    let input = reader.need("input").and_then(|input| Input::read(&input, level));
    let mut all = Vec::new();
    let mut next = |reader: &Reader<'_>| {
        all.push(Next::read(reader, level, action)?);
        Some(all.len() - 1)
    };
    let map = match reader.choice("tree_type").as_deref() {
        Some(field @ "exact_match_map") => read_texts(&reader.message(field)?, &mut next).map(Map::Exact),
        Some(field @ "prefix_match_map") => read_texts(&reader.message(field)?, &mut next).map(Map::Prefix),
        Some(field) => read_custom(&reader.message(field)?, &mut next),
        None => {
            reader.defect("", "says no way to look up a value");
            None
        }
    };
    let (input, map) = (input?, map?);
    if input.is_structure() {
        reader.defect("input", "has no text that could be looked up");
        return None;
    }
    Some(Step::Map(input, map, all))
}

fn read_texts(
    reader: &Reader<'_>,
    mut next: impl FnMut(&Reader<'_>) -> Option<usize>,
) -> Option<BTreeMap<Vec<u8>, usize>> {
    reader.map("map").into_iter().map(|(key, reader)| Some((key.into_bytes(), next(&reader)?))).collect()
}

fn read_custom(reader: &Reader<'_>, next: impl FnMut(&Reader<'_>) -> Option<usize>) -> Option<Map> {
    // The type of the configuration says what it is.
    reader.ignore(&["name"]);
    let (name, config) = reader.any("typed_config")?;
    match name.as_str() {
        "xds.type.matcher.v3.IPMatcher" => Ranges::read(&config, next).map(Map::Ranges),
        "xds.type.matcher.v3.ServerNameMatcher" => Domains::read(&config, next).map(Map::Domains),
        _ => {
            config.ignore_all();
            config.defect("", format!("the proxy does not have the matcher {name}"));
            None
        }
    }
}
