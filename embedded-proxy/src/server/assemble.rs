//! From a bootstrap to services with everything static in place.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message as _;
use tokio::runtime::Handle;

use crate::bootstrap::{Bootstrap, Part};
use crate::cluster::ClusterConfig;
use crate::listener::ListenerConfig;
use crate::proto::Defects;
use crate::services::{Build, Services, Workers};
use crate::telemetry::stats::Scope;
use crate::xds::{Kind, State};

use super::Options;

/// A proxy that is put together.
#[derive(Debug)]
pub(super) struct Assembly {
    pub build: Build,
    /// Everything that is wrong.
    pub defects: Defects,
    /// Whether sockets are bound.
    bind: bool,
}

impl Assembly {
    /// Builds everything static. `bind`: also binds sockets, whose listeners are held back.
    pub fn new(bootstrap: &Bootstrap, options: &Options, workers: Workers, main: Handle, bind: bool) -> Self {
        let services = Arc::new(Services::new(bootstrap.node.clone(), bootstrap.runtime.clone(), workers, main));
        services.stats.configure(bootstrap.stats.clone());
        services.store.put_bootstrap(bootstrap.raw.encode_to_vec().into());
        services.listeners.configure(bootstrap.runtime.max_connections(), options.drain_time);
        services.listeners.hold();
        let build = Build { services: services.clone(), scope: Scope::root(&services.stats) };
        let assembly = Self { build, defects: Defects::new(), bind };
        assembly.node(bootstrap);
        for part in &bootstrap.secrets {
            assembly.defects.push(part.path.clone(), "the proxy does not have this feature");
        }
        assembly.each(&bootstrap.clusters, Kind::Cluster, |part| assembly.cluster(part));
        assembly.each(&bootstrap.listeners, Kind::Listener, |part| assembly.listener(part));
        assembly
    }

    /// A control plane has to know whom it talks to.
    fn node(&self, bootstrap: &Bootstrap) {
        let node = &bootstrap.node;
        if bootstrap.dynamic.is_used() {
            for (field, value) in [("id", &node.id), ("cluster", &node.cluster)] {
                if value.is_empty() {
                    self.defects.push(format!("node.{field}"), "must not be empty where dynamic_resources are used");
                }
            }
        }
    }

    /// Applies parts that must have different names.
    fn each(&self, parts: &[Part], kind: Kind, apply: impl Fn(&Part) -> Option<Arc<str>>) {
        let mut names = BTreeSet::new();
        for part in parts {
            let Some(name) = apply(part) else { continue };
            let bytes = part.message.encode_to_vec().into();
            self.build.services.store.put(kind, &name, State::Static, "", bytes);
            if !names.insert(name.clone()) {
                self.defects
                    .push(format!("{}.name", part.path), format!("{name:?} is the name of another one before it"));
            }
        }
    }

    fn cluster(&self, part: &Part) -> Option<Arc<str>> {
        let config = part.read(&self.defects, |reader| ClusterConfig::read(reader, &self.build))?;
        let name = config.name.clone();
        if self.defects.is_empty() {
            self.build.services.clusters.apply(config, &self.build);
        }
        Some(name)
    }

    fn listener(&self, part: &Part) -> Option<Arc<str>> {
        let config = part.read(&self.defects, |reader| ListenerConfig::read(reader, &self.build))?;
        let name = config.name.clone();
        // What is wrong elsewhere may be what this one needs; nothing is bound for a proxy that does not start.
        if self.bind
            && self.defects.is_empty()
            && let Err(message) = self.build.services.listeners.apply(config, &self.build)
        {
            self.defects.push(format!("{}.address", part.path), message);
        }
        Some(name)
    }
}
