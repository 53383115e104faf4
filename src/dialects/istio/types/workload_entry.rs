//! WorkloadEntry: one workload outside of pods. ServiceEntry endpoints and WorkloadGroup templates have the same fields.

use super::rules::{PORT, UINT32, set};
use crate::manifests::tree::Node;
use crate::message;
use crate::schema::{Int, Map, MessageRule, Rule, Text};

/// A `unix://` address starts with `/` or, for an abstract socket, `@`.
const UNIX_ABSOLUTE: Rule = Rule::Test(
    r#"self.startsWith("unix://") ? (self.substring(7, 8) == "/" || self.substring(7, 8) == "@") : true"#,
    "must have an absolute path or an abstract socket (`@`) after `unix://`",
    |node| unix_path(node).is_none_or(|path| path.starts_with(['/', '@'])),
);

/// A `unix://` address does not end with `/`.
const UNIX_FILE: Rule = Rule::Test(
    r#"self.startsWith("unix://") ? !self.endsWith("/") : true"#,
    "must name a socket file, not a directory",
    |node| unix_path(node).is_none_or(|path| !path.ends_with('/')),
);

/// Port names are DNS-like.
const PORT_NAMES: Rule = Rule::Keys(
    r#"self.all(key, size(key) < 63 && key.matches("^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$"))"#,
    "must be a port name: letters, digits and inner `-`, under 63 characters",
    port_name,
);

/// Port numbers are in range.
const PORT_NUMBERS: Rule = Rule::Test(
    "self.all(key, 0 < self[key] && self[key] <= 65535)",
    "must have port numbers from 1 to 65535",
    |node| node.entries().iter().all(|entry| PORT.broken_by(&entry.node).is_none()),
);

/// A `unix://` address has no ports.
const UNIX_WITHOUT_PORTS: MessageRule = MessageRule::Cel(
    r#"(has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true"#,
    "a `unix://` address takes no `ports`",
    |node| node.get("address").and_then(unix_path).is_none() || !set(node, "ports"),
);

message! {
    /// One workload that is no pod: a virtual machine, or an endpoint of an external service.
    pub struct WorkloadEntry {
        /// IP address, host name, or `unix://` path.
        address: Option<Text> = "address" [MaxLen(256), UNIX_ABSOLUTE, UNIX_FILE],
        /// Port numbers of the workload by the names of the service's ports.
        ports: Map<Int> = "ports" [MaxItems(128), PORT_NAMES, PORT_NUMBERS],
        /// Labels, for selectors.
        labels: Map<Text> = "labels" [MaxItems(256)],
        /// Network that the address belongs to.
        network: Option<Text> = "network" [MaxLen(2048)],
        /// Region, zone and subzone, separated by `/`.
        locality: Option<Text> = "locality" [MaxLen(2048)],
        /// Share among the endpoints.
        weight: Option<Int> = "weight" [UINT32],
        /// Service account of the workload's identity.
        service_account: Option<Text> = "serviceAccount" [MaxLen(253)],
    } rules [
        Cel("has(self.address) || has(self.network)", "`address` or `network` must be set", |node| {
            set(node, "address") || set(node, "network")
        }),
        UNIX_WITHOUT_PORTS,
    ]
}

message! {
    /// What the WorkloadEntries of a WorkloadGroup start from; the address comes when a workload connects.
    pub struct WorkloadTemplate {
        /// IP address, host name, or `unix://` path.
        address: Option<Text> = "address" [MaxLen(256), UNIX_ABSOLUTE, UNIX_FILE],
        /// Port numbers of the workload by the names of the service's ports.
        ports: Map<Int> = "ports" [MaxItems(128), PORT_NAMES, PORT_NUMBERS],
        /// Labels, for selectors.
        labels: Map<Text> = "labels" [MaxItems(256)],
        /// Network that the address belongs to.
        network: Option<Text> = "network" [MaxLen(2048)],
        /// Region, zone and subzone, separated by `/`.
        locality: Option<Text> = "locality" [MaxLen(2048)],
        /// Share among the endpoints.
        weight: Option<Int> = "weight" [UINT32],
        /// Service account of the workload's identity.
        service_account: Option<Text> = "serviceAccount" [MaxLen(253)],
    } rules [UNIX_WITHOUT_PORTS]
}

fn unix_path(node: &Node) -> Option<&str> {
    node.as_str()?.strip_prefix("unix://")
}

fn port_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !name.is_empty() && name.len() < 63 && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
