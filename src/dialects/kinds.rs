//! The table of kinds: one line per kind gives the model's field, the reader and the list of served versions.

use super::gateway_api::types as gateway_api;
use super::istio::types as istio;
use super::kubernetes::types as kubernetes;
use super::meta;
use super::monitoring::types as monitoring;
use super::object::{Defects, Meta, Object};
use crate::manifests::source::{FileId, Place};
use crate::manifests::tree::Node;
use crate::schema::{Any, DefectKind, Field, FieldDef, Reader, Schema, Shape};

/// What the table says about one kind.
#[derive(Debug)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Kind.
    pub kind: &'static str,
    /// Served versions, preferred first.
    pub versions: &'static [&'static str],
    /// False for cluster-wide kinds.
    pub namespaced: bool,
    /// The schema of `spec`, or of the whole document for kinds without one.
    pub schema: fn() -> Schema,
}

/// Where the typed body is: under `spec`, or the document itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Spec,
    /// Under `spec`, which must be there.
    NeedsSpec,
    Root,
}

macro_rules! kinds {
    ($( $(#[doc = $doc:literal])* $field:ident : $ty:ty = $group:literal [$($version:literal),+] $kind:literal $body:ident $scope:ident ; )+) => {
        /// All objects of the input, typed, by kind, in input order.
        #[derive(Debug, Default)]
        pub struct Objects {
            $( $(#[doc = $doc])* #[doc = concat!("All `", $kind, "` objects.")] pub $field: Vec<Object<$ty>>, )+
            /// Structural defects, object by object.
            pub defects: Vec<Defects>,
        }

        /// Every kind that is typed.
        pub const KINDS: &[Kind] = &[
            $( Kind {
                group: $group,
                kind: $kind,
                versions: &[$($version),+],
                namespaced: kinds!(@scope $scope),
                schema: <$ty as Shape>::schema,
            }, )+
        ];

        impl Objects {
            /// Reads a document when its kind is in the table; false when it is not.
            pub fn read(&mut self, root: &Node, file: FileId, default_namespace: &str, cluster: Option<&str>) -> bool {
                let (group, kind) = group_and_kind(root);
                match (group, kind) {
                    $( ($group, $kind) => {
                        let (object, defects) = read_object::<$ty>(root, file, ($group, $kind), kinds!(@scope $scope), Body::$body, default_namespace, cluster);
                        self.defects.extend(defects);
                        self.$field.push(object);
                        true
                    } )+
                    _ => false,
                }
            }

            /// Takes away the objects of a file.
            pub fn forget(&mut self, file: FileId) {
                $( self.$field.retain(|object| object.meta.file != file); )+
                self.defects.retain(|defects| defects.meta.file != file);
            }

            /// Puts the objects in the order of their files; those of one file keep theirs.
            pub fn order_by(&mut self, rank: &dyn Fn(FileId) -> usize) {
                $( self.$field.sort_by_key(|object| rank(object.meta.file)); )+
                self.defects.sort_by_key(|defects| rank(defects.meta.file));
            }

            /// The metadata of every object, kind by kind.
            pub fn metas(&self) -> impl Iterator<Item = &Meta> {
                let all: Vec<&Meta> = [ $( self.$field.iter().map(|o| &o.meta).collect::<Vec<_>>(), )+ ].concat();
                all.into_iter()
            }
        }
    };
    (@scope namespaced) => { true };
    (@scope cluster) => { false };
}

/// Group and kind of a document, empty texts when it has none.
pub fn group_and_kind(root: &Node) -> (&str, &str) {
    let api_version = root.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
    let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (group, root.get("kind").and_then(Node::as_str).unwrap_or_default())
}

fn read_object<T: Shape + Default>(
    root: &Node,
    file: FileId,
    names: (&'static str, &'static str),
    namespaced: bool,
    body: Body,
    default_namespace: &str,
    cluster: Option<&str>,
) -> (Object<T>, Option<Defects>) {
    let mut cx = Reader::default();
    let mut meta = meta::read(root, file, names, namespaced, default_namespace, &mut cx);
    meta.cluster = cluster.map(Into::into);
    let mut spec: Option<T> = None;
    let mut status: Option<Any> = None;
    if let Some(entry) = root.entry("status") {
        status.fill(&entry.node, entry.place(), &mut cx);
    }
    match body {
        Body::Root => spec = T::read(root, Place::bare(root.span), &mut cx),
        Body::Spec | Body::NeedsSpec => {
            if body == Body::NeedsSpec && root.get("spec").is_none_or(Node::is_null) {
                let span = root.entry("kind").map_or(root.span, |entry| entry.key_span);
                cx.defect(DefectKind::Missing { name: "spec" }, span, Place::bare(root.span));
            }
            for entry in root.entries() {
                if &*entry.key == "spec" && !entry.node.is_null() {
                    cx.within("spec", |cx| spec.fill(&entry.node, entry.place(), cx));
                } else if &*entry.key != "spec" {
                    cx.unknown(entry, SPEC_FIELDS, root.entries());
                }
            }
        }
    }
    let defects = std::mem::take(&mut cx.defects);
    let defects = (!defects.is_empty()).then(|| Defects { meta: meta.clone(), defects });
    (Object { meta, spec: spec.unwrap_or_default(), status }, defects)
}

/// The names that stand beside `spec`, for near-name help.
const SPEC_FIELDS: &[FieldDef] = &[
    FieldDef { name: "spec", doc: "", rules: &[], schema: any },
    FieldDef { name: "metadata", doc: "", rules: &[], schema: any },
    FieldDef { name: "status", doc: "", rules: &[], schema: any },
];

fn any() -> Schema {
    Schema::Any
}

kinds! {
    virtual_services: istio::VirtualService = "networking.istio.io" ["v1", "v1beta1", "v1alpha3"] "VirtualService" Spec namespaced;
    destination_rules: istio::DestinationRule = "networking.istio.io" ["v1", "v1beta1", "v1alpha3"] "DestinationRule" Spec namespaced;
    service_entries: istio::ServiceEntry = "networking.istio.io" ["v1", "v1beta1", "v1alpha3"] "ServiceEntry" NeedsSpec namespaced;
    peer_authentications: istio::PeerAuthentication = "security.istio.io" ["v1", "v1beta1"] "PeerAuthentication" Spec namespaced;
    request_authentications: istio::RequestAuthentication = "security.istio.io" ["v1", "v1beta1"] "RequestAuthentication" Spec namespaced;
    authorization_policies: istio::AuthorizationPolicy = "security.istio.io" ["v1", "v1beta1"] "AuthorizationPolicy" Spec namespaced;
    telemetries: istio::Telemetry = "telemetry.istio.io" ["v1", "v1alpha1"] "Telemetry" Spec namespaced;
    wasm_plugins: istio::WasmPlugin = "extensions.istio.io" ["v1alpha1"] "WasmPlugin" NeedsSpec namespaced;
    traffic_extensions: istio::TrafficExtension = "extensions.istio.io" ["v1alpha1"] "TrafficExtension" NeedsSpec namespaced;
    gateways: istio::Gateway = "networking.istio.io" ["v1", "v1beta1", "v1alpha3"] "Gateway" Spec namespaced;
    sidecars: istio::Sidecar = "networking.istio.io" ["v1", "v1beta1", "v1alpha3"] "Sidecar" Spec namespaced;
    workload_entries: istio::WorkloadEntry = "networking.istio.io" ["v1", "v1beta1", "v1alpha3"] "WorkloadEntry" NeedsSpec namespaced;
    workload_groups: istio::WorkloadGroup = "networking.istio.io" ["v1", "v1beta1", "v1alpha3"] "WorkloadGroup" NeedsSpec namespaced;
    envoy_filters: istio::EnvoyFilter = "networking.istio.io" ["v1alpha3"] "EnvoyFilter" Spec namespaced;
    proxy_configs: istio::ProxyConfig = "networking.istio.io" ["v1beta1"] "ProxyConfig" Spec namespaced;
    kubernetes_gateways: gateway_api::Gateway = "gateway.networking.k8s.io" ["v1", "v1beta1"] "Gateway" Spec namespaced;
    gateway_classes: gateway_api::GatewayClass = "gateway.networking.k8s.io" ["v1", "v1beta1"] "GatewayClass" Spec cluster;
    http_routes: gateway_api::HttpRoute = "gateway.networking.k8s.io" ["v1", "v1beta1"] "HTTPRoute" Spec namespaced;
    grpc_routes: gateway_api::GrpcRoute = "gateway.networking.k8s.io" ["v1"] "GRPCRoute" Spec namespaced;
    tls_routes: gateway_api::TlsRoute = "gateway.networking.k8s.io" ["v1", "v1alpha3", "v1alpha2"] "TLSRoute" Spec namespaced;
    tcp_routes: gateway_api::TcpRoute = "gateway.networking.k8s.io" ["v1", "v1alpha2"] "TCPRoute" Spec namespaced;
    reference_grants: gateway_api::ReferenceGrant = "gateway.networking.k8s.io" ["v1", "v1beta1"] "ReferenceGrant" Spec namespaced;
    backend_tls_policies: gateway_api::BackendTlsPolicy = "gateway.networking.k8s.io" ["v1", "v1alpha3"] "BackendTLSPolicy" Spec namespaced;
    istio_operators: istio::IstioOperator = "install.istio.io" ["v1alpha1"] "IstioOperator" Spec namespaced;
    namespaces: kubernetes::Namespace = "" ["v1"] "Namespace" Root cluster;
    services: kubernetes::Service = "" ["v1"] "Service" Root namespaced;
    pods: kubernetes::Pod = "" ["v1"] "Pod" Root namespaced;
    config_maps: kubernetes::ConfigMap = "" ["v1"] "ConfigMap" Root namespaced;
    deployments: kubernetes::Workload = "apps" ["v1"] "Deployment" Root namespaced;
    stateful_sets: kubernetes::Workload = "apps" ["v1"] "StatefulSet" Root namespaced;
    daemon_sets: kubernetes::Workload = "apps" ["v1"] "DaemonSet" Root namespaced;
    replica_sets: kubernetes::Workload = "apps" ["v1"] "ReplicaSet" Root namespaced;
    jobs: kubernetes::Workload = "batch" ["v1"] "Job" Root namespaced;
    cron_jobs: kubernetes::CronJob = "batch" ["v1"] "CronJob" Root namespaced;
    secrets: kubernetes::Secret = "" ["v1"] "Secret" Root namespaced;
    custom_resource_definitions: kubernetes::CustomResourceDefinition = "apiextensions.k8s.io" ["v1"] "CustomResourceDefinition" Spec cluster;
    mutating_webhooks: kubernetes::WebhookConfiguration = "admissionregistration.k8s.io" ["v1"] "MutatingWebhookConfiguration" Root cluster;
    validating_webhooks: kubernetes::WebhookConfiguration = "admissionregistration.k8s.io" ["v1"] "ValidatingWebhookConfiguration" Root cluster;
    ingresses: kubernetes::Ingress = "networking.k8s.io" ["v1"] "Ingress" Root namespaced;
    endpoints: kubernetes::Endpoints = "" ["v1"] "Endpoints" Root namespaced;
    endpoint_slices: kubernetes::EndpointSlice = "discovery.k8s.io" ["v1"] "EndpointSlice" Root namespaced;
    nodes: kubernetes::Node = "" ["v1"] "Node" Root cluster;
    service_accounts: kubernetes::ServiceAccount = "" ["v1"] "ServiceAccount" Root namespaced;
    service_monitors: monitoring::ServiceMonitor = "monitoring.coreos.com" ["v1"] "ServiceMonitor" Spec namespaced;
    pod_monitors: monitoring::PodMonitor = "monitoring.coreos.com" ["v1"] "PodMonitor" Spec namespaced;
    prometheus_rules: monitoring::PrometheusRule = "monitoring.coreos.com" ["v1"] "PrometheusRule" Spec namespaced;
}
