//! From a proxy that is put together to one that serves: clusters first, then what leads to them.

use std::sync::Arc;
use std::time::Duration;

use super::life::Stage;
use crate::bootstrap::Dynamic;
use crate::services::{Build, Services};
use crate::tls::Secret;
use crate::xds::{ConfigSource, Discovery, Kind, Progress, Watched};

/// Runs once on the main thread, then keeps the sources of configuration alive, for ever, and static secrets with them.
pub(super) async fn initialise(build: Build, dynamic: Dynamic, _secrets: Vec<Watched<Secret>>) {
    let services = build.services.clone();
    services.life.go(Stage::Initializing);
    let progress = Arc::new(Progress::new(&build.scope));
    let discovery = Discovery::new(&build, dynamic.clone(), progress.clone());
    let order = async {
        clusters(&services).await;
        if let Some(source) = &dynamic.clusters {
            first(source, Kind::Cluster, &progress).await;
            clusters(&services).await;
        }
        progress.open_listeners();
        if let Some(source) = &dynamic.listeners {
            first(source, Kind::Listener, &progress).await;
        }
        services.listeners.release();
        services.listeners.warm().await;
        services.life.go(Stage::Live);
        let took = services.life.began().0.elapsed();
        services.server_stats().initialization.record(took.as_secs_f64() * 1000.0);
        tracing::info!("all dependencies are there: serving");
    };
    tokio::join!(order, discovery.run());
}

/// Waits for the first delivery, as long as the source says.
async fn first(source: &ConfigSource, kind: Kind, progress: &Progress) {
    match source.initial_fetch_timeout {
        Duration::ZERO => progress.answered(kind).await,
        timeout => {
            if tokio::time::timeout(timeout, progress.answered(kind)).await.is_err() {
                tracing::warn!("nothing of {kind:?} arrived in {timeout:?}: going on without");
                progress.timed_out(kind);
            }
        }
    }
}

/// Waits until all clusters are ready; each gives up waiting by itself.
async fn clusters(services: &Services) {
    for cluster in services.clusters.warming() {
        cluster.ready().await;
    }
}
