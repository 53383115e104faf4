//! A route table: `envoy.config.route.v3.RouteConfiguration`.

use std::sync::Arc;

use http::HeaderName;

use super::entry::refuse_specifiers;
use super::hit::Chosen;
use super::{
    Action, ClusterName, Domains, HeaderEdits, Input, Mirror, PerFilter, RouteHit, Target, VirtualHost, direct, domains,
};
use crate::cluster::{Metadata, read_metadata};
use crate::matching::{Field, Fields as _};
use crate::proto::Reader;
use crate::services::Build;

/// Virtual hosts and their routes.
#[derive(Debug, Default)]
pub struct RouteTable {
    /// Name.
    pub name: Arc<str>,
    /// Virtual hosts in order.
    pub hosts: Vec<VirtualHost>,
    /// Header edits.
    pub edits: HeaderEdits,
    /// Whether edits of more specific parts come last, so that they win.
    pub specific_wins: bool,
    /// Configuration of single filters.
    pub filters: PerFilter,
    /// Copies of routes that have none.
    pub mirrors: Vec<Mirror>,
    /// Fields that clients from outside may not send.
    pub internal_only: Vec<HeaderName>,
    /// Metadata by namespace.
    pub metadata: Arc<Metadata>,
    domains: Domains,
    ignore_port: bool,
    ignore_path_parameters: bool,
    host_field: Option<Field>,
}

/// What the parts of a table need to know of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shared {
    /// Largest body of a direct response.
    pub(super) body_limit: u64,
}

impl RouteTable {
    /// Reads a table that RDS delivers. The scope of `build` does not matter: stats of virtual hosts hang at the root.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        Self::read_checked(reader, build, false)
    }

    /// Reads a table within the configuration of a listener: unless it says otherwise, all clusters it names have to exist.
    pub fn read_inline(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        Self::read_checked(reader, build, true)
    }

    fn read_checked(reader: &Reader<'_>, build: &Build, check: bool) -> Option<Self> {
        refuse_specifiers(reader);
        for (field, what) in [("vhds", "VHDS"), ("cluster_specifier_plugins", "cluster specifier plugins")] {
            if reader.has(field) {
                reader.defect(field, format!("the proxy does not have {what}"));
            }
        }
        let limit = reader.number("max_direct_response_body_size_bytes").unwrap_or(direct::BODY_LIMIT);
        let shared = Shared { body_limit: limit };
        let hosts: Vec<_> =
            reader.list("virtual_hosts").iter().map(|host| VirtualHost::read(host, shared, build)).collect();
        let edits = HeaderEdits::read(reader);
        let filters = PerFilter::read(reader, build);
        let mirrors = Mirror::read_all(reader);
        let internal = reader.texts("internal_only_headers");
        let internal: Vec<_> =
            internal.iter().map(|name| super::header_name(reader, "internal_only_headers", name)).collect();
        let host_field =
            if reader.has("vhost_header") { Some(super::need_field(reader, "vhost_header")?) } else { None };
        let validate = reader.opt_flag("validate_clusters").unwrap_or(check);
        let (name, specific_wins) = (reader.text("name"), reader.flag("most_specific_header_mutations_wins"));
        let ignore_port = reader.flag("ignore_port_in_host_matching");
        let ignore_path_parameters = reader.flag("ignore_path_parameters_in_path_matching");
        let metadata = read_metadata(reader.message("metadata"));
        let hosts: Vec<VirtualHost> = hosts.into_iter().collect::<Option<_>>()?;
        let table = Self {
            name: name.into(),
            domains: read_domains(reader, &hosts),
            hosts,
            edits: edits?,
            specific_wins,
            filters: filters?,
            mirrors: mirrors?,
            internal_only: internal.into_iter().collect::<Option<_>>()?,
            metadata: Arc::new(metadata),
            ignore_port,
            ignore_path_parameters,
            host_field,
        };
        if validate {
            table.validate_clusters(reader, build);
        }
        Some(table)
    }

    /// Notes every cluster that routes name and that does not exist now.
    fn validate_clusters(&self, reader: &Reader<'_>, build: &Build) {
        for name in self.clusters() {
            if !build.services.clusters.knows(&name) {
                reader.defect("", format!("route: unknown cluster '{name}'"));
            }
        }
    }

    /// Names of the clusters that routes and copies name, sorted, each once.
    pub fn clusters(&self) -> Vec<Arc<str>> {
        let mut names: Vec<Arc<str>> = Vec::new();
        let mirrors = |mirrors: &[Mirror], names: &mut Vec<Arc<str>>| {
            names.extend(mirrors.iter().filter_map(|mirror| mirror.cluster.fixed().cloned()));
        };
        mirrors(&self.mirrors, &mut names);
        for host in &self.hosts {
            mirrors(&host.mirrors, &mut names);
            for route in &host.routes {
                if let Action::Forward(forward) = &route.action {
                    names.extend(forward.target.names().into_iter().cloned());
                    mirrors(&forward.mirrors, &mut names);
                }
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// The virtual host of a request, by its index.
    pub fn host(&self, input: &Input<'_>) -> Option<usize> {
        let from_field = self.host_field.as_ref().map(|field| input.head.value(field));
        let text = match &from_field {
            Some(value) => std::str::from_utf8(value.as_deref()?).ok()?,
            None => input.head.authority.as_str(),
        };
        let host = if self.ignore_port { domains::without_port(text) } else { text };
        self.domains.find(host).map(|index| index as usize)
    }

    /// The route of a request: the first of its virtual host that takes it.
    pub fn find(self: &Arc<Self>, input: &Input<'_>) -> Option<RouteHit> {
        let host = self.host(input)?;
        let virtual_host = &self.hosts[host];
        if virtual_host.wants_tls(input) {
            return Some(RouteHit::to_https(self.clone(), host));
        }
        let path = self.path(input);
        let route = virtual_host.routes.iter().position(|route| route.takes(input, path))?;
        Some(RouteHit::new(self.clone(), host, route, self.choose(host, route, input)))
    }

    /// The path that routes match: without query, and without `;parameters` where the table says so.
    pub(super) fn path<'r>(&self, input: &Input<'r>) -> &'r str {
        let path = input.head.path_only();
        match path.find(';').filter(|_| self.ignore_path_parameters) {
            Some(at) => &path[..at],
            None => path,
        }
    }

    /// The cluster for this request.
    fn choose(&self, host: usize, route: usize, input: &Input<'_>) -> Chosen {
        let Action::Forward(forward) = &self.hosts[host].routes[route].action else { return Chosen::Fixed };
        match &forward.target {
            Target::One(ClusterName::Fixed(_)) => Chosen::Fixed,
            Target::One(name) => Chosen::Named(name.resolve(input)),
            Target::Weighted(weighted) => {
                let index = weighted.choose(input, || forward.hash.hash(input, None));
                match weighted.clusters.get(index).map(|cluster| &cluster.name) {
                    Some(name @ ClusterName::Header(_)) => Chosen::Weighted(index, name.resolve(input)),
                    Some(ClusterName::Fixed(_)) | None => Chosen::Weighted(index, None),
                }
            }
        }
    }
}

fn read_domains(reader: &Reader<'_>, hosts: &[VirtualHost]) -> Domains {
    let mut domains = Domains::default();
    let mut names = std::collections::BTreeSet::new();
    for (index, host) in (0_u32..).zip(hosts) {
        if !names.insert(&host.name) {
            let sentence = format!("Only unique names for virtual hosts are permitted: {} stands twice", host.name);
            reader.defect(&format!("virtual_hosts[{index}].name"), sentence);
        }
        for domain in &host.domains {
            if !domains.add(domain, index) {
                let sentence = format!("the domain {domain} stands twice in the route table");
                reader.defect(&format!("virtual_hosts[{index}].domains"), sentence);
            }
        }
    }
    domains
}
