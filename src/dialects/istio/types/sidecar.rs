//! Sidecar: what the proxies beside some workloads listen on and know about.

use super::connection_pool::ConnectionPoolSettings;
use super::port::SidecarPort;
use super::selector::LabelsSelector;
use super::server_tls::ServerTlsSettings;
use super::virtual_service::Destination;
use crate::schema::{At, List, Text};
use crate::{choice, message};

message! {
    /// Listeners and visible services of the proxies beside some workloads.
    pub struct Sidecar {
        /// The workloads; all of the namespace when not set.
        workload_selector: Option<LabelsSelector> = "workloadSelector",
        /// Listeners for traffic to the workload, instead of the ports of its Services.
        ingress: List<IstioIngressListener> = "ingress",
        /// Listeners for traffic from the workload, and the services it sees.
        egress: List<IstioEgressListener> = "egress",
        /// Limits of connections to the workload.
        inbound_connection_pool: Option<Box<ConnectionPoolSettings>> = "inboundConnectionPool",
        /// What happens with traffic to hosts that the proxy does not know.
        outbound_traffic_policy: Option<OutboundTrafficPolicy> = "outboundTrafficPolicy",
    }
}

message! {
    /// One listener for traffic to the workload.
    pub struct IstioIngressListener {
        /// The port.
        port: Option<SidecarPort> = "port" [Required],
        /// Address to listen on.
        bind: Option<Text> = "bind",
        /// How traffic gets to the listener.
        capture_mode: Option<At<CaptureMode>> = "captureMode",
        /// Where the application listens: `127.0.0.1:PORT`, `0.0.0.0:PORT`, or `unix://` and a path.
        default_endpoint: Option<Text> = "defaultEndpoint",
        /// TLS of callers from outside of the mesh.
        tls: Option<Box<ServerTlsSettings>> = "tls",
        /// Limits of connections to this port.
        connection_pool: Option<Box<ConnectionPoolSettings>> = "connectionPool",
    }
}

message! {
    /// One listener for traffic from the workload.
    pub struct IstioEgressListener {
        /// The port; every port when not set.
        port: Option<SidecarPort> = "port",
        /// Address or `unix://` path to listen on.
        bind: Option<Text> = "bind",
        /// How traffic gets to the listener.
        capture_mode: Option<At<CaptureMode>> = "captureMode",
        /// Services that the workload sees, as `namespace/host`.
        hosts: List<Text> = "hosts" [Required],
    }
}

message! {
    /// What happens with traffic to hosts that the proxy does not know.
    pub struct OutboundTrafficPolicy {
        /// Let it through or not.
        mode: Option<At<OutboundMode>> = "mode",
        /// Where it goes instead of its own destination.
        egress_proxy: Option<Destination> = "egressProxy",
    }
}

choice! {
    /// How traffic gets to a listener.
    pub enum CaptureMode {
        /// As the proxy is set up.
        Default = "DEFAULT",
        /// Through packet redirection.
        Iptables = "IPTABLES",
        /// The application connects to it.
        None = "NONE",
    }
}

choice! {
    /// Whether traffic to unknown hosts gets through.
    pub enum OutboundMode {
        /// Known hosts only.
        RegistryOnly = "REGISTRY_ONLY",
        /// Every host.
        AllowAny = "ALLOW_ANY",
    }
}
