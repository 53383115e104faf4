//! Changed queries, written as Envoy writes them: parameters sorted by name, each with its equals sign.

use std::collections::BTreeMap;

/// Parameters by name, their values in order and as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Query(BTreeMap<String, Vec<String>>);

impl Query {
    /// The query of a path.
    pub(super) fn of(path: &str) -> Self {
        let query = path.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
        let mut parameters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.entry(name.into()).or_default().push(value.into());
        }
        Self(parameters)
    }

    /// Whether there is a parameter of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds a value.
    pub(super) fn add(&mut self, name: &str, value: String) {
        self.0.entry(name.into()).or_default().push(value);
    }

    /// Makes this the only value.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.into(), vec![value]);
    }

    /// Removes parameters.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    /// The path with this query instead of its own.
    pub(super) fn replace(&self, path: &str) -> String {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let all = self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("{name}={value}")));
        let all: Vec<String> = all.collect();
        if all.is_empty() { path.to_string() } else { format!("{path}?{}", all.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_query_is_sorted() {
        let mut query = Query::of("/p?c=1&a&b=2&c=3");
        query.add("d", "4".into());
        query.set("b", "5".into());
        query.retain(|name| name != "z");
        assert_eq!(query.replace("/p?c=1"), "/p?a=&b=5&c=1&c=3&d=4");
        assert_eq!(Query::of("/p").replace("/p?x"), "/p");
    }
}
