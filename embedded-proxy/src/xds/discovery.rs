//! All sources of configuration of a running proxy: which there are follows from what is watched.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::delivered::InUse;
use super::delta::Delta;
use super::files::File;
use super::progress::{Outcome, Progress};
use super::protocol::Protocol;
use super::sotw::Sotw;
use super::stream::{Client, identity};
use super::take::Taker;
use super::{ApiSource, ConfigSource, Kind, Place};
use crate::bootstrap::Dynamic;
use crate::services::Build;

/// Configuration is quiet when nothing came for this long: descriptors are let go of.
const QUIET: Duration = Duration::from_secs(5);

/// Starts and ends the clients of control planes and files.
#[derive(Debug)]
pub struct Discovery {
    build: Build,
    dynamic: Dynamic,
    progress: Arc<Progress>,
    busy: Arc<Notify>,
    /// What runs, by place and kind; an aggregated stream has no kind.
    running: BTreeMap<(Place, Option<Kind>), Running>,
}

/// A client; it ends when this is dropped.
#[derive(Debug)]
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Discovery {
    /// Nothing runs yet.
    pub fn new(build: &Build, dynamic: Dynamic, progress: Arc<Progress>) -> Self {
        let busy = Arc::new(Notify::new());
        Self { build: build.clone(), dynamic, progress, busy, running: BTreeMap::new() }
    }

    /// Keeps clients for all places that something is watched at, for ever.
    pub async fn run(mut self) {
        let services = self.build.services.clone();
        let (mut endpoints, mut routes) = (services.endpoints.changes(), services.routes.changes());
        let (mut secrets, mut extensions) = (services.secrets.changes(), services.extensions.changes());
        let mut scopes = services.scopes.changes();
        let busy = self.busy.clone();
        let mut quiet = Box::pin(tokio::time::sleep(QUIET));
        let mut released = false;
        loop {
            self.reconcile();
            tokio::select! {
                _ = endpoints.changed() => {}
                _ = routes.changed() => {}
                _ = secrets.changed() => {}
                _ = extensions.changed() => {}
                _ = scopes.changed() => {}
                () = busy.notified() => {
                    quiet.as_mut().reset(tokio::time::Instant::now() + QUIET);
                    released = false;
                }
                () = &mut quiet, if !released => {
                    crate::proto::release();
                    released = true;
                }
            }
        }
    }

    /// Places and kinds that are needed now.
    fn needed(&self) -> Vec<(Place, Kind)> {
        let services = &self.build.services;
        let mut needed: Vec<(Place, Kind)> = Vec::new();
        let wholes = [(&self.dynamic.clusters, Kind::Cluster), (&self.dynamic.listeners, Kind::Listener)];
        needed.extend(wholes.into_iter().filter_map(|(source, kind)| Some((source.as_ref()?.place.clone(), kind))));
        let watched = [
            (services.endpoints.places(), Kind::Endpoint),
            (services.scopes.places(), Kind::Scope),
            (services.routes.places(), Kind::Route),
            (services.secrets.places(), Kind::Secret),
            (services.extensions.places(), Kind::Extension),
        ];
        for (places, kind) in watched {
            needed.extend(places.into_iter().map(|place| (place, kind)));
        }
        needed
    }

    fn reconcile(&mut self) {
        let mut wanted = BTreeMap::new();
        for (place, kind) in self.needed() {
            match &place {
                Place::Static => {}
                Place::Ads => {
                    if let Some(source) = self.dynamic.ads.clone() {
                        wanted.insert((place, None), Some(source));
                    }
                }
                Place::Api(source) => {
                    let (source, kind) = (source.clone(), (!source.aggregated).then_some(kind));
                    wanted.insert((place, kind), Some(source));
                }
                Place::File { .. } => {
                    wanted.insert((place, Some(kind)), None);
                }
            }
        }
        self.running.retain(|key, _| wanted.contains_key(key));
        for (key, source) in wanted {
            if !self.running.contains_key(&key) {
                let task = self.start(&key.0, key.1, source);
                self.running.insert(key, Running(task));
            }
        }
    }

    fn start(&self, place: &Place, kind: Option<Kind>, source: Option<ApiSource>) -> JoinHandle<()> {
        let main = &self.build.services.main;
        match (source, place, kind) {
            (Some(source), ..) if source.delta => main.spawn(self.client::<Delta>(source, place, kind).run()),
            (Some(source), ..) => main.spawn(self.client::<Sotw>(source, place, kind).run()),
            (None, Place::File { path, directory }, Some(kind)) => {
                let taker = Taker::new(&self.build, place.clone(), self.busy.clone());
                let file =
                    File { kind, path: path.clone(), directory: directory.clone(), taker, in_use: InUse::default() };
                let (progress, build, busy) = (self.progress.clone(), self.build.clone(), self.busy.clone());
                main.spawn(file.run(move |kind, result| {
                    match result {
                        Ok(version) => {
                            build.services.store.set_version(kind, &version);
                            progress.note(kind, Outcome::Accepted(&version));
                        }
                        Err(error) => {
                            tracing::warn!("refused {kind:?} from a file: {error}");
                            progress.note(kind, Outcome::Rejected);
                        }
                    }
                    busy.notify_one();
                }))
            }
            // Places without a client are left out before.
            (None, ..) => main.spawn(async {}),
        }
    }

    fn client<P: Protocol>(&self, source: ApiSource, place: &Place, kind: Option<Kind>) -> Client<P> {
        let from = |wanted: &Option<ConfigSource>| wanted.as_ref().is_some_and(|source| source.place == *place);
        let wholes = [(&self.dynamic.clusters, Kind::Cluster), (&self.dynamic.listeners, Kind::Listener)];
        Client {
            build: self.build.clone(),
            source,
            place: place.clone(),
            whole: wholes.into_iter().filter(|(source, _)| from(source)).map(|(_, kind)| kind).collect(),
            kind,
            progress: self.progress.clone(),
            protocol: P::new(identity(&self.build)),
            taker: Taker::new(&self.build, place.clone(), self.busy.clone()),
        }
    }
}
