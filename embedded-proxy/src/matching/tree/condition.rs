//! Conditions: what one step of a list asks of the values.

use std::net::IpAddr;

use ipnet::IpNet;
use twox_hash::XxHash64;

use super::super::{JsonMatcher, StringMatcher, read_cidrs};
use super::{Datum, Input, Level, Values};
use crate::proto::{Fraction, Reader};

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// A value and what it has to be.
    Value(Input, Test),
    /// All of them.
    All(Vec<Condition>),
    /// One of them.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
}

/// What a value has to be. A text that is not there passes no test.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// A text.
    Text(StringMatcher),
    /// An address in one of the ranges.
    Ranges(Vec<IpNet>),
    /// A structure; true turns the result around.
    Structure(JsonMatcher, bool),
    /// Its hash, divided by `modulo`, leaves `threshold` or more.
    Hash { threshold: u64, modulo: u64, seed: u64 },
    /// Its hash is in the share.
    Share(Fraction, u64),
}

impl Condition {
    /// Reads a predicate of `Matcher.MatcherList`.
    pub(super) fn read(reader: &Reader<'_>, level: Level) -> Option<Self> {
        let all = |field: &str| {
            let all = reader.message(field)?.list("predicate");
            let all: Vec<Option<Self>> = all.iter().map(|one| Self::read(one, level)).collect();
            all.into_iter().collect::<Option<Vec<_>>>()
        };
        match reader.choice("match_type").as_deref() {
            Some("single_predicate") => Self::read_value(&reader.message("single_predicate")?, level),
            Some("or_matcher") => all("or_matcher").map(Self::Any),
            Some("and_matcher") => all("and_matcher").map(Self::All),
            Some("not_matcher") => Some(Self::Not(Box::new(Self::read(&reader.message("not_matcher")?, level)?))),
            _ => {
                reader.defect("", "says no way to match");
                None
            }
        }
    }

    fn read_value(reader: &Reader<'_>, level: Level) -> Option<Self> {
        let input = reader.need("input").and_then(|input| Input::read(&input, level));
        let test = match reader.choice("matcher").as_deref() {
            Some("value_match") => Some(Test::Text(StringMatcher::read(&reader.message("value_match")?)?)),
            Some("custom_match") => Test::read(&reader.message("custom_match")?),
            _ => {
                reader.defect("", "says no way to match a value");
                None
            }
        };
        let (input, test) = (input?, test?);
        if input.is_structure() != matches!(test, Test::Structure(..)) {
            reader.defect("", "the input has no value of the kind that is matched");
            return None;
        }
        Some(Self::Value(input, test))
    }

    /// Whether the values are as asked.
    pub(super) fn holds(&self, values: &impl Values) -> bool {
        match self {
            Self::Value(input, test) => test.holds(values.value(input).as_ref()),
            Self::All(all) => all.iter().all(|one| one.holds(values)),
            Self::Any(all) => all.iter().any(|one| one.holds(values)),
            Self::Not(one) => !one.holds(values),
        }
    }
}

impl Test {
    /// Reads the extension of `custom_match`.
    fn read(reader: &Reader<'_>) -> Option<Self> {
        // The type of the configuration says what it is.
        reader.ignore(&["name"]);
        let (name, config) = reader.any("typed_config")?;
        let number = |field: &str| config.number(field).unwrap_or(0);
        match name.strip_prefix("envoy.extensions.matching.input_matchers.").unwrap_or_default() {
            "ip.v3.Ip" => {
                // Under the prefix Envoy counts texts that are no addresses.
                config.ignore(&["stat_prefix"]);
                Some(Self::Ranges(read_cidrs(&config.list("cidr_ranges"))?))
            }
            "metadata.v3.Metadata" => {
                let invert = config.flag("invert");
                Some(Self::Structure(JsonMatcher::read(&config.need("value")?)?, invert))
            }
            "consistent_hashing.v3.ConsistentHashing" => Some(Self::Hash {
                threshold: number("threshold"),
                modulo: number("modulo").max(1),
                seed: number("seed"),
            }),
            "runtime_fraction.v3.RuntimeFraction" => {
                let share = config.fraction("runtime_fraction");
                Some(Self::Share(share.unwrap_or(Fraction { numerator: 0, denominator: 100 }), number("seed")))
            }
            _ => {
                config.ignore_all();
                config.defect("", format!("the proxy does not have the matcher {name}"));
                None
            }
        }
    }

    fn holds(&self, value: Option<&Datum<'_>>) -> bool {
        let text = || value.and_then(Datum::as_text);
        match self {
            Self::Text(matcher) => text().is_some_and(|text| matcher.matches(text)),
            Self::Ranges(ranges) => value.and_then(Datum::as_ip).is_some_and(|ip| holds_ip(ranges, ip)),
            Self::Structure(matcher, invert) => {
                let value = match value {
                    Some(Datum::Json(value)) => Some(*value),
                    _ => None,
                };
                matcher.matches(value) != *invert
            }
            Self::Hash { threshold, modulo, seed } => {
                text().is_some_and(|text| XxHash64::oneshot(*seed, &text) % modulo >= *threshold)
            }
            Self::Share(share, seed) => text().is_some_and(|text| share.hits(XxHash64::oneshot(*seed, &text))),
        }
    }
}

fn holds_ip(ranges: &[IpNet], ip: IpAddr) -> bool {
    ranges.iter().any(|range| range.contains(&ip))
}
