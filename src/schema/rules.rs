//! Rules of the CRD schemas: on one field (range, length, pattern) and on a whole message (one-of, CEL).

use crate::manifests::source::Span;
use crate::manifests::tree::{Node, Value};

/// A rule on one field, as OpenAPI has it.
#[derive(Debug, Clone, Copy)]
pub enum Rule {
    /// The field must be set.
    Required,
    /// A number within both bounds.
    Range(f64, f64),
    /// A number of at least this.
    Min(f64),
    /// A text of at least so many characters.
    MinLen(usize),
    /// A text of at most so many characters.
    MaxLen(usize),
    /// A list or map of at least so many entries.
    MinItems(usize),
    /// A list or map of at most so many entries.
    MaxItems(usize),
    /// A rule with its own test: the OpenAPI or CEL text, and the test. The clause completes "the field ...".
    Test(&'static str, &'static str, fn(&Node) -> bool),
    /// A rule on every item of a list or every value of a map; a broken one is reported at that item.
    Each(&'static Rule),
    /// A rule on every key of a map, as `Test`; a broken one is reported at that key.
    Keys(&'static str, &'static str, fn(&str) -> bool),
}

impl Rule {
    /// Every part of `node` that breaks the rule, with the reason: the value itself, its items, or its keys.
    pub fn breaks(&self, node: &Node) -> Vec<(Span, String)> {
        match *self {
            Rule::Each(rule) => {
                let values = node.entries().iter().map(|entry| &entry.node);
                values.chain(node.items()).flat_map(|item| rule.breaks(item)).collect()
            }
            Rule::Keys(_, clause, test) => {
                let broken = node.entries().iter().filter(|entry| !test(&entry.key));
                broken.map(|entry| (entry.key_span, clause.to_owned())).collect()
            }
            _ => self.broken_by_value(node).map(|reason| (node.span, reason)).into_iter().collect(),
        }
    }

    /// The broken rule as a clause, or nothing when the value keeps it (or has another type).
    pub fn broken_by(&self, node: &Node) -> Option<String> {
        self.breaks(node).into_iter().next().map(|(_, reason)| reason)
    }

    fn broken_by_value(&self, node: &Node) -> Option<String> {
        match *self {
            Rule::Required | Rule::Each(_) | Rule::Keys(..) => None,
            Rule::Range(low, high) => {
                number(node).filter(|n| *n < low || *n > high).map(|n| format!("must be from {low} to {high}, not {n}"))
            }
            Rule::Min(low) => number(node).filter(|n| *n < low).map(|n| format!("must be at least {low}, not {n}")),
            Rule::MinLen(1) => node.as_str().filter(|s| s.is_empty()).map(|_| "must not be empty".to_owned()),
            Rule::MinLen(least) => node
                .as_str()
                .filter(|s| s.chars().count() < least)
                .map(|_| format!("must have at least {least} characters")),
            Rule::MaxLen(most) => node
                .as_str()
                .filter(|s| s.chars().count() > most)
                .map(|s| format!("must have at most {most} characters, not {}", s.chars().count())),
            Rule::MinItems(least) => {
                entries(node).filter(|n| *n < least).map(|n| format!("must have at least {least} entries, not {n}"))
            }
            Rule::MaxItems(most) => {
                entries(node).filter(|n| *n > most).map(|n| format!("must have at most {most} entries, not {n}"))
            }
            Rule::Test(_, clause, test) => (!test(node)).then(|| clause.to_owned()),
        }
    }
}

#[allow(clippy::cast_precision_loss)] // bounds are small; a huge value stays out of range after rounding
fn number(node: &Node) -> Option<f64> {
    match node.value {
        Value::Int(n) => Some(n as f64),
        Value::Uint(n) => Some(n as f64),
        Value::Float(f) => Some(f),
        _ => None,
    }
}

fn entries(node: &Node) -> Option<usize> {
    match &node.value {
        Value::Seq(items) => Some(items.len()),
        Value::Map(entries) => Some(entries.len()),
        _ => None,
    }
}

/// A rule on a whole message.
#[derive(Debug, Clone, Copy)]
pub enum MessageRule {
    /// At most one of these fields may be set.
    AtMostOne(&'static [&'static str]),
    /// Exactly one of these fields must be set.
    ExactlyOne(&'static [&'static str]),
    /// A CEL rule: its expression over `self`, the message, and the same test in Rust.
    Cel(&'static str, &'static str, fn(&Node) -> bool),
}

impl MessageRule {
    /// What is wrong, or nothing.
    pub fn broken_by(&self, node: &Node) -> Option<String> {
        match *self {
            MessageRule::AtMostOne(fields) => {
                let set = set_fields(node, fields);
                (set.len() > 1).then(|| format!("only one of {} may be set, here are {}", list(fields), list(&set)))
            }
            MessageRule::ExactlyOne(fields) => {
                let set = set_fields(node, fields);
                match set.len() {
                    1 => None,
                    0 => Some(format!("one of {} must be set", list(fields))),
                    _ => Some(format!("only one of {} may be set, here are {}", list(fields), list(&set))),
                }
            }
            MessageRule::Cel(_, message, test) => (!test(node)).then(|| message.to_owned()),
        }
    }
}

fn set_fields<'f>(node: &Node, fields: &[&'f str]) -> Vec<&'f str> {
    fields.iter().filter(|f| node.get(f).is_some_and(|value| !value.is_null())).copied().collect()
}

fn list(fields: &[&str]) -> String {
    match fields {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [head @ .., last] => {
            let head: Vec<String> = head.iter().map(|f| format!("`{f}`")).collect();
            format!("{} and `{last}`", head.join(", "))
        }
    }
}
