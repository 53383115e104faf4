//! Kinds whose plain name is served by several API groups, and kinds that clusters usually lack.

/// Names of one kind for kubectl, and the API groups that have it.
pub struct Shared {
    /// Plural, singular, and short names.
    pub names: &'static [&'static str],
    /// The groups.
    pub groups: &'static [&'static str],
}

const ISTIO_NETWORKING: &str = "networking.istio.io";
const GATEWAY_API: &str = "gateway.networking.k8s.io";
const APP_MESH: &str = "appmesh.k8s.aws";
const LINKERD_POLICY: &str = "policy.linkerd.io";

/// Kinds of the same name in several groups.
pub const SHARED: &[Shared] = &[
    Shared { names: &["virtualservices", "virtualservice"], groups: &[ISTIO_NETWORKING, APP_MESH] },
    Shared { names: &["gateways", "gateway"], groups: &[ISTIO_NETWORKING, GATEWAY_API] },
    Shared { names: &["httproutes", "httproute"], groups: &[GATEWAY_API, LINKERD_POLICY] },
    Shared { names: &["authorizationpolicies", "authorizationpolicy"], groups: &["security.istio.io", LINKERD_POLICY] },
];

/// Kinds that come with an add-on that few clusters have, with what brings them.
pub const RARE: &[(&[&str], &str)] = &[
    (&["trafficsplits", "trafficsplit", "ts"], "SMI's TrafficSplit comes with the linkerd-smi extension only"),
    (&["traffictargets", "traffictarget"], "SMI is archived and no mesh installs TrafficTarget"),
    (&["httproutegroups", "httproutegroup"], "SMI is archived and no mesh installs HTTPRouteGroup"),
];
