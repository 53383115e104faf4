//! Validation of MeshNetworks (rule 80): addresses, names and ports of networks and gateways.

use super::shared::{Report, names, ports};
use crate::analyzers::codes::{SCHEMA_VALIDATION_ERROR, SCHEMA_WARNING};
use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::Network;
use crate::schema::Text;

/// Validates all networks.
pub static ANALYZER: Analyzer = Analyzer {
    name: "schema.ValidationAnalyzer.MeshNetworks",
    summary: "Values of MeshNetworks that cannot work",
    codes: &[&SCHEMA_VALIDATION_ERROR, &SCHEMA_WARNING],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.model().mesh.networks {
        let mut report = Report::new(&object.meta, sink);
        for (name, network) in object.spec.networks.iter() {
            validate(&mut report, name, network);
        }
    }
}

fn validate(report: &mut Report<'_>, name: &Text, network: &Network) {
    if network.endpoints.is_empty() && !network.endpoints.is_set() && network.gateways.is_empty() {
        report.warning(name.span(), format!("the network {} has neither endpoints nor gateways", name.as_str()));
    }
    for endpoints in &network.endpoints {
        report.text(endpoints.from_cidr.as_ref(), names::subnet);
        report.text(endpoints.from_registry.as_ref(), |text| names::dns_label("a registry", text));
    }
    for gateway in &network.gateways {
        report.text(gateway.registry_service_name.as_ref(), names::fqdn);
        report.text(gateway.address.as_ref(), names::fqdn_or_ip);
        report.value(gateway.port.as_ref(), ports::port);
    }
}
