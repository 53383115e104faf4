//! The input with its indexes: services by name, pods by label, namespaces; built once for all analyzers.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;

use super::shared::hosts::Hosts;
use super::shared::label_index::LabelIndex;
use super::shared::mesh_settings::MeshSettings;
use crate::dialects::kubernetes::types::{Namespace, PodSpec, PodTemplate, Service};
use crate::dialects::model::Model;
use crate::dialects::object::{Meta, Object};
use crate::schema::{Map, Text};

/// A pod, or the template of a workload seen as its pods.
#[derive(Debug, Clone, Copy)]
pub struct Workload<'m> {
    /// The Pod or the Deployment, StatefulSet, ...
    pub meta: &'m Meta,
    /// Labels of the pods.
    pub labels: &'m Map<Text>,
    /// Annotations of the pods.
    pub annotations: &'m Map<Text>,
    /// Containers and settings.
    pub pod: Option<&'m PodSpec>,
}

impl Workload<'_> {
    /// True for a Pod, false for a template.
    pub fn is_pod(&self) -> bool {
        self.meta.kind == "Pod"
    }
}

/// What analyzers get.
pub struct Context<'m> {
    model: &'m Model,
    /// Settings of the mesh as a whole.
    pub mesh: MeshSettings<'m>,
    /// Pods and pod templates, in input order.
    pub workloads: Vec<Workload<'m>>,
    services: HashMap<(&'m str, &'m str), &'m Object<Service>>,
    services_by_namespace: BTreeMap<&'m str, Vec<&'m Object<Service>>>,
    namespaces: BTreeMap<&'m str, &'m Object<Namespace>>,
    labels: LabelIndex<'m>,
    hosts: Hosts<'m>,
}

impl Deref for Context<'_> {
    type Target = Model;
    fn deref(&self) -> &Model {
        self.model
    }
}

static NO_LABELS: Map<Text> = Map { entries: Vec::new(), place: None };

impl<'m> Context<'m> {
    /// Builds the indexes.
    pub fn new(model: &'m Model) -> Self {
        let workloads = workloads(model);
        let labels = LabelIndex::new(&workloads, &model.services);
        let mut services = HashMap::new();
        let mut services_by_namespace: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for service in &model.services {
            services.insert((&*service.meta.namespace, service.meta.name()), service);
            services_by_namespace.entry(&*service.meta.namespace).or_default().push(service);
        }
        let namespaces = model.namespaces.iter().map(|ns| (ns.meta.name(), ns)).collect();
        let mesh = MeshSettings::new(model);
        Self { model, mesh, workloads, services, services_by_namespace, namespaces, labels, hosts: Hosts::new(model) }
    }

    /// The model with its full lifetime, for results that outlive the context.
    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// A Service by namespace and name.
    pub fn service(&self, namespace: &str, name: &str) -> Option<&'m Object<Service>> {
        self.services.get(&(namespace, name)).copied()
    }

    /// Hosts of Services and ServiceEntries.
    pub fn hosts(&self) -> &Hosts<'m> {
        &self.hosts
    }

    /// The Services of a namespace.
    pub fn services_in(&self, namespace: &str) -> &[&'m Object<Service>] {
        self.services_by_namespace.get(namespace).map_or(&[], Vec::as_slice)
    }

    /// A Namespace object, when the input has it.
    pub fn namespace(&self, name: &str) -> Option<&'m Object<Namespace>> {
        self.namespaces.get(name).copied()
    }

    /// True when the input has a pod or workload in the namespace.
    pub fn has_workloads(&self, namespace: &str) -> bool {
        self.labels.has_pods(namespace)
    }

    /// Pods with all labels of `selector`, in one namespace or (`None`) in all, namespace by namespace. An empty selector
    /// selects every pod.
    pub fn select<'s>(
        &'s self,
        namespace: Option<&'s str>,
        selector: &'s Map<Text>,
    ) -> impl Iterator<Item = &'s Workload<'m>> + 's {
        let everywhere = namespace.is_none().then(|| self.labels.namespaces_for(selector));
        let namespaces = namespace.into_iter().chain(everywhere.into_iter().flatten());
        namespaces
            .flat_map(|namespace| self.labels.candidates(namespace, selector))
            .map(|at| &self.workloads[*at])
            .filter(|workload| selector.selects(workload.labels))
    }

    /// The Services whose selectors select a pod, in input order.
    pub fn services_of(&self, workload: &Workload<'_>) -> Vec<&'m Object<Service>> {
        self.labels.services_of(workload)
    }
}

fn workloads(model: &Model) -> Vec<Workload<'_>> {
    let pods = model.pods.iter().map(|pod| Workload {
        meta: &pod.meta,
        labels: &pod.meta.labels,
        annotations: &pod.meta.annotations,
        pod: pod.spec.spec.as_deref(),
    });
    let kinds = [&model.deployments, &model.stateful_sets, &model.daemon_sets, &model.replica_sets, &model.jobs];
    let templates = kinds.into_iter().flatten().filter_map(|object| {
        let template = object.spec.spec.as_ref()?.template.as_ref()?;
        Some(from_template(&object.meta, template))
    });
    let cron = model.cron_jobs.iter().filter_map(|object| {
        let job = object.spec.spec.as_ref()?.job_template.as_ref()?.spec.as_ref()?;
        Some(from_template(&object.meta, job.template.as_ref()?))
    });
    let mut all: Vec<_> = pods.chain(templates).chain(cron).collect();
    all.sort_by_key(|w| (w.meta.file, w.meta.place.start));
    all
}

fn from_template<'m>(meta: &'m Meta, template: &'m PodTemplate) -> Workload<'m> {
    let metadata = template.metadata.as_ref();
    Workload {
        meta,
        labels: metadata.map_or(&NO_LABELS, |m| &m.labels),
        annotations: metadata.map_or(&NO_LABELS, |m| &m.annotations),
        pod: template.spec.as_deref(),
    }
}
