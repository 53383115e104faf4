//! IstioOperator: the input of `istioctl install`. It is read by the tool, not served by a cluster.

use super::mesh_config::MeshConfig;
use crate::message;
use crate::schema::{Any, At, Int, List, Map, Opaque, Proto, Text};

message! {
    /// What is installed and how it is set up.
    pub struct IstioOperator {
        /// Profile that the rest is laid over: default, minimal, demo, ...
        profile: Option<Text> = "profile",
        /// Directory of the charts.
        install_package_path: Option<Text> = "installPackagePath",
        /// Registry of the images.
        hub: Option<Text> = "hub",
        /// Tag of the images.
        tag: Option<Any> = "tag",
        /// Namespace of the control plane.
        namespace: Option<Text> = "namespace",
        /// Revision of the control plane.
        revision: Option<Text> = "revision",
        /// Release whose defaults hold.
        compatibility_version: Option<Text> = "compatibilityVersion",
        /// Settings of the mesh, written to ConfigMap `istio`.
        mesh_config: Option<Box<Proto<MeshConfig>>> = "meshConfig",
        /// Parts that are installed.
        components: Option<Box<OperatorComponents>> = "components",
        /// Values of the Helm charts.
        values: Option<OperatorValues> = "values",
        /// The same without a check.
        unvalidated_values: Option<Opaque> = "unvalidatedValues",
        /// Add-ons of releases before 1.8.
        addon_components: Option<Opaque> = "addonComponents",
    }
}

message! {
    /// Parts that can be installed.
    pub struct OperatorComponents {
        /// CRDs and roles.
        base: Option<OperatorComponent> = "base",
        /// The control plane.
        pilot: Option<OperatorComponent> = "pilot",
        /// The CNI plugin.
        cni: Option<OperatorComponent> = "cni",
        /// The node proxy of ambient mode.
        ztunnel: Option<OperatorComponent> = "ztunnel",
        /// What a cluster needs whose control plane runs elsewhere.
        istiod_remote: Option<OperatorComponent> = "istiodRemote",
        /// Ingress gateways.
        ingress_gateways: List<OperatorGateway> = "ingressGateways",
        /// Egress gateways.
        egress_gateways: List<OperatorGateway> = "egressGateways",
        /// A gateway by its own chart.
        gateway: Option<OperatorComponent> = "gateway",
    }
}

message! {
    /// One part.
    pub struct OperatorComponent {
        /// Whether it is installed.
        enabled: Option<At<bool>> = "enabled",
        /// Its namespace.
        namespace: Option<Text> = "namespace",
        /// Registry of its image.
        hub: Option<Text> = "hub",
        /// Tag of its image.
        tag: Option<Any> = "tag",
        /// Settings of its Kubernetes objects.
        k8s: Option<Box<OperatorResources>> = "k8s",
    }
}

message! {
    /// A gateway.
    pub struct OperatorGateway {
        /// Whether it is installed.
        enabled: Option<At<bool>> = "enabled",
        /// Its name.
        name: Option<Text> = "name",
        /// Its labels.
        label: Map<Text> = "label",
        /// Its namespace.
        namespace: Option<Text> = "namespace",
        /// Registry of its image.
        hub: Option<Text> = "hub",
        /// Tag of its image.
        tag: Option<Any> = "tag",
        /// Settings of its Kubernetes objects.
        k8s: Option<Box<OperatorResources>> = "k8s",
    }
}

message! {
    /// Settings of a part's Kubernetes objects.
    pub struct OperatorResources {
        /// Placement.
        affinity: Option<Opaque> = "affinity",
        /// Environment of the container.
        env: List<Opaque> = "env",
        /// Scaling.
        hpa_spec: Option<Opaque> = "hpaSpec",
        /// When the image is pulled.
        image_pull_policy: Option<Text> = "imagePullPolicy",
        /// Nodes.
        node_selector: Map<Text> = "nodeSelector",
        /// Disruptions.
        pod_disruption_budget: Option<Opaque> = "podDisruptionBudget",
        /// Annotations of the pods.
        pod_annotations: Map<Text> = "podAnnotations",
        /// Priority.
        priority_class_name: Option<Text> = "priorityClassName",
        /// Readiness.
        readiness_probe: Option<Opaque> = "readinessProbe",
        /// Number of pods.
        replica_count: Option<Int> = "replicaCount",
        /// CPU and memory.
        resources: Option<Opaque> = "resources",
        /// The Service.
        service: Option<Opaque> = "service",
        /// Update strategy.
        strategy: Option<Opaque> = "strategy",
        /// Tolerations.
        tolerations: List<Opaque> = "tolerations",
        /// Annotations of the Service.
        service_annotations: Map<Text> = "serviceAnnotations",
        /// Security context of the pods.
        security_context: Option<Opaque> = "securityContext",
        /// Volumes.
        volumes: List<Opaque> = "volumes",
        /// Their mounts.
        volume_mounts: List<Opaque> = "volumeMounts",
        /// Patches of the rendered objects.
        overlays: List<OperatorOverlay> = "overlays",
    }
}

message! {
    /// Patches of one rendered object.
    pub struct OperatorOverlay {
        /// API version of the object.
        api_version: Option<Text> = "apiVersion",
        /// Its kind.
        kind: Option<Text> = "kind",
        /// Its name.
        name: Option<Text> = "name",
        /// The patches.
        patches: List<OperatorPatch> = "patches",
    }
}

message! {
    /// A patch.
    pub struct OperatorPatch {
        /// Path of the value.
        path: Option<Text> = "path",
        /// The new value.
        value: Option<Any> = "value",
    }
}

message! {
    /// Values of the Helm charts, as far as rules read them.
    pub open struct OperatorValues {
        /// The control plane.
        pilot: Option<PilotValues> = "pilot",
        /// Shared by all charts.
        global: Option<GlobalValues> = "global",
    }
}

message! {
    /// Values of the control plane.
    pub open struct PilotValues {
        /// Environment variables, written into the Deployment in quotes.
        env: Map<Any> = "env",
        /// Share of requests that are traced, in percent.
        trace_sampling: Option<Any> = "traceSampling",
    }
}

message! {
    /// Values that all charts share.
    pub open struct GlobalValues {
        /// The proxies.
        proxy: Option<ProxyValues> = "proxy",
        /// Namespace of the control plane.
        istio_namespace: Option<Text> = "istioNamespace",
    }
}

message! {
    /// Values of the proxies.
    pub open struct ProxyValues {
        /// Worker threads, deprecated.
        concurrency: Option<Any> = "concurrency",
    }
}
