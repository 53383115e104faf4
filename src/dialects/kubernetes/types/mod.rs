//! Kubernetes kinds as typed manifests, one file per API area.

mod core;
mod crd;
mod network;
mod pod;
mod secret;
mod service;
mod webhook;
mod workload;

pub use core::{ConfigMap, Namespace};
pub use crd::{CrdNames, CrdVersion, CustomResourceDefinition};
pub use network::{
    EndpointSlice, EndpointSubset, Endpoints, Ingress, IngressBackend, IngressHttp, IngressPath, IngressRule,
    IngressSpec, Node, PodAddress, ServiceAccount, SliceConditions, SliceEndpoint, SlicePort,
};
pub use pod::{
    Container, ContainerPort, EnvVar, HttpGet, Pod, PodSecurityContext, PodSpec, Probe, Resources, SecurityContext,
    Volume, VolumeMount,
};
pub use secret::Secret;
pub use service::{Service, ServicePort, ServiceSpec};
pub use webhook::{Webhook, WebhookClientConfig, WebhookConfiguration, WebhookService};
pub use workload::{
    CronJob, CronJobSpec, JobTemplate, LabelRequirement, LabelSelector, PodTemplate, Workload, WorkloadSpec,
};
