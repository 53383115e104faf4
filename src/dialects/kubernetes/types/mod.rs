//! Kubernetes kinds as typed manifests, one file per API area.

mod core;
mod pod;
mod service;
mod workload;

pub use core::{ConfigMap, Namespace};
pub use pod::{Container, ContainerPort, EnvVar, Pod, PodSecurityContext, PodSpec, SecurityContext};
pub use service::{Service, ServicePort, ServiceSpec};
pub use workload::{CronJob, CronJobSpec, JobTemplate, LabelSelector, PodTemplate, Workload, WorkloadSpec};
