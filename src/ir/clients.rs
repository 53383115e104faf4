//! Which clients a rule is for: decided when configuration is made for a proxy.

use super::{Name, Predicate, Workload};

/// A condition on the calling workload.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientMatch {
    /// Its namespace.
    pub namespace: Option<Name>,
    /// Its labels.
    pub labels: Predicate,
}

impl Default for ClientMatch {
    fn default() -> Self {
        Self { namespace: None, labels: Predicate::True }
    }
}

impl ClientMatch {
    /// True when it holds for the workload.
    pub fn holds(&self, client: &Workload) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == client.key.namespace)
            && self.labels.holds(&client.labels)
    }

    /// True when it holds for every client.
    pub fn is_any(&self) -> bool {
        self.namespace.is_none() && self.labels == Predicate::True
    }
}
