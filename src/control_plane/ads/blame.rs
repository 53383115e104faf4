//! From a refusal of a proxy to the lines that caused what it refuses.

use std::collections::BTreeSet;
use std::fmt;

use super::subscription::Refusal;
use crate::control_plane::engine::Served;
use crate::ir::{Name, Origin};
use crate::xds::Kind;

/// At most so many resources are named.
const NAMED: usize = 5;

/// A refusal with what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blamed {
    /// What the proxy says.
    pub error: String,
    /// The resources that it is about, as far as the proxy's words or the response tell, with where they come from.
    pub resources: Vec<(Name, Vec<Origin>)>,
}

/// The resources that the proxy names, or all of the refused response when it names none.
pub fn blame(kind: Kind, refusal: &Refusal, served: &Served) -> Blamed {
    let named: Vec<&Name> = refusal.names.iter().filter(|name| names(&refusal.error, name)).collect();
    let chosen = if named.is_empty() { refusal.names.iter().collect() } else { named };
    let origins = |name: &Name| {
        let origins = served.get(kind, name).map(|resource| resource.origins.clone()).unwrap_or_default();
        let distinct: BTreeSet<_> = origins.iter().cloned().collect();
        let mut in_order: Vec<Origin> = Vec::new();
        for origin in origins.into_iter().filter(|origin| distinct.contains(origin) && !origin.is_default()) {
            if !in_order.contains(&origin) {
                in_order.push(origin);
            }
        }
        (name.clone(), in_order)
    };
    Blamed { error: refusal.error.clone(), resources: chosen.into_iter().map(origins).collect() }
}

/// True when the text holds the name, and not as a part of a longer one.
fn names(text: &str, name: &str) -> bool {
    let part = |letter: char| letter.is_alphanumeric() || "|.-_:/".contains(letter);
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + name.len()..].chars();
        // `NAME: reason` ends with the colon.
        let ends = match after.next() {
            Some(':' | '.') => after.next().is_none_or(|next| !part(next)),
            next => next.is_none_or(|next| !part(next)),
        };
        before.is_none_or(|before| !part(before)) && ends
    })
}

impl fmt::Display for Blamed {
    /// `the proxy's words; NAME from VirtualService default/reviews (reviews.yaml:12:5)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.error.trim())?;
        for (name, origins) in self.resources.iter().take(NAMED) {
            write!(f, "; {name}")?;
            let origins: Vec<_> = origins.iter().map(ToString::to_string).collect();
            if !origins.is_empty() {
                write!(f, " from {}", origins.join(", "))?;
            }
        }
        match self.resources.len().saturating_sub(NAMED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_a_whole() {
        let text = "Error adding/updating listener(s) 10.0.0.1_80: bad, other 10.0.0.2_8080.";
        assert!(names(text, "10.0.0.1_80") && names(text, "10.0.0.2_8080"));
        assert!(!names(text, "10.0.0.2_80") && !names(text, "0.0.0.1_80"));
    }
}
