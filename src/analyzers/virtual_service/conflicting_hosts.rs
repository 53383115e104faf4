//! IST0109: two VirtualServices for one host inside the mesh.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::visibility::Visibility;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::VirtualService;
use crate::dialects::object::Object;
use crate::schema::Text;

declare_code! {
    /// Two VirtualServices for one host
    ///
    /// ## Why
    ///
    /// Sidecars use one VirtualService per host. When two of them name the same host and a namespace sees both, the older
    /// one counts and the routes of the other are lost, without a word anywhere.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews-canary
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews-canary
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: VirtualService
    /// metadata:
    ///   name: reviews
    /// spec:
    ///   hosts: [reviews]
    ///   http:
    ///   - route:
    ///     - destination:
    ///         host: reviews
    ///       weight: 90
    ///     - destination:
    ///         host: reviews-canary
    ///       weight: 10
    /// ```
    ///
    /// ## Fix
    ///
    /// Put the routes into one VirtualService, or limit with `exportTo` which namespaces see each of them.
    pub CONFLICTING_HOSTS = "IST0109", "ConflictingMeshGatewayVirtualServiceHosts", Error
}

/// Compares the hosts of all VirtualServices that are for sidecars.
pub static ANALYZER: Analyzer = Analyzer {
    name: "virtualservice.ConflictingMeshGatewayHostsAnalyzer",
    summary: "No host has two VirtualServices inside the mesh",
    codes: &[&CONFLICTING_HOSTS],
    run,
    default: true,
};

/// Other objects named in a finding at most.
const NAMED: usize = 5;

/// Other claims looked at for each: so many that copies of the object itself seldom hide the rest, and yet a bound.
const WINDOW: usize = 64;

/// A VirtualService with one of its hosts.
struct Claim<'m> {
    object: &'m Object<VirtualService>,
    host: &'m Text,
    visibility: Visibility<'m>,
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // Two clusters may each have their own.
    let mut by_host: BTreeMap<(Option<&str>, String), Vec<Claim<'_>>> = BTreeMap::new();
    for object in cx.virtual_services.iter().filter(|object| is_for_mesh(&object.spec)) {
        for host in &object.spec.hosts {
            let name = cx.hosts().full_name(host.as_str(), &object.meta.namespace).into_owned();
            let claims = by_host.entry((object.meta.cluster.as_deref(), name)).or_default();
            if !claims.iter().rev().take(1).any(|claim| std::ptr::eq(claim.object, object)) {
                let visibility = Visibility::of(&object.spec.export_to, &object.meta.namespace);
                claims.push(Claim { object, host, visibility });
            }
        }
    }
    let mut reported: BTreeSet<*const Object<VirtualService>> = BTreeSet::new();
    for ((_, host), claims) in by_host.iter().filter(|(_, claims)| claims.len() > 1) {
        for (claim, others) in conflicts(claims) {
            if reported.insert(std::ptr::from_ref(claim.object)) {
                report(host, claim, &others, sink);
            }
        }
    }
}

fn is_for_mesh(spec: &VirtualService) -> bool {
    spec.gateways.is_empty() || spec.gateways.has("mesh")
}

/// Each claim with the first few others that a namespace sees together with it.
fn conflicts<'c, 'm>(claims: &'c [Claim<'m>]) -> Vec<(&'c Claim<'m>, Vec<&'c Claim<'m>>)> {
    let mut everywhere: Vec<usize> = Vec::new();
    let mut by_namespace: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, claim) in claims.iter().enumerate() {
        match &claim.visibility {
            Visibility::Everywhere => everywhere.push(at),
            Visibility::In(namespaces) => {
                for namespace in namespaces {
                    by_namespace.entry(namespace).or_default().push(at);
                }
            }
        }
    }
    let conflict = |(at, claim): (usize, &'c Claim<'m>)| {
        let mut others: Vec<usize> = match &claim.visibility {
            Visibility::Everywhere => (0..claims.len()).filter(|other| *other != at).take(WINDOW).collect(),
            Visibility::In(namespaces) => {
                let near = namespaces.iter().filter_map(|ns| by_namespace.get(ns)).flatten();
                everywhere.iter().chain(near).copied().filter(|other| *other != at).take(WINDOW).collect()
            }
        };
        others.sort_unstable();
        others.dedup();
        // The same object written twice (variants of a manifest in one folder) is one object in a cluster.
        others.retain(|other| !same_object(claim.object, claims[*other].object));
        others.truncate(NAMED + 1);
        (!others.is_empty()).then(|| (claim, others.into_iter().map(|at| &claims[at]).collect()))
    };
    claims.iter().enumerate().filter_map(conflict).collect()
}

fn same_object(one: &Object<VirtualService>, other: &Object<VirtualService>) -> bool {
    one.meta.namespace == other.meta.namespace && one.meta.name() == other.meta.name()
}

fn report(host: &str, claim: &Claim<'_>, others: &[&Claim<'_>], sink: &mut Sink) {
    let mut names: Vec<String> = others.iter().take(NAMED).map(|other| other.object.meta.full_name()).collect();
    names.dedup();
    let more = if others.len() > NAMED { " and others" } else { "" };
    let finding = sink
        .report(
            &CONFLICTING_HOSTS,
            &claim.object.meta,
            claim.host.span(),
            format!(
                "The host {host} also has the VirtualService {}{more}; sidecars use only one of them.",
                names.join(", ")
            ),
        )
        .label("host with two VirtualServices")
        .help("put the routes into one VirtualService, or keep the two apart with `exportTo`");
    for other in others.iter().take(NAMED) {
        finding.related(other.object.meta.file, other.host.span(), format!("in {}", other.object.meta.full_name()));
    }
}
