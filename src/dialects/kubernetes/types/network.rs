//! Kinds beside Services: Ingress, Endpoints, EndpointSlice, and Node and ServiceAccount.

use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{At, Int, List, Text};

message! {
    /// Routes from outside, in Kubernetes' first form.
    pub struct Ingress {
        /// Its routes.
        spec: Option<IngressSpec> = "spec",
    }
}

message! {
    /// Routes and certificates of an Ingress.
    pub struct IngressSpec {
        /// Who serves it.
        ingress_class_name: Option<Text> = "ingressClassName",
        /// Where the rest goes.
        default_backend: Option<Opaque> = "defaultBackend",
        /// Certificates.
        tls: List<Opaque> = "tls",
        /// Routes by host.
        rules: List<IngressRule> = "rules",
    }
}

message! {
    /// Routes of one host.
    pub struct IngressRule {
        /// Host.
        host: Option<Text> = "host",
        /// Routes.
        http: Option<IngressHttp> = "http",
    }
}

message! {
    /// Routes by path.
    pub struct IngressHttp {
        /// Routes.
        paths: List<IngressPath> = "paths" [Required],
    }
}

message! {
    /// One route.
    pub struct IngressPath {
        /// Path.
        path: Option<Text> = "path",
        /// Exact, Prefix or ImplementationSpecific.
        path_type: Option<Text> = "pathType",
        /// Where it goes.
        backend: Option<IngressBackend> = "backend" [Required],
    }
}

message! {
    /// Target of a route.
    pub struct IngressBackend {
        /// A Service.
        service: Option<Opaque> = "service",
        /// Something else.
        resource: Option<Opaque> = "resource",
    }
}

message! {
    /// Addresses behind a Service, in the older form.
    pub struct Endpoints {
        /// Addresses and ports.
        subsets: List<EndpointSubset> = "subsets",
    }
}

message! {
    /// Addresses that have the same ports.
    pub struct EndpointSubset {
        /// Addresses that take traffic.
        addresses: List<PodAddress> = "addresses",
        /// Addresses that do not.
        not_ready_addresses: List<PodAddress> = "notReadyAddresses",
        /// Ports.
        ports: List<SlicePort> = "ports",
    }
}

message! {
    /// An address of Endpoints.
    pub struct PodAddress {
        /// Address.
        ip: Option<Text> = "ip",
        /// Host name.
        hostname: Option<Text> = "hostname",
        /// Machine.
        node_name: Option<Text> = "nodeName",
        /// The pod.
        target_ref: Option<Opaque> = "targetRef",
    }
}

message! {
    /// Addresses behind a Service.
    pub struct EndpointSlice {
        /// IPv4, IPv6 or FQDN.
        address_type: Option<Text> = "addressType",
        /// Addresses.
        endpoints: List<SliceEndpoint> = "endpoints",
        /// Ports.
        ports: List<SlicePort> = "ports",
    }
}

message! {
    /// One endpoint of a slice.
    pub struct SliceEndpoint {
        /// Addresses of the endpoint.
        addresses: List<Text> = "addresses",
        /// Whether it takes traffic.
        conditions: Option<SliceConditions> = "conditions",
        /// Host name.
        hostname: Option<Text> = "hostname",
        /// The pod.
        target_ref: Option<Opaque> = "targetRef",
        /// Machine.
        node_name: Option<Text> = "nodeName",
        /// Zone.
        zone: Option<Text> = "zone",
        /// Zones whose callers should use it.
        hints: Option<Opaque> = "hints",
        /// Older form of the topology.
        deprecated_topology: Option<Opaque> = "deprecatedTopology",
    }
}

message! {
    /// Whether an endpoint takes traffic.
    pub struct SliceConditions {
        /// It takes new connections.
        ready: Option<At<bool>> = "ready",
        /// It answers, even when it is going away.
        serving: Option<At<bool>> = "serving",
        /// It is going away.
        terminating: Option<At<bool>> = "terminating",
    }
}

message! {
    /// A port of a slice or of Endpoints.
    pub struct SlicePort {
        /// Name, that of the Service's port.
        name: Option<Text> = "name",
        /// Number at the endpoint.
        port: Option<Int> = "port",
        /// TCP, UDP or SCTP.
        protocol: Option<Text> = "protocol",
        /// Application protocol.
        app_protocol: Option<Text> = "appProtocol",
    }
}

message! {
    /// A machine; rules read its labels.
    pub struct Node {
        /// Settings.
        spec: Option<Opaque> = "spec",
    }
}

message! {
    /// An identity of pods.
    pub struct ServiceAccount {
        /// Older tokens.
        secrets: List<Opaque> = "secrets",
        /// Secrets for the registry.
        image_pull_secrets: List<Opaque> = "imagePullSecrets",
        /// Whether pods get a token.
        automount_service_account_token: Option<At<bool>> = "automountServiceAccountToken",
    }
}
