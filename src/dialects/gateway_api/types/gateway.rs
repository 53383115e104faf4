//! Gateway and GatewayClass.

use super::reference::ObjectReference;
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
        /// TLS of all listeners, and towards backends.
        tls: Option<GatewayTls> = "tls",
    }
}

message! {
    /// TLS of a gateway as a whole.
    pub open struct GatewayTls {
        /// Towards callers.
        frontend: Option<FrontendTls> = "frontend",
        /// Towards backends: the gateway's own certificate.
        backend: Option<Any> = "backend",
    }
}

message! {
    /// TLS towards callers.
    pub struct FrontendTls {
        /// For ports that have nothing of their own.
        default: Option<PortTls> = "default",
        /// For single ports.
        per_port: List<PortFrontendTls> = "perPort",
    }
}

message! {
    /// TLS towards the callers of one port.
    pub struct PortFrontendTls {
        /// The port.
        port: Option<Int> = "port",
        /// Its settings.
        tls: Option<PortTls> = "tls",
    }
}

message! {
    /// Settings of a port.
    pub struct PortTls {
        /// Certificates that callers must show.
        validation: Option<FrontendValidation> = "validation",
    }
}

message! {
    /// One listener of a gateway.
    pub struct Listener {
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
        allowed_routes: Option<AllowedRoutes> = "allowedRoutes",
    }
}

message! {
    /// TLS of a listener.
    pub struct ListenerTls {
        /// Terminate or Passthrough.
        mode: Option<Text> = "mode",
        /// Secrets with key and certificate.
        certificate_refs: List<ObjectReference> = "certificateRefs",
        /// Settings of the controller.
        options: Map<Text> = "options",
        /// Certificates that callers must show.
        frontend_validation: Option<FrontendValidation> = "frontendValidation",
    }
}

message! {
    /// Certificates that callers must show.
    pub struct FrontendValidation {
        /// ConfigMaps or Secrets with roots.
        ca_certificate_refs: List<ObjectReference> = "caCertificateRefs",
        /// AllowValidOnly or AllowInsecureFallback; AllowValidOnly when not set.
        mode: Option<Text> = "mode",
    }
}

message! {
    /// Routes that may attach to a listener.
    pub struct AllowedRoutes {
        /// Their namespaces; the gateway's own when not set.
        namespaces: Option<RouteNamespaces> = "namespaces",
        /// Their kinds; those of the protocol when empty.
        kinds: List<ObjectReference> = "kinds",
    }
}

message! {
    /// Namespaces whose routes may attach.
    pub struct RouteNamespaces {
        /// All, Same, Selector or None; Same when not set.
        from: Option<Text> = "from",
        /// Labels of namespaces, for Selector.
        selector: Option<NamespaceSelector> = "selector",
    }
}

message! {
    /// Namespaces by label.
    pub struct NamespaceSelector {
        /// Labels with these values.
        match_labels: Map<Text> = "matchLabels",
        /// Further conditions.
        match_expressions: List<LabelCondition> = "matchExpressions",
    }
}

message! {
    /// A condition on a label.
    pub struct LabelCondition {
        /// The label.
        key: Option<Text> = "key",
        /// In, NotIn, Exists or DoesNotExist.
        operator: Option<Text> = "operator",
        /// Values, for In and NotIn.
        values: List<Text> = "values",
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
