//! Labels and annotations: which a controller writes, which must be a label, which an annotation.

/// Keys that a controller writes, with that controller. Writing them by hand does nothing good.
pub const OWNED: &[(&str, &str)] = &[
    ("mirror.linkerd.io/cluster-name", "the service mirror puts it on the mirror Services that it creates"),
    ("mirror.linkerd.io/mirrored-service", "the service mirror puts it on the mirror Services that it creates"),
    ("mirror.linkerd.io/remote-svc-fq-name", "the service mirror records the remote Service in it"),
    ("mirror.linkerd.io/remote-resource-version", "the service mirror records the remote Service's version in it"),
    ("linkerd.io/control-plane-ns", "the proxy injector sets it"),
    ("linkerd.io/proxy-version", "the proxy injector sets it"),
    ("linkerd.io/created-by", "the program that made the object sets it"),
    ("sidecar.istio.io/status", "the sidecar injector records what it injected in it"),
    ("pod-template-hash", "the Deployment controller sets it"),
    ("controller-revision-hash", "the StatefulSet and DaemonSet controllers set it"),
    ("kubectl.kubernetes.io/last-applied-configuration", "kubectl apply compares with it"),
];

/// Keys that are read from labels only.
pub const LABELS: &[&str] = &[
    "istio-injection",
    "istio.io/dataplane-mode",
    "istio.io/rev",
    "istio.io/use-waypoint",
    "mirror.linkerd.io/exported",
    "mirror.linkerd.io/federated",
    "topology.istio.io/network",
];

/// Keys that are read from annotations only.
pub const ANNOTATIONS: &[&str] = &[
    "config.linkerd.io/opaque-ports",
    "config.linkerd.io/skip-inbound-ports",
    "config.linkerd.io/skip-outbound-ports",
    "consul.hashicorp.com/connect-inject",
    "consul.hashicorp.com/connect-service",
    "consul.hashicorp.com/connect-service-upstreams",
    "linkerd.io/inject",
    "networking.istio.io/exportTo",
    "proxy.istio.io/config",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "traffic.sidecar.istio.io/excludeOutboundPorts",
];
