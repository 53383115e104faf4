//! Filter state that goes with a connection to a listener inside the proxy: `shared_with_upstream`.

use std::collections::BTreeMap;

use crate::proto::Reader;

/// How far a value goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sharing {
    /// To the next listener.
    Once,
    /// To the next listener, and on from there.
    Transitive,
}

/// Values that go with a connection, and how far, by key.
pub type Passed = BTreeMap<String, (String, Sharing)>;

impl Sharing {
    /// Reads `shared_with_upstream` of a `FilterStateValue`. None: the value stays where it is.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        match reader.word("shared_with_upstream").as_str() {
            "ONCE" => Some(Self::Once),
            "TRANSITIVE" => Some(Self::Transitive),
            _ => None,
        }
    }
}

/// The values of a filter state that go along. None, without any work, where nothing is shared.
pub fn passed(state: &BTreeMap<String, String>, shared: &BTreeMap<String, Sharing>) -> Option<Passed> {
    if shared.is_empty() {
        return None;
    }
    let value = |(key, sharing): (&String, &Sharing)| Some((key.clone(), (state.get(key)?.clone(), *sharing)));
    Some(shared.iter().filter_map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shared_values_go_along() {
        let state: BTreeMap<String, String> = [("a", "1"), ("b", "2")].map(|(k, v)| (k.into(), v.into())).into();
        assert_eq!(passed(&state, &BTreeMap::new()), None);
        let shared = [("b".to_string(), Sharing::Once), ("gone".to_string(), Sharing::Once)].into();
        let all = passed(&state, &shared).unwrap();
        assert_eq!(all.into_iter().collect::<Vec<_>>(), [("b".to_string(), ("2".to_string(), Sharing::Once))]);
    }
}
