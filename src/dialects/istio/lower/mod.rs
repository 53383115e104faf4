//! Istio's kinds as nodes of the mesh, one file per kind.

mod service_entry;
mod settings;
mod workload_entry;

use crate::dialects::lower::{Dialect, Input};
use crate::ir::Builder;

/// The mesh configuration: the first dialect, because all others read the settings.
pub struct Settings;

impl Dialect for Settings {
    fn name(&self) -> &'static str {
        "Istio mesh configuration"
    }

    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        settings::lower(input, mesh);
    }
}

/// All other kinds.
pub struct Istio;

impl Dialect for Istio {
    fn name(&self) -> &'static str {
        "Istio"
    }

    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        workload_entry::lower(input, mesh);
        service_entry::lower(input, mesh);
    }
}
