//! The annotations that Istio reads, from its reference pages of releases 1.4 to 1.31: where they go, how settled they are.

use super::values::Rule;

/// How settled a feature is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// May change or go.
    Alpha,
    /// Stays, may change a little.
    Beta,
    /// Stays.
    Stable,
}

/// One annotation.
#[derive(Debug)]
pub(super) struct Annotation {
    /// The key.
    pub name: &'static str,
    /// Kinds that it may stand on; empty for any.
    pub kinds: &'static [&'static str],
    /// How settled it is.
    pub status: Status,
    /// What to use instead, for deprecated ones; empty when there is nothing.
    pub deprecated: Option<&'static str>,
    /// What its value must look like.
    pub rule: Rule,
}

/// The entry of a key.
pub(super) fn find(name: &str) -> Option<&'static Annotation> {
    ANNOTATIONS.iter().find(|annotation| annotation.name == name)
}

/// All keys, for near names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ANNOTATIONS.iter().map(|annotation| annotation.name)
}

const POD: &[&str] = &["Pod"];
const SERVICE: &[&str] = &["Service"];
const ANY: &[&str] = &[];
const ENTRY: &[&str] = &["WorkloadEntry"];
const GATEWAY: &[&str] = &["Gateway"];

const fn on(name: &'static str, kinds: &'static [&'static str], status: Status, rule: Rule) -> Annotation {
    Annotation { name, kinds, status, deprecated: None, rule }
}

const fn old(
    name: &'static str,
    kinds: &'static [&'static str],
    status: Status,
    rule: Rule,
    instead: &'static str,
) -> Annotation {
    Annotation { name, kinds, status, deprecated: Some(instead), rule }
}

use Rule::{Bool, Cidrs, Free, Mode, Ports, PortsOrStar, Uint};
use Status::{Alpha, Beta, Stable};

const STATS: &str = "`proxyStatsMatcher` in the annotation `proxy.istio.io/config`";

const ANNOTATIONS: &[Annotation] = &[
    old("alpha.istio.io/canonical-serviceaccounts", SERVICE, Alpha, Free, ""),
    old("alpha.istio.io/identity", POD, Alpha, Free, ""),
    old("alpha.istio.io/kubernetes-serviceaccounts", SERVICE, Alpha, Free, ""),
    on("ambient.istio.io/bypass-inbound-capture", POD, Alpha, Bool),
    on("ambient.istio.io/dns-capture", POD, Alpha, Bool),
    on("ambient.istio.io/redirection", POD, Beta, Free),
    on("ambient.istio.io/waypoint-inbound-binding", &["GatewayClass", "Gateway"], Alpha, Free),
    on("galley.istio.io/analyze-suppress", ANY, Alpha, Free),
    on("gateway.istio.io/controller-version", ANY, Alpha, Free),
    on("gateway.istio.io/name-override", GATEWAY, Alpha, Free),
    on("gateway.istio.io/service-account", GATEWAY, Alpha, Free),
    on("inject.istio.io/templates", POD, Alpha, Free),
    on("install.operator.istio.io/chart-owner", ANY, Alpha, Free),
    on("install.operator.istio.io/owner-generation", ANY, Alpha, Free),
    on("install.operator.istio.io/version", ANY, Alpha, Free),
    on("internal.istio.io/parents", ANY, Alpha, Free),
    on("internal.istio.io/service-account-name", ANY, Alpha, Free),
    on("istio.io/autoRegistrationGroup", ENTRY, Alpha, Free),
    on("istio.io/connectedAt", ENTRY, Alpha, Free),
    on("istio.io/disconnectedAt", ENTRY, Alpha, Free),
    on("istio.io/dry-run", &["AuthorizationPolicy"], Alpha, Bool),
    on("istio.io/reroute-virtual-interfaces", POD, Alpha, Free),
    on("istio.io/rev", ANY, Alpha, Free),
    on("istio.io/use-waypoint-canary-weight", &["Service", "ServiceEntry", "Namespace"], Alpha, Free),
    on("istio.io/workloadController", ENTRY, Alpha, Free),
    on("kubernetes.io/ingress.class", &["Ingress"], Stable, Free),
    on("networking.istio.io/address-type", GATEWAY, Alpha, Free),
    on("networking.istio.io/exportTo", SERVICE, Alpha, Free),
    on("networking.istio.io/service-type", GATEWAY, Alpha, Free),
    on("networking.istio.io/traffic-distribution", &["Service", "ServiceEntry", "Namespace"], Alpha, Free),
    on("prometheus.istio.io/merge-metrics", POD, Alpha, Bool),
    on("prometheus.istio.io/scrape-targets", POD, Alpha, Free),
    on("proxy.istio.io/config", POD, Beta, Free),
    on("proxy.istio.io/overrides", POD, Alpha, Free),
    on("readiness.status.sidecar.istio.io/applicationPorts", POD, Alpha, Ports),
    on("readiness.status.sidecar.istio.io/failureThreshold", POD, Alpha, Uint),
    on("readiness.status.sidecar.istio.io/initialDelaySeconds", POD, Alpha, Uint),
    on("readiness.status.sidecar.istio.io/periodSeconds", POD, Alpha, Uint),
    on("sidecar.istio.io/agentLogLevel", POD, Alpha, Free),
    on("sidecar.istio.io/bootstrapOverride", POD, Alpha, Free),
    on("sidecar.istio.io/componentLogLevel", POD, Alpha, Free),
    old("sidecar.istio.io/controlPlaneAuthPolicy", POD, Alpha, Free, ""),
    old("sidecar.istio.io/discoveryAddress", POD, Alpha, Free, "`discoveryAddress` in `proxy.istio.io/config`"),
    on("sidecar.istio.io/enableCoreDump", POD, Alpha, Bool),
    old("sidecar.istio.io/extraStatTags", POD, Alpha, Free, "`tagOverrides` of a Telemetry object"),
    old("sidecar.istio.io/inject", POD, Beta, Free, "the label `sidecar.istio.io/inject`"),
    on("sidecar.istio.io/interceptionMode", POD, Alpha, Mode),
    on("sidecar.istio.io/logLevel", POD, Alpha, Free),
    on("sidecar.istio.io/nativeSidecar", POD, Alpha, Bool),
    on("sidecar.istio.io/proxyCPU", POD, Alpha, Free),
    on("sidecar.istio.io/proxyCPULimit", POD, Alpha, Free),
    on("sidecar.istio.io/proxyImage", POD, Alpha, Free),
    on("sidecar.istio.io/proxyImageType", POD, Alpha, Free),
    on("sidecar.istio.io/proxyMemory", POD, Alpha, Free),
    on("sidecar.istio.io/proxyMemoryLimit", POD, Alpha, Free),
    on("sidecar.istio.io/rewriteAppHTTPProbers", POD, Alpha, Bool),
    old("sidecar.istio.io/statsCompression", POD, Alpha, Bool, "`statsCompression` in `proxy.istio.io/config`"),
    on("sidecar.istio.io/statsEvictionInterval", POD, Alpha, Free),
    on("sidecar.istio.io/statsFlushInterval", POD, Alpha, Free),
    on("sidecar.istio.io/statsHistogramBins", POD, Alpha, Free),
    on("sidecar.istio.io/statsHistogramBuckets", POD, Alpha, Free),
    old("sidecar.istio.io/statsInclusionPrefixes", POD, Alpha, Free, STATS),
    old("sidecar.istio.io/statsInclusionRegexps", POD, Alpha, Free, STATS),
    old("sidecar.istio.io/statsInclusionSuffixes", POD, Alpha, Free, STATS),
    on("sidecar.istio.io/status", POD, Alpha, Free),
    on("sidecar.istio.io/userVolume", POD, Alpha, Free),
    on("sidecar.istio.io/userVolumeMount", POD, Alpha, Free),
    on("status.sidecar.istio.io/port", POD, Alpha, Uint),
    on("topology.istio.io/controlPlaneClusters", &["Namespace"], Alpha, Free),
    on("traffic.istio.io/nodeSelector", SERVICE, Stable, Free),
    on("traffic.sidecar.istio.io/excludeInboundPorts", POD, Alpha, Ports),
    on("traffic.sidecar.istio.io/excludeInterfaces", POD, Alpha, Free),
    on("traffic.sidecar.istio.io/excludeOutboundIPRanges", POD, Alpha, Cidrs),
    on("traffic.sidecar.istio.io/excludeOutboundPorts", POD, Alpha, Ports),
    on("traffic.sidecar.istio.io/includeInboundPorts", POD, Alpha, PortsOrStar),
    on("traffic.sidecar.istio.io/includeOutboundIPRanges", POD, Alpha, Cidrs),
    on("traffic.sidecar.istio.io/includeOutboundPorts", POD, Alpha, PortsOrStar),
    old("traffic.sidecar.istio.io/kubevirtInterfaces", POD, Alpha, Free, "`istio.io/reroute-virtual-interfaces`"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_doubles() {
        let names: Vec<_> = names().collect();
        assert!(names.is_sorted());
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
