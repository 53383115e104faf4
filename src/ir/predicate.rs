//! Labels and predicates over them: subsets, selectors, source conditions.

use std::collections::BTreeMap;

use super::Name;

/// Labels by key.
pub type Labels = BTreeMap<Name, Name>;

/// A condition on labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Predicate {
    /// Always true.
    True,
    /// The label has this value.
    Equals(Name, Name),
    /// The label is there, with any value.
    Exists(Name),
    /// The value of the label is empty or the label is missing.
    Empty(Name),
    /// The label is there and matches an RE2 expression somewhere.
    Matches(Name, Name),
    /// All hold.
    All(Vec<Predicate>),
    /// One holds.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
}

impl Predicate {
    /// True for these labels. A regular expression that cannot be compiled holds for nothing.
    pub fn holds(&self, labels: &Labels) -> bool {
        match self {
            Self::True => true,
            Self::Equals(key, value) => labels.get(key) == Some(value),
            Self::Exists(key) => labels.contains_key(key),
            Self::Empty(key) => labels.get(key).is_none_or(|value| value.is_empty()),
            Self::Matches(key, regex) => {
                labels.get(key).is_some_and(|value| regex::Regex::new(regex).is_ok_and(|regex| regex.is_match(value)))
            }
            Self::All(all) => all.iter().all(|one| one.holds(labels)),
            Self::Any(any) => any.iter().any(|one| one.holds(labels)),
            Self::Not(one) => !one.holds(labels),
        }
    }

    /// All of these labels with these values; without any, always true.
    pub fn labels<K: Into<Name>, V: Into<Name>>(labels: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut all: Vec<Self> =
            labels.into_iter().map(|(key, value)| Self::Equals(key.into(), value.into())).collect();
        all.sort();
        match all.len() {
            0 => Self::True,
            1 => all.remove(0),
            _ => Self::All(all),
        }
    }

    /// The labels, when the predicate is a plain conjunction of values, as Envoy's subsets need.
    pub fn as_labels(&self) -> Option<Labels> {
        match self {
            Self::True => Some(Labels::new()),
            Self::Equals(key, value) => Some(Labels::from([(key.clone(), value.clone())])),
            Self::All(all) => all.iter().try_fold(Labels::new(), |mut labels, one| match one {
                Self::Equals(key, value) => {
                    labels.insert(key.clone(), value.clone());
                    Some(labels)
                }
                _ => None,
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_over_labels() {
        let labels: Labels = [("app".into(), "web".into()), ("v".into(), "1".into())].into();
        let holds = |predicate: Predicate| predicate.holds(&labels);
        assert!(holds(Predicate::labels::<&str, &str>([])) && holds(Predicate::labels([("app", "web"), ("v", "1")])));
        assert!(!holds(Predicate::labels([("app", "web"), ("v", "2")])));
        assert!(
            holds(Predicate::Matches("app".into(), "^w".into()))
                && !holds(Predicate::Matches("app".into(), "(".into()))
        );
        assert!(holds(Predicate::Not(Box::new(Predicate::Exists("x".into())))) && holds(Predicate::Empty("x".into())));
        assert_eq!(Predicate::labels([("app", "web"), ("v", "1")]).as_labels(), Some(labels));
    }
}
