//! Where a listener filter is switched off: `envoy.config.listener.v3.ListenerFilterChainMatchPredicate`.

use std::ops::Range;

use crate::proto::Reader;

/// Deepest nesting of predicates.
const DEPTH: usize = 16;

/// A predicate over the port a client connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// Always.
    Any,
    /// One of them.
    Or(Vec<Predicate>),
    /// All of them.
    And(Vec<Predicate>),
    /// Not this.
    Not(Box<Predicate>),
    /// The port is in the range (end excluded).
    Port(Range<i64>),
}

impl Predicate {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        Self::nested(reader, DEPTH)
    }

    fn nested(reader: &Reader<'_>, depth: usize) -> Option<Self> {
        let Some(depth) = depth.checked_sub(1) else {
            reader.defect("", "is nested too deeply");
            return None;
        };
        let set = |field| -> Option<Vec<Self>> {
            let all: Vec<_> =
                reader.message(field)?.list("rules").iter().map(|rule| Self::nested(rule, depth)).collect();
            all.into_iter().collect()
        };
        match reader.choice("rule").as_deref() {
            Some("or_match") => set("or_match").map(Self::Or),
            Some("and_match") => set("and_match").map(Self::And),
            Some("not_match") => Some(Self::Not(Box::new(Self::nested(&reader.message("not_match")?, depth)?))),
            Some("any_match") => reader.flag("any_match").then_some(Self::Any),
            Some("destination_port_range") => {
                let range = reader.message("destination_port_range")?;
                Some(Self::Port(range.int("start").unwrap_or(0)..range.int("end").unwrap_or(0)))
            }
            _ => {
                reader.defect("", "says no rule");
                None
            }
        }
    }

    /// Whether it holds for a port. Every range holds an address without one.
    pub fn holds(&self, port: Option<u16>) -> bool {
        match self {
            Self::Any => true,
            Self::Or(all) => all.iter().any(|one| one.holds(port)),
            Self::And(all) => all.iter().all(|one| one.holds(port)),
            Self::Not(inner) => !inner.holds(port),
            Self::Port(range) => port.is_none_or(|port| range.contains(&i64::from(port))),
        }
    }
}
