//! Which pods a selector selects and which Services select a pod, without comparing each with each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::analyzers::context::Workload;
use crate::dialects::kubernetes::types::Service;
use crate::dialects::object::Object;
use crate::schema::{Map, Text};

/// A label in a namespace.
type Label<'m> = (&'m str, &'m str, &'m str);

/// Pods by their labels, Services by a label of their selectors.
pub struct LabelIndex<'m> {
    pods: HashMap<Label<'m>, Vec<usize>>,
    by_namespace: BTreeMap<&'m str, Vec<usize>>,
    spread: HashMap<(&'m str, &'m str), BTreeSet<&'m str>>,
    services: HashMap<Label<'m>, Vec<&'m Object<Service>>>,
}

impl<'m> LabelIndex<'m> {
    /// The index of an input.
    pub fn new(workloads: &[Workload<'m>], services: &'m [Object<Service>]) -> Self {
        let mut index = Self {
            pods: HashMap::new(),
            by_namespace: BTreeMap::new(),
            spread: HashMap::new(),
            services: HashMap::new(),
        };
        for (at, workload) in workloads.iter().enumerate() {
            let namespace = &*workload.meta.namespace;
            index.by_namespace.entry(namespace).or_default().push(at);
            for (key, value) in workload.labels.pairs() {
                index.pods.entry((namespace, key, value)).or_default().push(at);
                index.spread.entry((key, value)).or_default().insert(namespace);
            }
        }
        for service in services {
            let Some(spec) = &service.spec.spec else { continue };
            let namespace = &*service.meta.namespace;
            let labels = spec.selector.pairs().map(|(key, value)| (namespace, key, value));
            if let Some(rarest) = labels.min_by_key(|label| index.pods.get(label).map_or(0, Vec::len)) {
                index.services.entry(rarest).or_default().push(service);
            }
        }
        index
    }

    /// Pods that may match `selector` in a namespace, as positions in input order: those with its rarest label, all for
    /// an empty selector.
    pub fn candidates<'a>(&'a self, namespace: &'a str, selector: &'a Map<Text>) -> &'a [usize] {
        let with = |(key, value)| self.pods.get(&(namespace, key, value)).map_or(&[][..], Vec::as_slice);
        let rarest = selector.pairs().map(with).min_by_key(|pods| pods.len());
        rarest.unwrap_or_else(|| self.by_namespace.get(namespace).map_or(&[], Vec::as_slice))
    }

    /// True when the namespace has a pod.
    pub fn has_pods(&self, namespace: &str) -> bool {
        self.by_namespace.contains_key(namespace)
    }

    /// The namespaces, sorted, that may have pods for `selector`: those where its rarest label is in use, all with pods for
    /// an empty selector.
    pub fn namespaces_for<'a>(&'a self, selector: &'a Map<Text>) -> impl Iterator<Item = &'m str> + 'a {
        let rarest =
            selector.pairs().map(|label| self.spread.get(&label)).min_by_key(|set| set.map_or(0, BTreeSet::len));
        let all = rarest.is_none().then(|| self.by_namespace.keys().copied());
        rarest.flatten().into_iter().flatten().copied().chain(all.into_iter().flatten())
    }

    /// The Services of its namespace whose selectors select a pod, in input order. An empty selector selects none.
    pub fn services_of(&self, workload: &Workload<'_>) -> Vec<&'m Object<Service>> {
        let labels = workload.labels.pairs().map(|(key, value)| (&*workload.meta.namespace, key, value));
        let candidates = labels.filter_map(|label| self.services.get(&label)).flatten().copied();
        let selects = |service: &Object<Service>| {
            service.spec.spec.as_ref().is_some_and(|spec| spec.selector.selects(workload.labels))
        };
        let mut found: Vec<_> = candidates.filter(|service| selects(service)).collect();
        found.sort_by_key(|service| (service.meta.file, service.meta.place));
        found
    }
}
