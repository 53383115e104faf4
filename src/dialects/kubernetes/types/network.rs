//! Kinds beside Services: Ingress, Endpoints, EndpointSlice, and Node and ServiceAccount.

use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{At, List, Text};

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
        subsets: List<Opaque> = "subsets",
    }
}

message! {
    /// Addresses behind a Service.
    pub struct EndpointSlice {
        /// IPv4, IPv6 or FQDN.
        address_type: Option<Text> = "addressType",
        /// Addresses.
        endpoints: List<Opaque> = "endpoints",
        /// Ports.
        ports: List<Opaque> = "ports",
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
