//! IST0170: one Service that differs between clusters.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::{Service, ServicePort, ServiceSpec};
use crate::dialects::object::Object;
use crate::schema::values::text_or_empty;

declare_code! {
    /// A Service that differs between clusters
    ///
    /// ## Why
    ///
    /// In a mesh of several clusters Services of one name and namespace are one service. When one is headless and another
    /// is not, or types or ports differ, the proxies see a mixture that depends on where they ask, and requests fail in some
    /// clusters only.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// # cluster 1
    /// spec:
    ///   ports: [{name: http, port: 80}]
    /// # cluster 2
    /// spec:
    ///   ports: [{name: http, port: 8080}]
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// # both clusters
    /// spec:
    ///   ports: [{name: http, port: 80}]
    /// ```
    ///
    /// ## Fix
    ///
    /// Make the Service the same in all clusters, or rename one.
    pub INCONSISTENT = "IST0170", "MultiClusterInconsistentService", Warning
}

/// Compares Services of one name between clusters.
pub static ANALYZER: Analyzer = Analyzer {
    name: "services.MultiClusterServiceAnalyzer",
    summary: "Services are the same in all clusters",
    codes: &[&INCONSISTENT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    let mut by_name: BTreeMap<(&str, &str), BTreeMap<&str, &Object<Service>>> = BTreeMap::new();
    for service in &cx.services {
        if let Some(cluster) = service.meta.cluster.as_deref() {
            let name = (&*service.meta.namespace, service.meta.name());
            by_name.entry(name).or_default().insert(cluster, service);
        }
    }
    for ((namespace, name), services) in by_name {
        let mut all = services.iter();
        let Some((first_cluster, first)) = all.next() else { continue };
        let mut clusters = BTreeSet::from([*first_cluster]);
        let mut reasons = BTreeSet::new();
        for (cluster, service) in all {
            let found = differences(first, service);
            if !found.is_empty() {
                clusters.insert(cluster);
            }
            reasons.extend(found);
        }
        if reasons.is_empty() {
            continue;
        }
        let clusters: Vec<&str> = clusters.into_iter().collect();
        let reasons: Vec<&str> = reasons.into_iter().collect();
        let message = format!(
            "The Service {name} in namespace \"{namespace}\" differs across the clusters {}: {}.",
            clusters.join(", "),
            reasons.join("; ")
        );
        let finding = sink.report(&INCONSISTENT, &first.meta, first.meta.name_span(), message);
        finding.label("differs between clusters").help("Make the Services equal in all clusters.");
        for (cluster, service) in services.iter().skip(1) {
            finding.related(service.meta.file, service.meta.name_span(), format!("in {cluster}"));
        }
    }
}

fn differences(a: &Object<Service>, b: &Object<Service>) -> Vec<&'static str> {
    let (a, b) = (a.spec.spec.clone().unwrap_or_default(), b.spec.spec.clone().unwrap_or_default());
    let headless = |spec: &ServiceSpec| text_or_empty(spec.cluster_ip.as_ref()) == "None";
    let kind = |spec: &ServiceSpec| match text_or_empty(spec.r#type.as_ref()) {
        "" => "ClusterIP".to_owned(),
        other => other.to_owned(),
    };
    let mut found = Vec::new();
    if headless(&a) != headless(&b) {
        found.push("headless in one and not in the other");
    }
    if kind(&a) != kind(&b) {
        found.push("different types");
    }
    if ports(&a.ports) != ports(&b.ports) {
        found.push("different ports");
    }
    found
}

/// What of the ports must agree, in an order that does not depend on the file. Node ports belong to each cluster.
fn ports(ports: &[ServicePort]) -> BTreeSet<(String, i64, String, String, String)> {
    let one = |port: &ServicePort| {
        let number = port.port.as_ref().map_or(0, |number| number.value);
        let protocol = match text_or_empty(port.protocol.as_ref()) {
            "" => "TCP",
            other => other,
        };
        (
            text_or_empty(port.name.as_ref()).to_owned(),
            number,
            protocol.to_owned(),
            port.target_port.as_ref().map_or_else(|| number.to_string(), |target| target.value.to_string()),
            text_or_empty(port.app_protocol.as_ref()).to_owned(),
        )
    };
    ports.iter().map(one).collect()
}
