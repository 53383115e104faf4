//! From a bootstrap to services with everything static in place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use tokio::runtime::Handle;

use crate::admin::redact;
use crate::bootstrap::{Bootstrap, Part};
use crate::cluster::ClusterConfig;
use crate::identity::{CERTIFICATE, ROOTS};
use crate::listener::ListenerConfig;
use crate::proto::{Defect, Defects};
use crate::services::{Build, Services, Workers};
use crate::telemetry::stats::Scope;
use crate::tls::Secret;
use crate::xds::{ConfigSource, Kind, Place, State, Watched, unknown_secret};

use super::Options;

/// A proxy that is put together.
#[derive(Debug)]
pub(super) struct Assembly {
    pub build: Build,
    /// Everything that is wrong.
    pub defects: Defects,
    /// Keeps static secrets alive.
    pub secrets: RefCell<Vec<Watched<Secret>>>,
    /// Whether sockets are bound.
    bind: bool,
}

/// The bytes of a message for dumps: keys are not kept.
fn without_keys(message: &DynamicMessage) -> Bytes {
    let mut message = message.clone();
    redact(&mut message);
    message.encode_to_vec().into()
}

impl Assembly {
    /// Builds everything static. `bind`: also binds sockets, whose listeners are held back.
    pub fn new(bootstrap: &Bootstrap, options: &Options, workers: Workers, main: Handle, bind: bool) -> Self {
        let services = Arc::new(Services::new(bootstrap.node.clone(), bootstrap.runtime.clone(), workers, main));
        services.stats.configure(bootstrap.stats.clone());
        services.store.put_bootstrap(without_keys(&bootstrap.raw));
        services.listeners.configure(bootstrap.connection_limit(), options.drain_time);
        if let Some(buffer) = bootstrap.internal {
            services.listeners.allow_internal(buffer);
        }
        services.listeners.hold();
        let build = Build { services: services.clone(), scope: Scope::root(&services.stats) };
        let assembly = Self { build, defects: Defects::new(), secrets: RefCell::default(), bind };
        assembly.node(bootstrap);
        assembly.each(&bootstrap.secrets, Kind::Secret, |part| assembly.secret(part));
        assembly.each(&bootstrap.clusters, Kind::Cluster, |part| assembly.cluster(part));
        assembly.each(&bootstrap.listeners, Kind::Listener, |part| assembly.listener(part));
        // The proxy's own identity is published under these names once it is signed.
        let signed = |name: &String| options.identity.is_some() && [CERTIFICATE, ROOTS].contains(&name.as_str());
        let missing = assembly.build.services.secrets.missing(&Place::Static).into_iter();
        for name in missing.filter(|name| !signed(name)) {
            let Defect { path, message } = unknown_secret(&name);
            assembly.defects.push(path, message);
        }
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
            self.build.services.store.put(kind, &name, State::Static, "", without_keys(&part.message));
            if !names.insert(name.clone()) {
                self.defects
                    .push(format!("{}.name", part.path), format!("{name:?} is the name of another one before it"));
            }
        }
    }

    fn secret(&self, part: &Part) -> Option<Arc<str>> {
        let secret = part.read(&self.defects, |reader| Secret::read(reader, &self.build))?;
        let (secrets, name) = (&self.build.services.secrets, secret.name.clone());
        // A value without a watcher would be forgotten.
        self.secrets.borrow_mut().push(secrets.watch_from(&ConfigSource::STATIC, &name));
        secrets.publish_from(&Place::Static, &name, Some(Arc::new(secret)));
        Some(name.into())
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
