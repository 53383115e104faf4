//! Takes delivered resources into use: reads them, hands them to the part of the proxy that they configure, keeps their
//! bytes for dumps.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use prost::Message as _;
use tokio::sync::Notify;

use super::delivered::{Delivered, Take};
use super::{Kind, Place, Refusal, State};
use crate::admin::redact;
use crate::cluster::{Cluster, ClusterConfig, LoadAssignment};
use crate::listener::{ListenerConfig, ListenerView};
use crate::proto::{Defect, Reader, Typed, decode, read_checked};
use crate::route::{self, RouteTable};
use crate::services::Build;
use crate::telemetry::stats::{Scope, Stats};
use crate::tls::Secret;

/// Name under which all scopes of a place are watched.
pub const SCOPES: &str = "*";

/// How soon it is looked again whether a listener serves.
const SOON: Duration = Duration::from_millis(20);

/// Takes resources of one place.
#[derive(Debug, Clone)]
pub struct Taker {
    build: Build,
    place: Place,
    /// Woken after each response: descriptors are let go of when it is quiet.
    busy: Arc<Notify>,
}

impl Taker {
    /// One for the resources of `place`.
    pub fn new(build: &Build, place: Place, busy: Arc<Notify>) -> Self {
        Self { build: build.clone(), place, busy }
    }

    /// A response was taken.
    pub(super) fn taken(&self) {
        self.busy.notify_one();
    }

    fn read<T>(
        &self,
        kind: Kind,
        bytes: &Bytes,
        read: impl FnOnce(&Reader<'_>) -> Option<T>,
    ) -> Result<T, Vec<Defect>> {
        let message = decode(kind.message(), bytes).map_err(|error| vec![Defect::at_path(&error)])?;
        let value = read_checked(message, "", read)?;
        let unknown = self.build.services.secrets.missing(&Place::Static);
        if unknown.is_empty() { Ok(value) } else { Err(unknown.iter().map(|name| unknown_secret(name)).collect()) }
    }

    fn cluster(&self, resource: &Delivered) -> Result<(), Vec<Defect>> {
        let config = self.read(Kind::Cluster, &resource.bytes, |reader| ClusterConfig::read(reader, &self.build))?;
        let services = &self.build.services;
        let cluster = services.clusters.apply(config, &self.build);
        let state = if cluster.is_ready() { State::Active } else { State::Warming };
        services.store.put(Kind::Cluster, &resource.name, state, &resource.version, resource.bytes.clone());
        if state == State::Warming {
            services.main.spawn(self.clone().shift_when_ready(cluster));
        }
        Ok(())
    }

    async fn shift_when_ready(self, cluster: Arc<Cluster>) {
        cluster.ready().await;
        self.build.services.store.shift(Kind::Cluster, &cluster.name, State::Warming, State::Active);
    }

    fn listener(&self, resource: &Delivered) -> Result<(), Vec<Defect>> {
        let config = self.read(Kind::Listener, &resource.bytes, |reader| ListenerConfig::read(reader, &self.build))?;
        let services = &self.build.services;
        let bound = services.listeners.apply(config, &self.build);
        bound.map_err(|message| vec![Defect { path: "address".into(), message }])?;
        let state = if self.warming(&resource.name).is_some() { State::Warming } else { State::Active };
        services.store.put(Kind::Listener, &resource.name, state, &resource.version, resource.bytes.clone());
        if state == State::Warming {
            services.main.spawn(self.clone().shift_when_live(resource.name.clone()));
        }
        Ok(())
    }

    fn warming(&self, name: &str) -> Option<ListenerView> {
        self.build.services.listeners.all().into_iter().find(|view| view.warming && *view.config.name == *name)
    }

    async fn shift_when_live(self, name: String) {
        while let Some(view) = self.warming(&name) {
            view.config.ready().await;
            // The task that lets it serve may come after this one, and it may be held back at the start.
            tokio::time::sleep(SOON).await;
        }
        self.build.services.store.shift(Kind::Listener, &name, State::Warming, State::Active);
    }

    fn endpoints(&self, resource: &Delivered) -> Result<(), Vec<Defect>> {
        let assignment = self.read(Kind::Endpoint, &resource.bytes, LoadAssignment::read)?;
        self.build.services.endpoints.publish_from(&self.place, &resource.name, Some(Arc::new(assignment)));
        Ok(())
    }

    fn route(&self, resource: &Delivered) -> Result<(), Vec<Defect>> {
        let table = self.read(Kind::Route, &resource.bytes, |reader| RouteTable::read(reader, &self.build))?;
        self.build.services.routes.publish_from(&self.place, &resource.name, Some(Arc::new(table)));
        Ok(())
    }

    fn scope(&self, resource: &Delivered) -> Result<(), Vec<Defect>> {
        let scope = self.read(Kind::Scope, &resource.bytes, |reader| route::Scope::read(reader, &self.build))?;
        let topic = &self.build.services.scopes;
        let all = topic.get_from(&self.place, SCOPES).unwrap_or_default();
        let with = all.with(scope).map_err(|message| vec![Defect { path: "key".into(), message }])?;
        topic.publish_from(&self.place, SCOPES, Some(Arc::new(with)));
        self.build.services.store.put(
            Kind::Scope,
            &resource.name,
            State::Active,
            &resource.version,
            resource.bytes.clone(),
        );
        Ok(())
    }

    fn secret(&self, resource: &Delivered) -> Result<(), Vec<Defect>> {
        let secret = self.read(Kind::Secret, &resource.bytes, |reader| Secret::read(reader, &self.build))?;
        self.build.services.secrets.publish_from(&self.place, &resource.name, Some(Arc::new(secret)));
        Ok(())
    }

    /// The bytes that are kept for dumps: keys are not.
    fn kept(kind: Kind, resource: &Delivered) -> Bytes {
        if kind != Kind::Secret {
            return resource.bytes.clone();
        }
        let Ok(mut message) = decode(kind.message(), &resource.bytes) else { return Bytes::new() };
        redact(&mut message);
        message.encode_to_vec().into()
    }

    /// Builds the filter once for its defects: each chain that uses it builds its own.
    fn extension(&self, resource: &Delivered) -> Result<(), Vec<Defect>> {
        let nowhere = Stats::default();
        let build = Build { services: self.build.services.clone(), scope: Scope::root(&nowhere) };
        let typed = self.read(Kind::Extension, &resource.bytes, |reader| {
            reader.ignore(&["name"]);
            let (name, config) = reader.any("typed_config")?;
            let message = config.raw().clone();
            crate::filters::http::build(&name, &resource.name.as_str().into(), &config, &build)?;
            Some(Typed { name, message })
        })?;
        self.build.services.extensions.publish_from(&self.place, &resource.name, Some(Arc::new(typed)));
        Ok(())
    }
}

impl Take for Taker {
    fn put(&mut self, kind: Kind, resource: &Delivered) -> Result<(), String> {
        let done = match kind {
            Kind::Cluster => self.cluster(resource),
            Kind::Endpoint => self.endpoints(resource),
            Kind::Extension => self.extension(resource),
            Kind::Listener => self.listener(resource),
            Kind::Route => self.route(resource),
            Kind::Scope => self.scope(resource),
            Kind::Secret => self.secret(resource),
        };
        let store = &self.build.services.store;
        match done {
            Ok(()) => {
                if !kind.is_whole() {
                    store.put(kind, &resource.name, State::Active, &resource.version, Self::kept(kind, resource));
                }
                Ok(())
            }
            Err(defects) => {
                let details = lines(&defects);
                let refusal = Refusal {
                    bytes: Self::kept(kind, resource),
                    version: resource.version.clone(),
                    at: SystemTime::now(),
                    details: details.clone(),
                };
                store.refuse(kind, &resource.name, refusal);
                Err(details)
            }
        }
    }

    fn remove(&mut self, kind: Kind, name: &str) {
        let services = &self.build.services;
        match kind {
            Kind::Cluster => {
                services.clusters.remove(name);
            }
            Kind::Listener => {
                services.listeners.remove(name, services);
            }
            Kind::Scope => {
                let all = services.scopes.get_from(&self.place, SCOPES).unwrap_or_default();
                services.scopes.publish_from(&self.place, SCOPES, Some(Arc::new(all.without(name))));
            }
            // The default configuration holds again, if there is one.
            Kind::Extension => {
                services.extensions.publish_from(&self.place, name, None);
            }
            // As in Envoy, these end with their users: a control plane that withdraws them first does not cut traffic.
            Kind::Endpoint | Kind::Route | Kind::Secret => return,
        }
        services.store.remove(kind, name);
    }
}

/// A secret of the bootstrap that is not there.
pub fn unknown_secret(name: &str) -> Defect {
    let message = format!("the secret {name:?} has no sds_config, and static_resources.secrets has none of that name");
    Defect { path: String::new(), message }
}

/// Defects in one line.
pub(super) fn lines(defects: &[Defect]) -> String {
    let lines: Vec<String> = defects.iter().map(ToString::to_string).collect();
    lines.join("; ")
}
