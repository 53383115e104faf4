//! The scalar types of manifests: text, numbers, durations, int-or-string, and values kept as they are.

use std::time::Duration;

use super::message::Schema;
use super::reader::{Leaf, LeafError, Reader, Shape};
use crate::manifests::source::Place;
use crate::manifests::tree::{Node, Value};

impl Leaf for Box<str> {
    fn leaf(node: &Node) -> Result<Self, LeafError> {
        node.as_str().map(Into::into).ok_or_else(|| LeafError::Type("string".to_owned()))
    }

    fn leaf_schema() -> Schema {
        Schema::Text("")
    }
}

impl Leaf for bool {
    fn leaf(node: &Node) -> Result<Self, LeafError> {
        node.as_bool().ok_or_else(|| LeafError::Type("boolean".to_owned()))
    }

    fn leaf_schema() -> Schema {
        Schema::Bool
    }
}

impl Leaf for i64 {
    fn leaf(node: &Node) -> Result<Self, LeafError> {
        node.as_int().ok_or_else(|| LeafError::Type("integer".to_owned()))
    }

    fn leaf_schema() -> Schema {
        Schema::Int
    }
}

impl Leaf for f64 {
    #[allow(clippy::cast_precision_loss)] // JSON numbers are floats anyway
    fn leaf(node: &Node) -> Result<Self, LeafError> {
        match node.value {
            Value::Float(f) => Ok(f),
            Value::Int(n) => Ok(n as f64),
            Value::Uint(n) => Ok(n as f64),
            _ => Err(LeafError::Type("number".to_owned())),
        }
    }

    fn leaf_schema() -> Schema {
        Schema::Number
    }
}

/// A port or percentage that Kubernetes takes as a number or as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IntOrString {
    /// A number.
    Int(i64),
    /// A text.
    Text(Box<str>),
}

impl Leaf for IntOrString {
    fn leaf(node: &Node) -> Result<Self, LeafError> {
        match &node.value {
            Value::Str(text) => Ok(Self::Text(text.clone())),
            _ => node.as_int().map(Self::Int).ok_or_else(|| LeafError::Type("integer or string".to_owned())),
        }
    }

    fn leaf_schema() -> Schema {
        Schema::IntOrString
    }
}

impl std::fmt::Display for IntOrString {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A duration in the protobuf JSON form that Istio's CRDs take: `30s`, `1.5s`, `1h30m`, `100ms`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Period(pub Duration);

impl Leaf for Period {
    fn leaf(node: &Node) -> Result<Self, LeafError> {
        let text = node.as_str().ok_or_else(|| LeafError::Type("duration text such as 30s".to_owned()))?;
        parse_duration(text)
            .map(Period)
            .ok_or_else(|| LeafError::Value(format!("must be a duration such as 30s, 1.5s or 100ms, not {text:?}")))
    }

    fn leaf_schema() -> Schema {
        Schema::Text("duration")
    }
}

/// Reads a Go duration (`1h2m3.5s`, `250ms`, `10us`, `5ns`); negative ones and anything else give nothing.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut total = 0f64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit_len = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let seconds = match &rest[..unit_len] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number * seconds;
        rest = &rest[unit_len..];
    }
    // Nanoseconds are the unit of the wire form; rounding there keeps 0.1s exact.
    Duration::try_from_secs_f64((total * 1e9).round() / 1e9).ok()
}

/// A value kept as its tree, for fields whose content has no schema of its own here.
#[derive(Debug, Clone, PartialEq)]
pub struct Any {
    /// The tree.
    pub node: Node,
    /// Where it stands.
    pub place: Place,
}

impl Shape for Any {
    fn read(node: &Node, place: Place, _: &mut Reader) -> Option<Self> {
        Some(Self { node: node.clone(), place })
    }

    fn schema() -> Schema {
        Schema::Any
    }
}

/// A field that is known and that no rule reads: accepted, its content dropped. It has no place either: kinds have dozens
/// of such fields, and a large input thousands of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opaque;

impl Shape for Opaque {
    fn read(_: &Node, _: Place, _: &mut Reader) -> Option<Self> {
        Some(Self)
    }

    fn schema() -> Schema {
        Schema::Any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_reads_them() {
        let ms = |n| Some(Duration::from_millis(n));
        for (text, want) in [
            ("30s", ms(30_000)),
            ("1.5s", ms(1500)),
            ("1h1m1s", ms(3_661_000)),
            ("100ms", ms(100)),
            ("0", ms(0)),
            ("0.1s", ms(100)),
        ] {
            assert_eq!(parse_duration(text), want, "{text}");
        }
        for text in ["", "5", "s", "-1s", "1 s", "1d", "apple", "1.s.", "1s2"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
