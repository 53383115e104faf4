//! Gateway API kinds as nodes of the mesh.

mod backend;
mod backend_tls;
mod certificates;
mod filter;
mod gateway;
mod gateway_routes;
mod grants;
mod header;
mod l4_routes;
mod matching;
mod mesh_routes;
mod namespaces;
mod path;
mod redirect;
mod resilience;
mod route;
mod rule;
mod scope;
#[cfg(test)]
mod tests;

use crate::dialects::lower::{Dialect, Input};
use crate::ir::Builder;

/// Gateways, routes and policies of the Gateway API.
pub struct GatewayApi;

impl Dialect for GatewayApi {
    fn name(&self) -> &'static str {
        "Gateway API"
    }

    fn lower(&self, input: &Input<'_>, mesh: &mut Builder) {
        let grants = grants::Grants::new(input.model);
        gateway::lower(input, &grants, mesh);
        gateway_routes::lower(input, &grants, mesh);
        mesh_routes::lower(input, &grants, mesh);
        l4_routes::lower(input, &grants, mesh);
        backend_tls::lower(input, &grants, mesh);
    }
}
