//! Which workloads a policy is for, and which namespaces see an object.

use std::collections::BTreeSet;

use super::{Key, Name, Predicate, Workload};

/// The workloads that a policy is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of the mesh.
    Mesh,
    /// All of a namespace.
    Namespace(Name),
    /// Those of a namespace with matching labels.
    Workloads(Name, Predicate),
    /// Those of all namespaces with matching labels.
    MeshWorkloads(Predicate),
    /// Those behind a service (and its port), for policies that name a service.
    Service(Key, Option<u16>),
    /// Those that run under an account: namespace and account.
    Account(Key),
    /// A gateway by name, and one of its listeners.
    Gateway(Key, Option<Name>),
}

/// How narrow a scope is; the narrowest policy wins where only one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breadth {
    /// The whole mesh.
    Mesh,
    /// A namespace.
    Namespace,
    /// Some workloads.
    Workload,
}

impl Scope {
    /// True when the scope has the workload.
    pub fn includes(&self, workload: &Workload) -> bool {
        match self {
            Self::Mesh => true,
            Self::Namespace(namespace) => *namespace == workload.key.namespace,
            Self::Workloads(namespace, predicate) => {
                *namespace == workload.key.namespace && predicate.holds(&workload.labels)
            }
            Self::MeshWorkloads(predicate) => predicate.holds(&workload.labels),
            Self::Service(service, _) => workload.services.contains(service),
            Self::Account(account) => {
                account.namespace == workload.identity.namespace && account.name == workload.identity.account
            }
            Self::Gateway(gateway, _) => workload.gateway.as_ref() == Some(gateway),
        }
    }

    /// How narrow it is.
    pub fn breadth(&self) -> Breadth {
        match self {
            Self::Mesh => Breadth::Mesh,
            Self::Namespace(_) => Breadth::Namespace,
            _ => Breadth::Workload,
        }
    }
}

/// The namespaces from which an object is seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Visibility {
    /// All of them.
    #[default]
    Everywhere,
    /// These.
    In(BTreeSet<Name>),
}

impl Visibility {
    /// True when the namespace sees the object.
    pub fn includes(&self, namespace: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::In(namespaces) => namespaces.contains(namespace),
        }
    }

    /// Only the namespaces that are in both.
    pub fn and(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Everywhere, other) => other.clone(),
            (own, Self::Everywhere) => own.clone(),
            (Self::In(own), Self::In(other)) => Self::In(own & other),
        }
    }
}
