//! Policies of a DestinationRule, for a service, a subset, or one port.

use super::client_tls::ClientTlsSettings;
use super::connection_pool::ConnectionPoolSettings;
use super::load_balancer::LoadBalancerSettings;
use super::outlier_detection::OutlierDetection;
use super::port::PortSelector;
use super::rules::UINT32;
use crate::schema::{At, Int, List, Number, Period, Text};
use crate::{choice, message};

message! {
    /// How traffic to a service is balanced, limited and secured.
    pub struct TrafficPolicy {
        /// Choice of the endpoint.
        load_balancer: Option<Box<LoadBalancerSettings>> = "loadBalancer",
        /// Limits of connections and requests.
        connection_pool: Option<Box<ConnectionPoolSettings>> = "connectionPool",
        /// Removal of endpoints that fail.
        outlier_detection: Option<Box<OutlierDetection>> = "outlierDetection",
        /// TLS of connections to the service.
        tls: Option<Box<ClientTlsSettings>> = "tls",
        /// Policies of single ports; what they leave out is not inherited.
        port_level_settings: List<PortTrafficPolicy> = "portLevelSettings" [MaxItems(4096)],
        /// Another proxy on the way, which is asked for a tunnel.
        tunnel: Option<Box<TunnelSettings>> = "tunnel",
        /// PROXY protocol header before the connection's content.
        proxy_protocol: Option<ProxyProtocol> = "proxyProtocol",
        /// Limit of concurrent retries relative to requests.
        retry_budget: Option<RetryBudget> = "retryBudget",
    }
}

message! {
    /// Policies of one port.
    pub struct PortTrafficPolicy {
        /// The port of the service.
        port: Option<PortSelector> = "port",
        /// Choice of the endpoint.
        load_balancer: Option<Box<LoadBalancerSettings>> = "loadBalancer",
        /// Limits of connections and requests.
        connection_pool: Option<Box<ConnectionPoolSettings>> = "connectionPool",
        /// Removal of endpoints that fail.
        outlier_detection: Option<Box<OutlierDetection>> = "outlierDetection",
        /// TLS of connections to the port.
        tls: Option<Box<ClientTlsSettings>> = "tls",
    }
}

message! {
    /// A tunnel through another proxy.
    pub struct TunnelSettings {
        /// CONNECT (the default) or POST.
        protocol: Option<Text> = "protocol",
        /// Host to reach through the tunnel.
        target_host: Option<Text> = "targetHost" [Required],
        /// Port to reach through the tunnel.
        target_port: Option<Int> = "targetPort" [Required, UINT32],
    }
}

message! {
    /// The PROXY protocol header.
    pub struct ProxyProtocol {
        /// Its version.
        version: Option<At<ProxyProtocolVersion>> = "version",
    }
}

choice! {
    /// Versions of the PROXY protocol.
    pub enum ProxyProtocolVersion {
        /// Text form.
        V1 = "V1",
        /// Binary form.
        V2 = "V2",
    }
}

message! {
    /// A limit of concurrent retries relative to requests.
    pub struct RetryBudget {
        /// Percentage of the active requests that may be retries.
        percent: Option<Number> = "percent" [Range(0.0, 100.0)],
        /// Retries that are always possible.
        min_retry_concurrency: Option<Int> = "minRetryConcurrency" [UINT32],
        /// Time over which requests are counted.
        budget_interval: Option<At<Period>> = "budgetInterval",
    }
}
