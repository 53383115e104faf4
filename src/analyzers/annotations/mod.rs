//! Istio's annotations on Kubernetes objects: known, in the right place, with a value that the injector reads.

pub mod alpha;
pub mod k8s;
mod table;
mod values;
mod walk;
