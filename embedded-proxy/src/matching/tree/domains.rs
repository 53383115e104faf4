//! Steps by server name: `xds.type.matcher.v3.ServerNameMatcher`.

use std::collections::BTreeMap;

use crate::proto::Reader;

/// Names, with `*.example.com` kept as `.example.com` and `*` as the empty text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Domains(BTreeMap<String, usize>);

impl Domains {
    /// Reads the message; `next` reads an `OnMatch` and tells its index.
    pub(super) fn read(reader: &Reader<'_>, mut next: impl FnMut(&Reader<'_>) -> Option<usize>) -> Option<Self> {
        let mut all = Self::default();
        for matcher in reader.list("domain_matchers") {
            let next = next(&matcher.need("on_match")?)?;
            for domain in matcher.texts("domains") {
                let Some(key) = key(&domain) else {
                    matcher.defect("domains", format!("{domain:?} is no name: only * and *.domain may hold a star"));
                    return None;
                };
                if all.0.insert(key.to_string(), next).is_some() {
                    matcher.defect("domains", format!("{domain:?} is there twice"));
                    return None;
                }
            }
        }
        Some(all)
    }

    /// What may come next for a name: the name itself, its parents from the longest to the shortest, any name.
    pub(super) fn find<'d>(&'d self, name: &'d str) -> impl Iterator<Item = usize> + 'd {
        let parents = name.match_indices('.').map(move |(at, _)| &name[at..]);
        let asked = std::iter::once(name).chain(parents).chain(std::iter::once(""));
        asked.filter_map(|key| self.0.get(key).copied())
    }
}

/// Under which text a domain is kept; none when it is no domain.
fn key(domain: &str) -> Option<&str> {
    let key = match domain {
        "*" => return Some(""),
        domain => domain.strip_prefix('*').filter(|rest| rest.len() > 1 && rest.starts_with('.')).unwrap_or(domain),
    };
    let plain = !key.is_empty() && !key.contains('*') && !domain.starts_with('.');
    plain.then_some(key)
}
