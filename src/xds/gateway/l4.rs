//! Connections through a gateway that are not HTTP there: by server name, or all of a port.

use envoy_types::pb::envoy::config::listener::v3::Filter;

use super::ports::Served;
use crate::ir::{HostPattern, L4Rule, Origin};
use crate::xds::View;
use crate::xds::authz::{self, Target};
use crate::xds::outbound::{specifier, tcp_filter, tcp_proxy};

/// Where connections with some server names go; no names mean every connection.
pub struct Way {
    /// Server names.
    pub names: Vec<HostPattern>,
    /// The filters.
    pub filters: Vec<Filter>,
    /// What it comes from.
    pub origin: Origin,
}

/// The ways of the routes that are attached to a listener, in order.
pub fn ways(view: &View<'_>, served: &Served<'_>, port: u16) -> Vec<Way> {
    let mut found = Vec::new();
    for set in &view.mesh.l4_routes {
        if !served.takes(&set.attachment, &set.namespace, &set.visibility) {
            continue;
        }
        for rule in &set.rules {
            let here = rule.matches.iter().filter(|condition| {
                condition.client.holds(view.workload()) && condition.port.is_none_or(|own| own == served.listener.port)
            });
            let named: Vec<&[HostPattern]> = here.map(|condition| condition.server_names.as_slice()).collect();
            let named = if rule.matches.is_empty() { vec![&[][..]] } else { named };
            for names in named {
                let wanted = if names.is_empty() { &set.hosts } else { names };
                let names = served.hosts(&set.namespace, wanted);
                if !names.is_empty() || wanted.is_empty() {
                    found.push(Way { names, filters: filters(view, rule, port), origin: rule.origin.clone() });
                }
            }
        }
    }
    found
}

fn filters(view: &View<'_>, rule: &L4Rule, port: u16) -> Vec<Filter> {
    let mut filters = authz::network(view, Target { port: Some(port), service: None });
    let proxy = tcp_proxy(view, &format!("gateway_{port}"), specifier(view, port, &rule.targets));
    filters.push(tcp_filter(&proxy));
    filters
}
