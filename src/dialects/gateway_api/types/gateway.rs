//! Gateway and GatewayClass.

use crate::message;
use crate::schema::{Any, Int, List, Map, Text};

message! {
    /// A kind of gateway, and the controller that runs them.
    pub open struct GatewayClass {
        /// The controller: `istio.io/gateway-controller` and others.
        controller_name: Option<Text> = "controllerName",
        /// What it is for.
        description: Option<Text> = "description",
        /// An object with settings of the controller.
        parameters_ref: Option<Any> = "parametersRef",
    }
}

message! {
    /// A gateway that a controller creates.
    pub open struct Gateway {
        /// Its class: `istio`, `istio-waypoint` and others.
        gateway_class_name: Option<Text> = "gatewayClassName",
        /// Listeners.
        listeners: List<Listener> = "listeners",
        /// Addresses asked for; a host name of a Service means that its pods are the gateway.
        addresses: List<GatewayAddress> = "addresses",
        /// Labels and annotations of the objects that the controller creates.
        infrastructure: Option<Infrastructure> = "infrastructure",
    }
}

message! {
    /// One listener of a gateway.
    pub open struct Listener {
        /// A name, unique in the gateway.
        name: Option<Text> = "name",
        /// Host that it takes, wildcards possible; all when not set.
        hostname: Option<Text> = "hostname",
        /// Port.
        port: Option<Int> = "port",
        /// HTTP, HTTPS, TLS, TCP, UDP or HBONE.
        protocol: Option<Text> = "protocol",
        /// Certificates.
        tls: Option<ListenerTls> = "tls",
        /// Routes that may attach.
        allowed_routes: Option<Any> = "allowedRoutes",
    }
}

message! {
    /// TLS of a listener.
    pub open struct ListenerTls {
        /// Terminate or Passthrough.
        mode: Option<Text> = "mode",
        /// Secrets with key and certificate.
        certificate_refs: List<ObjectReference> = "certificateRefs",
        /// Settings of the controller.
        options: Map<Text> = "options",
    }
}

message! {
    /// An object, by default in the same namespace.
    pub open struct ObjectReference {
        /// API group; empty for the core group.
        group: Option<Text> = "group",
        /// Kind.
        kind: Option<Text> = "kind",
        /// Name.
        name: Option<Text> = "name",
        /// Namespace.
        namespace: Option<Text> = "namespace",
    }
}

message! {
    /// An address of a gateway.
    pub open struct GatewayAddress {
        /// IPAddress, Hostname or NamedAddress.
        r#type: Option<Text> = "type",
        /// The address.
        value: Option<Text> = "value",
    }
}

message! {
    /// Labels and annotations of what a controller creates for a gateway.
    pub open struct Infrastructure {
        /// Labels.
        labels: Map<Text> = "labels",
        /// Annotations.
        annotations: Map<Text> = "annotations",
    }
}
