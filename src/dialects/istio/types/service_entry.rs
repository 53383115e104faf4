//! ServiceEntry: a service that Kubernetes does not know.

use super::port::ServiceEntryPort;
use super::rules::{set, unique_by};
use super::selector::LabelsSelector;
use super::workload_entry::WorkloadEntry;
use crate::manifests::tree::Node;
use crate::schema::{At, List, Text};
use crate::{choice, message};

message! {
    /// A service added to the mesh's registry: an external API, or workloads outside of Kubernetes.
    pub struct ServiceEntry {
        /// Host names of the service; wildcards such as `*.example.com` are possible.
        hosts: List<Text> = "hosts" [Required, MinItems(1), MaxItems(256), Test(
            r#"self.all(host, host != "*")"#,
            "must not have the bare wildcard `*`",
            |node| node.items().iter().all(|host| host.as_str() != Some("*")),
        )],
        /// Virtual addresses of the service; CIDR blocks are possible.
        addresses: List<Text> = "addresses" [MaxItems(256), Test(
            "self.all(address, size(address) <= 64)",
            "must have addresses of at most 64 characters",
            |node| node.items().iter().all(|a| a.as_str().is_none_or(|text| text.chars().count() <= 64)),
        )],
        /// Ports.
        ports: List<ServiceEntryPort> = "ports" [MaxItems(256), Test(
            "self.all(l1, self.exists_one(l2, l1.name == l2.name))",
            "must not repeat a port name",
            |node| unique_by(node, "name"),
        ), Test(
            "self.all(l1, self.exists_one(l2, l1.number == l2.number))",
            "must not repeat a port number",
            |node| unique_by(node, "number"),
        )],
        /// Outside of the mesh (then no mTLS), or inside.
        location: Option<At<ServiceEntryLocation>> = "location",
        /// How the addresses behind the hosts are found.
        resolution: Option<At<Resolution>> = "resolution",
        /// Addresses behind the service.
        endpoints: List<WorkloadEntry> = "endpoints" [MaxItems(4096)],
        /// Pods and WorkloadEntries behind the service.
        workload_selector: Option<LabelsSelector> = "workloadSelector",
        /// Namespaces that see the service; all when empty.
        export_to: List<Text> = "exportTo",
        /// Names that certificates of the workloads must carry.
        subject_alt_names: List<Text> = "subjectAltNames",
    } rules [
        Cel(
            "(has(self.workloadSelector) ? 1 : 0) + (has(self.endpoints) ? 1 : 0) <= 1",
            "only one of `workloadSelector` and `endpoints` may be set",
            |node| !(set(node, "workloadSelector") && set(node, "endpoints")),
        ),
        Cel(
            r#"!((has(self.addresses) ? self.addresses : []).exists(k, k.contains("/")) && !((has(self.resolution) ? self.resolution : "NONE") in ["STATIC", "NONE"]))"#,
            "CIDR `addresses` need the resolution NONE or STATIC",
            |node| !cidr_addresses(node) || ["NONE", "STATIC"].contains(&resolution(node)),
        ),
        Cel(
            r#"((has(self.resolution) ? self.resolution : "NONE") == "NONE") ? !has(self.endpoints) : true"#,
            "the resolution NONE (the default) takes no `endpoints`: use STATIC for IP addresses or DNS for names",
            |node| resolution(node) != "NONE" || !set(node, "endpoints"),
        ),
        Cel(
            r#"((has(self.resolution) ? self.resolution : "") == "DNS_ROUND_ROBIN") ? ((has(self.endpoints) ? self.endpoints : []).size() <= 1) : true"#,
            "the resolution DNS_ROUND_ROBIN takes at most one endpoint",
            |node| resolution(node) != "DNS_ROUND_ROBIN" || node.get("endpoints").is_none_or(|e| e.items().len() <= 1),
        ),
    ]
}

choice! {
    /// Where the workloads of a ServiceEntry are.
    pub enum ServiceEntryLocation {
        /// Outside of the mesh: plaintext or the service's own TLS.
        MeshExternal = "MESH_EXTERNAL",
        /// In the mesh: mTLS.
        MeshInternal = "MESH_INTERNAL",
    }
}

choice! {
    /// How a proxy finds the addresses behind the hosts of a ServiceEntry.
    pub enum Resolution {
        /// The address that the caller connected to.
        None = "NONE",
        /// The addresses in `endpoints`.
        Static = "STATIC",
        /// Names looked up in DNS, all answers used.
        Dns = "DNS",
        /// Names looked up in DNS, the first answer used for new connections.
        DnsRoundRobin = "DNS_ROUND_ROBIN",
        /// The name that the request asks for, looked up then.
        DynamicDns = "DYNAMIC_DNS",
    }
}

fn resolution(node: &Node) -> &str {
    node.get("resolution").and_then(Node::as_str).unwrap_or("NONE")
}

fn cidr_addresses(node: &Node) -> bool {
    let addresses = node.get("addresses").map_or(&[][..], Node::items);
    addresses.iter().any(|a| a.as_str().is_some_and(|text| text.contains('/')))
}
