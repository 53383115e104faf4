//! Service.

use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{At, Int, IntOrString, List, Map, Text};

message! {
    /// A Service.
    pub struct Service {
        /// What it exposes.
        spec: Option<ServiceSpec> = "spec",
    }
}

message! {
    /// What a Service exposes, and from which pods.
    pub struct ServiceSpec {
        /// Ports.
        ports: List<ServicePort> = "ports",
        /// Labels of the pods behind it.
        selector: Map<Text> = "selector",
        /// ClusterIP, NodePort, LoadBalancer or ExternalName.
        r#type: Option<Text> = "type",
        /// The address, or `None` for a headless Service.
        cluster_ip: Option<Text> = "clusterIP",
        /// All addresses.
        cluster_ips: List<Text> = "clusterIPs",
        /// Target of an ExternalName Service.
        external_name: Option<Text> = "externalName",
        /// Addresses that reach the nodes from outside.
        external_ips: List<Text> = "externalIPs",
        /// Session affinity.
        session_affinity: Option<Opaque> = "sessionAffinity",
        /// Its settings.
        session_affinity_config: Option<Opaque> = "sessionAffinityConfig",
        /// Address of the load balancer.
        load_balancer_ip: Option<Opaque> = "loadBalancerIP",
        /// Who may reach it.
        load_balancer_source_ranges: List<Text> = "loadBalancerSourceRanges",
        /// Load balancer class.
        load_balancer_class: Option<Opaque> = "loadBalancerClass",
        /// Whether a node passes traffic on.
        external_traffic_policy: Option<Opaque> = "externalTrafficPolicy",
        /// The same inside the cluster.
        internal_traffic_policy: Option<Opaque> = "internalTrafficPolicy",
        /// Health check port.
        health_check_node_port: Option<Opaque> = "healthCheckNodePort",
        /// Publish addresses of pods that are not ready.
        publish_not_ready_addresses: Option<At<bool>> = "publishNotReadyAddresses",
        /// IP families.
        ip_families: List<Text> = "ipFamilies",
        /// IP family policy.
        ip_family_policy: Option<Opaque> = "ipFamilyPolicy",
        /// Whether a load balancer gets node ports.
        allocate_load_balancer_node_ports: Option<At<bool>> = "allocateLoadBalancerNodePorts",
        /// How traffic is spread.
        traffic_distribution: Option<Opaque> = "trafficDistribution",
    }
}

message! {
    /// One port of a Service.
    pub struct ServicePort {
        /// Name.
        name: Option<Text> = "name",
        /// Port of the Service.
        port: Option<Int> = "port" [Required, Range(1.0, 65535.0)],
        /// Port of the pods, by number or name; the same as `port` when not set.
        target_port: Option<At<IntOrString>> = "targetPort",
        /// TCP, UDP or SCTP.
        protocol: Option<Text> = "protocol",
        /// Application protocol.
        app_protocol: Option<Text> = "appProtocol",
        /// Port on every node.
        node_port: Option<Int> = "nodePort",
    }
}
