//! The places where annotations are looked at: namespaces, services, pods, workloads and their pod templates.

use crate::analyzers::context::Context;
use crate::analyzers::shared::control_plane;
use crate::dialects::kubernetes::types::PodSpec;
use crate::dialects::object::Meta;
use crate::schema::{Map, Text};

/// Annotations of one object or pod template.
pub(super) struct Annotated<'m> {
    /// The object that findings name.
    pub meta: &'m Meta,
    /// The kind that the annotations stand on: `Pod` for a template.
    pub kind: &'static str,
    /// Labels beside them.
    pub labels: &'m Map<Text>,
    /// The annotations.
    pub annotations: &'m Map<Text>,
    /// The pod, for pods and templates.
    pub pod: Option<&'m PodSpec>,
}

/// All of them, in the order of the input within each kind.
pub(super) fn all<'m>(cx: &'m Context<'m>) -> Vec<Annotated<'m>> {
    let of_meta = |meta: &'m Meta, pod| Annotated {
        meta,
        kind: meta.kind,
        labels: &meta.labels,
        annotations: &meta.annotations,
        pod,
    };
    let namespaces = cx.namespaces.iter().map(|object| of_meta(&object.meta, None));
    let services = cx.services.iter().map(|object| of_meta(&object.meta, None));
    let workloads = cx.workloads.iter().map(|w| of_meta(w.meta, w.pod.filter(|_| w.is_pod())));
    let templates = cx.workloads.iter().filter(|w| !w.is_pod()).map(|w| Annotated {
        meta: w.meta,
        kind: "Pod",
        labels: w.labels,
        annotations: w.annotations,
        pod: w.pod,
    });
    // A gateway controller copies the annotations of the Gateway to what it generates.
    let all = namespaces.chain(services).chain(workloads).chain(templates);
    all.filter(|place| !place.annotations.is_empty() && !is_generated(place.meta)).collect()
}

fn is_generated(meta: &Meta) -> bool {
    control_plane::is_managed_gateway(meta) || meta.labels.get("gateway.networking.k8s.io/gateway-name").is_some()
}

/// True for keys that Istio answers for.
pub(super) fn is_istios(key: &str) -> bool {
    let domain = key.split('/').next().unwrap_or_default();
    key == "kubernetes.io/ingress.class" || domain == "istio.io" || domain.ends_with(".istio.io")
}

/// True for annotations that Istio itself writes on pods: nobody chose them.
pub(super) fn is_written_by_istio(key: &str, pod: Option<&PodSpec>) -> bool {
    const ALWAYS: &[&str] = &[
        "sidecar.istio.io/status",
        "gateway.istio.io/controller-version",
        "istio.io/rev",
        "ambient.istio.io/redirection",
    ];
    const BY_CNI: &[&str] = &[
        "sidecar.istio.io/interceptionMode",
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "traffic.sidecar.istio.io/includeInboundPorts",
        "traffic.sidecar.istio.io/includeOutboundIPRanges",
    ];
    let has_cni = || {
        pod.is_some_and(|pod| {
            pod.init_containers.iter().any(|c| c.name.as_ref().is_some_and(|name| name.as_str() == "istio-validation"))
        })
    };
    ALWAYS.contains(&key) || (BY_CNI.contains(&key) && has_cni())
}
