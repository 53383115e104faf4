//! MeshConfig: settings of the whole mesh, from ConfigMap `istio` or an IstioOperator.
//!
//! Istio reads it with protobuf's JSON reader (wrap it in [`crate::schema::Proto`]) and drops fields that it does not know.

use super::extension_provider::ExtensionProvider;
use super::http_policy::HttpRetry;
use super::mesh_proxy_config::MeshProxyConfig;
use crate::schema::{At, Int, List, Opaque, Period, Text};
use crate::{choice, message};

message! {
    /// Settings of the whole mesh.
    pub struct MeshConfig {
        /// Port that outbound connections are redirected to.
        proxy_listen_port: Option<Int> = "proxyListenPort",
        /// Port that inbound connections are redirected to.
        proxy_inbound_listen_port: Option<Int> = "proxyInboundListenPort",
        /// Port of an HTTP proxy in the sidecar.
        proxy_http_port: Option<Int> = "proxyHttpPort",
        /// Time to connect upstream.
        connect_timeout: Option<At<Period>> = "connectTimeout",
        /// Time to wait for the first bytes when the protocol is to be found out.
        protocol_detection_timeout: Option<At<Period>> = "protocolDetectionTimeout",
        /// TCP keepalive.
        tcp_keepalive: Option<Opaque> = "tcpKeepalive",
        /// Ingress class that is served.
        ingress_class: Option<Text> = "ingressClass",
        /// Service of the ingress gateway.
        ingress_service: Option<Text> = "ingressService",
        /// Which Ingress objects are served.
        ingress_controller_mode: Option<Text> = "ingressControllerMode",
        /// Value of the label `istio` of the ingress gateway.
        ingress_selector: Option<Text> = "ingressSelector",
        /// Whether proxies make spans.
        enable_tracing: Option<At<bool>> = "enableTracing",
        /// File of the access log; `/dev/stdout` turns it on everywhere.
        access_log_file: Option<Text> = "accessLogFile",
        /// Format of the access log.
        access_log_format: Option<Text> = "accessLogFormat",
        /// Text or JSON.
        access_log_encoding: Option<At<AccessLogEncoding>> = "accessLogEncoding",
        /// Whether the access log goes to a gRPC service.
        enable_envoy_access_log_service: Option<At<bool>> = "enableEnvoyAccessLogService",
        /// Whether listeners keep no log of their own.
        disable_envoy_listener_log: Option<At<bool>> = "disableEnvoyListenerLog",
        /// Settings of every proxy.
        default_config: Option<Box<MeshProxyConfig>> = "defaultConfig",
        /// What happens to calls of unknown hosts.
        outbound_traffic_policy: Option<OutboundTrafficPolicyMode> = "outboundTrafficPolicy",
        /// Where inbound connections go inside the pod.
        inbound_traffic_policy: Option<Opaque> = "inboundTrafficPolicy",
        /// Sources of configuration.
        config_sources: List<Opaque> = "configSources",
        /// Whether clients use mutual TLS by themselves where the server takes it; true when not set.
        enable_auto_mtls: Option<At<bool>> = "enableAutoMtls",
        /// Trust domain of identities; cluster.local when not set.
        trust_domain: Option<Text> = "trustDomain",
        /// Other names of the trust domain.
        trust_domain_aliases: List<Text> = "trustDomainAliases",
        /// Further root certificates.
        ca_certificates: List<Opaque> = "caCertificates",
        /// Visibility of Services.
        default_service_export_to: List<Text> = "defaultServiceExportTo",
        /// Visibility of VirtualServices.
        default_virtual_service_export_to: List<Text> = "defaultVirtualServiceExportTo",
        /// Visibility of DestinationRules.
        default_destination_rule_export_to: List<Text> = "defaultDestinationRuleExportTo",
        /// Namespace whose policies hold for the whole mesh; istio-system when not set.
        root_namespace: Option<Text> = "rootNamespace",
        /// Locality load balancing.
        locality_lb_setting: Option<LocalitySwitch> = "localityLbSetting",
        /// How often proxies resolve DNS names.
        dns_refresh_rate: Option<At<Period>> = "dnsRefreshRate",
        /// Whether HTTP/1.1 is upgraded to HTTP/2.
        h2_upgrade_policy: Option<Text> = "h2UpgradePolicy",
        /// Name pattern of inbound statistics.
        inbound_cluster_stat_name: Option<Text> = "inboundClusterStatName",
        /// Name pattern of outbound statistics.
        outbound_cluster_stat_name: Option<Text> = "outboundClusterStatName",
        /// Certificates, no longer used.
        certificates: List<Opaque> = "certificates",
        /// Settings of some services.
        service_settings: List<Opaque> = "serviceSettings",
        /// Reach of services between clusters.
        service_scope_configs: List<Opaque> = "serviceScopeConfigs",
        /// Whether the agent serves the application's metrics with its own.
        enable_prometheus_merge: Option<At<bool>> = "enablePrometheusMerge",
        /// Whether servers' certificates are checked, no longer used.
        verify_certificate_at_client: Option<At<bool>> = "verifyCertificateAtClient",
        /// An external certificate authority.
        ca: Option<Opaque> = "ca",
        /// Named providers of authorization, traces, metrics and logs.
        extension_providers: List<ExtensionProvider> = "extensionProviders",
        /// Providers for Telemetry objects that name none.
        default_providers: Option<DefaultProviders> = "defaultProviders",
        /// Namespaces that the control plane looks at.
        discovery_selectors: List<Opaque> = "discoverySelectors",
        /// How paths are normalized before policies see them.
        path_normalization: Option<PathNormalization> = "pathNormalization",
        /// Retries of routes that set none.
        default_http_retry_policy: Option<Box<HttpRetry>> = "defaultHttpRetryPolicy",
        /// TLS between workloads.
        mesh_mtls: Option<MeshTls> = "meshMTLS",
        /// TLS towards others.
        tls_defaults: Option<Opaque> = "tlsDefaults",
        /// A compliance policy, as fips-140-2.
        compliance_policy: Option<Text> = "compliancePolicy",
    }
}

choice! {
    /// How access logs are written.
    pub enum AccessLogEncoding {
        /// As text.
        Text = "TEXT",
        /// As JSON.
        Json = "JSON",
    }
}

message! {
    /// What happens to calls of unknown hosts.
    pub struct OutboundTrafficPolicyMode {
        /// ALLOW_ANY or REGISTRY_ONLY.
        mode: Option<Text> = "mode",
    }
}

message! {
    /// Providers for Telemetry objects that name none. They are used, they turn nothing on.
    pub struct DefaultProviders {
        /// For traces.
        tracing: List<Text> = "tracing",
        /// For metrics.
        metrics: List<Text> = "metrics",
        /// For access logs.
        access_logging: List<Text> = "accessLogging",
    }
}

message! {
    /// Preference of near endpoints, for the whole mesh.
    pub open struct LocalitySwitch {
        /// False turns it off.
        enabled: Option<At<bool>> = "enabled",
    }
}

message! {
    /// What is done to paths before they are matched.
    pub struct PathNormalization {
        /// DEFAULT, NONE, BASE, MERGE_SLASHES or DECODE_AND_MERGE_SLASHES.
        normalization: Option<Text> = "normalization",
    }
}

message! {
    /// TLS between proxies of the mesh.
    pub open struct MeshTls {
        /// Oldest version.
        min_protocol_version: Option<Text> = "minProtocolVersion",
    }
}
