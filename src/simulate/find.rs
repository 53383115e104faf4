//! Workloads and services by the names that people write.

use std::net::IpAddr;
use std::sync::Arc;

use super::question::From;
use crate::ir::{Key, Mesh, Service};
use crate::near::nearest;

/// A name that the mesh does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{name}`")]
pub struct Unknown {
    what: &'static str,
    name: String,
    /// What may have been meant.
    pub hint: String,
}

impl Unknown {
    /// A workload that is gone.
    pub(super) fn workload(mesh: &Mesh, key: &Key) -> Self {
        Self { what: "there is no workload", name: key.to_string(), hint: workloads(mesh) }
    }

    /// A host that looks like another.
    pub(super) fn host(host: &str, near: &str) -> Self {
        Self { what: "no service has the host", name: host.to_owned(), hint: format!("Did you mean `{near}`?") }
    }

    /// A short name that nobody has.
    pub(super) fn short_host(mesh: &Mesh, host: &str) -> Self {
        let names = mesh.services.keys().map(|key| key.name.to_string());
        Self { what: "no service has the host", name: host.to_owned(), hint: known("The hosts are", names) }
    }

    /// A host that no gateway takes.
    pub(super) fn gateway(mesh: &Mesh, host: &str, port: u16) -> Self {
        let all = mesh.gateways.values().flat_map(|gateway| {
            let of = |listener: &crate::ir::GatewayListener| {
                let hosts = listener.hosts.iter().map(|own| format!("{}:{}", own.host, listener.port));
                hosts.map(|host| format!("{host} at {}", gateway.key)).collect::<Vec<_>>()
            };
            gateway.listeners.iter().flat_map(of)
        });
        let hint = known("Gateways with proxies take", all);
        Self { what: "no gateway that has a proxy takes", name: format!("{host}:{port}"), hint }
    }
}

fn workloads(mesh: &Mesh) -> String {
    known("The workloads are", mesh.workloads.keys().map(|key| format!("{}.{}", key.name, key.namespace)))
}

impl From {
    /// Finds who is meant by `WORKLOAD`, `WORKLOAD.NAMESPACE`, `NAMESPACE/WORKLOAD`, by the label `app`, or by `outside`.
    pub fn find(mesh: &Mesh, text: &str, namespace: &str) -> Result<Self, Unknown> {
        if text == "outside" {
            return Ok(Self::Outside);
        }
        let keys = [
            text.split_once('/').map(|(namespace, name)| Key::new(namespace, name)),
            Some(Key::new(namespace, text)),
            text.rsplit_once('.').map(|(name, namespace)| Key::new(namespace, name)),
        ];
        if let Some(key) = keys.iter().flatten().find(|key| mesh.workloads.contains_key(*key)) {
            return Ok(Self::Workload(key.clone()));
        }
        // People name what runs by its label, and any of its versions will do.
        let by_label = |key: &Key| {
            let of_app = |workload: &crate::ir::Workload| {
                workload.key.namespace == key.namespace
                    && workload.labels.get("app").is_some_and(|app| *app == key.name)
            };
            mesh.workloads.values().find(|workload| of_app(workload)).map(|workload| workload.key.clone())
        };
        if let Some(key) = keys.iter().flatten().find_map(by_label) {
            return Ok(Self::Workload(key));
        }
        let names: Vec<String> = mesh
            .workloads
            .keys()
            .flat_map(|key| [key.name.to_string(), format!("{}.{}", key.name, key.namespace)])
            .collect();
        let hint = match nearest(text, names.iter().map(String::as_str)) {
            Some(near) => format!("Did you mean `{near}`?"),
            None => workloads(mesh),
        };
        Err(Unknown { what: "there is no workload", name: text.to_owned(), hint })
    }
}

/// At most this many names are told.
const MOST: usize = 12;

fn known(what: &str, names: impl Iterator<Item = String>) -> String {
    let all: Vec<String> = names.collect();
    if all.is_empty() {
        return "The input has none.".to_owned();
    }
    let more = if all.len() > MOST { format!(" and {} more", all.len() - MOST) } else { String::new() };
    format!("{what} {}{more}.", all[..all.len().min(MOST)].join(", "))
}

/// The service that a client means by a host, and why.
pub fn service<'m>(mesh: &'m Mesh, host: &str, namespace: &str) -> Option<(&'m Arc<Service>, String)> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return mesh.service_at(address, namespace).map(|service| (service, format!("it has the address {address}")));
    }
    let host = host.trim_end_matches('.');
    let domain = &mesh.settings.domain;
    let full = |rest: String| (format!("{host}.{rest}"), true);
    let candidates = [
        (host.to_owned(), false),
        full(format!("{namespace}.svc.{domain}")),
        full(format!("svc.{domain}")),
        full(domain.to_string()),
    ];
    for (name, is_short) in candidates {
        if let Some(service) = mesh.service(&name, namespace) {
            let why = match (is_short, *service.key.name == *name) {
                (true, _) => format!("`{host}` is short for {name} in namespace {namespace}"),
                (false, true) => "by its full name".to_owned(),
                (false, false) => format!("{host} is one of {}", service.key.name),
            };
            return Some((service, why));
        }
    }
    None
}

/// What may have been meant by a host that no service has.
pub fn near_host(mesh: &Mesh, host: &str, namespace: &str) -> Option<String> {
    let mut names: Vec<&str> = mesh.services.keys().map(|key| &*key.name).collect();
    let short = mesh.services.values().filter(|service| *service.key.namespace == *namespace);
    names.extend(short.filter_map(|service| service.short_name.as_deref()));
    names.extend(mesh.services.values().flat_map(|service| &service.aliases).map(|alias| &**alias));
    nearest(host, names).map(str::to_owned)
}
