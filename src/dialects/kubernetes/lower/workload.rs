//! Pods, and the kinds that make pods, as workloads.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::{enrolment, labels};
use crate::dialects::kubernetes::types::{PodSpec, PodTemplate, Workload as Template};
use crate::dialects::lower::Input;
use crate::dialects::object::{Meta, Object};
use crate::ir::{Builder, Identity, Key, Locality, Predicate, Workload, WorkloadPort};
use crate::manifests::tree::Node;
use crate::schema::{Any, Map, Text};

/// Label of pods that says where they are.
const LOCALITY: &str = "istio-locality";

/// Templates first: pods that one of them makes are its addresses, the others are workloads of their own.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    let model = input.model;
    let templates = [&model.deployments, &model.stateful_sets, &model.daemon_sets, &model.replica_sets, &model.jobs];
    let mut found: BTreeMap<Key, Workload> = BTreeMap::new();
    let mut owners: Vec<(Key, Predicate)> = Vec::new();
    for object in templates.into_iter().flatten() {
        let Some(spec) = &object.spec.spec else { continue };
        let Some(template) = &spec.template else { continue };
        let workload = of_template(input, object, template, replicas(object));
        if workload.labels.is_empty() {
            continue;
        }
        owners.push((workload.key.clone(), Predicate::labels(workload.labels.clone())));
        found.entry(workload.key.clone()).or_insert(workload);
    }
    for pod in &model.pods {
        let own = of_pod(input, &pod.meta, pod.spec.spec.as_deref(), pod.status.as_ref());
        let owner =
            owners.iter().find(|(key, selector)| *key.namespace == *pod.meta.namespace && selector.holds(&own.labels));
        match owner.and_then(|(key, _)| found.get_mut(key)) {
            Some(workload) => workload.addresses.extend(own.addresses),
            None => {
                found.entry(own.key.clone()).or_insert(own);
            }
        }
    }
    mesh.mesh.workloads.extend(found.into_iter().map(|(key, workload)| (key, Arc::new(workload))));
}

fn replicas(object: &Object<Template>) -> u32 {
    let wanted = object.spec.spec.as_ref().and_then(|spec| spec.replicas.as_ref());
    wanted.map_or(1, |replicas| u32::try_from(replicas.value).unwrap_or(0))
}

fn of_template(input: &Input<'_>, object: &Object<Template>, template: &PodTemplate, replicas: u32) -> Workload {
    let none = Map::default();
    let metadata = template.metadata.as_ref();
    let own_labels = metadata.map_or(&none, |metadata| &metadata.labels);
    let annotations = metadata.map_or(&none, |metadata| &metadata.annotations);
    let pod = template.spec.as_deref();
    Workload { replicas, ..of(input, &object.meta, own_labels, annotations, pod) }
}

fn of_pod(input: &Input<'_>, meta: &Meta, pod: Option<&PodSpec>, status: Option<&Any>) -> Workload {
    let mut workload = of(input, meta, &meta.labels, &meta.annotations, pod);
    workload.addresses = status.map(addresses).unwrap_or_default();
    workload.replicas = 1;
    workload
}

fn of(
    input: &Input<'_>,
    meta: &Meta,
    own_labels: &Map<Text>,
    annotations: &Map<Text>,
    pod: Option<&PodSpec>,
) -> Workload {
    let namespace = &*meta.namespace;
    let account = pod.and_then(|pod| pod.service_account_name.as_ref().or(pod.service_account.as_ref()));
    Workload {
        key: Key::new(namespace, meta.name()),
        origin: input.origins.object(meta),
        kind: meta.kind.into(),
        labels: labels(own_labels),
        identity: Identity {
            namespace: namespace.into(),
            account: account.map_or("default", Text::as_str).into(),
            service: None,
        },
        addresses: BTreeSet::new(),
        replicas: 1,
        ports: pod.map(ports).unwrap_or_default(),
        locality: own_labels.text(LOCALITY).map(|text| Locality::parse(&text.replace('.', "/"))).unwrap_or_default(),
        network: own_labels.text("topology.istio.io/network").unwrap_or_default().into(),
        enrolment: enrolment::of(input.model, namespace, own_labels, annotations, pod),
        services: BTreeSet::new(),
        gateway: None,
        settings: BTreeMap::new(),
    }
}

fn ports(pod: &PodSpec) -> Vec<WorkloadPort> {
    let ports = pod.containers.iter().flat_map(|container| &container.ports);
    let ports = ports.filter_map(|port| {
        Some(WorkloadPort {
            number: u16::try_from(port.container_port.as_ref()?.value).ok()?,
            name: port.name.as_ref().map_or("", Text::as_str).into(),
        })
    });
    ports.collect()
}

/// `podIP` and `podIPs` of a pod's status.
fn addresses(status: &Any) -> BTreeSet<IpAddr> {
    let node = &status.node;
    let all = node.get("podIPs").into_iter().flat_map(Node::items);
    let all = all.filter_map(|item| item.get("ip")).chain(node.get("podIP"));
    all.filter_map(|ip| ip.as_str()?.parse().ok()).collect()
}
