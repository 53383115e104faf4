//! Kubernetes' own kinds as services, workloads and endpoints of the mesh.

mod endpoints;
mod enrolment;
mod protocol;
mod secret;
mod service;
mod workload;

use crate::dialects::lower::{Dialect, Input};
use crate::ir::{Builder, Labels};
use crate::schema::{Map, Text};

pub use protocol::{by_name, of_port};

/// Service, Endpoints, EndpointSlice, Secret, Pod and what makes pods.
pub struct Kubernetes;

impl Dialect for Kubernetes {
    fn name(&self) -> &'static str {
        "Kubernetes"
    }

    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        workload::lower(input, mesh);
        service::lower(input, mesh);
        endpoints::lower(input, mesh);
        secret::lower(input, mesh);
    }
}

/// Labels of an object.
pub fn labels(map: &Map<Text>) -> Labels {
    map.pairs().map(|(key, value)| (key.into(), value.into())).collect()
}
