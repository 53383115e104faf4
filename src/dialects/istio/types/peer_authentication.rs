//! PeerAuthentication: which connections a workload accepts, plaintext or mutual TLS.

use super::selector::WorkloadSelector;
use crate::manifests::tree::Node;
use crate::schema::{At, Map};
use crate::{choice, message};

message! {
    /// Whether workloads accept plaintext, mutual TLS, or both. The narrowest policy wins: port, workload, namespace, mesh.
    pub struct PeerAuthentication {
        /// The workloads; without it all of the namespace, and in the root namespace all of the mesh.
        selector: Option<WorkloadSelector> = "selector",
        /// The setting of every port that has none of its own.
        mtls: Option<MutualTls> = "mtls",
        /// Settings by port of the pod (not of its Service). Needs a selector.
        port_level_mtls: Map<MutualTls> = "portLevelMtls" [
            MinItems(1),
            Keys("0 < int(key) && int(key) <= 65535", "must be a port from 1 to 65535", is_port),
        ],
    }
    rules [
        Cel(
            "has(self.portLevelMtls) ? (((has(self.selector) && has(self.selector.matchLabels)) ? self.selector.matchLabels : {}).size() > 0) : true",
            "`portLevelMtls` works only with a `selector` that has labels",
            ports_have_selector
        ),
    ]
}

message! {
    /// A mutual TLS setting.
    pub struct MutualTls {
        /// The mode; not set means that of the next wider policy.
        mode: Option<At<MutualTlsMode>> = "mode",
    }
}

choice! {
    /// What is accepted.
    pub enum MutualTlsMode {
        /// As the next wider policy says.
        Unset = "UNSET",
        /// Plaintext only.
        Disable = "DISABLE",
        /// Both.
        Permissive = "PERMISSIVE",
        /// Mutual TLS only.
        Strict = "STRICT",
    }
}

fn is_port(key: &str) -> bool {
    key.parse::<u16>().is_ok_and(|port| port > 0)
}

fn ports_have_selector(spec: &Node) -> bool {
    let labels = spec.path(&["selector", "matchLabels"]);
    spec.get("portLevelMtls").is_none_or(Node::is_null) || labels.is_some_and(|labels| !labels.entries().is_empty())
}
