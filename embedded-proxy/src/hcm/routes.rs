//! Where a connection manager gets its route table from.

use std::sync::Arc;

use super::scoped::ScopedRoutes;
use crate::http::RequestHead;
use crate::proto::Reader;
use crate::route::RouteTable;
use crate::services::Build;
use crate::xds::{ConfigSource, Watched};

/// A table in the configuration, one that RDS delivers, or one of several by scope.
#[derive(Debug)]
pub enum RouteSource {
    /// In the configuration.
    Static(Arc<RouteTable>),
    /// From RDS, by name. Until it arrives no route matches.
    Rds {
        /// Its name.
        name: Arc<str>,
        /// Where it comes from.
        source: ConfigSource,
        /// The table.
        table: Watched<RouteTable>,
    },
    /// By scope.
    Scoped(ScopedRoutes),
}

impl RouteSource {
    /// Reads `route_specifier` of `HttpConnectionManager`.
    pub(super) fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        match reader.choice("route_specifier")?.as_str() {
            "route_config" => {
                let table = RouteTable::read_inline(&reader.message("route_config")?, build)?;
                Some(Self::Static(Arc::new(table)))
            }
            "rds" => {
                let rds = reader.message("rds")?;
                let name = rds.need_text("route_config_name");
                let source = rds.need("config_source").and_then(|source| ConfigSource::read(&source));
                let (name, source) = (name?, source?);
                let table = build.services.routes.watch_from(&source, &name);
                Some(Self::Rds { name: name.into(), source, table })
            }
            other => ScopedRoutes::read(&reader.message(other)?, build).map(Self::Scoped),
        }
    }

    /// The table for a request now.
    pub fn table(&self, head: &RequestHead) -> Option<Arc<RouteTable>> {
        match self {
            Self::Static(table) => Some(table.clone()),
            Self::Rds { table, .. } => table.borrow().clone(),
            Self::Scoped(scoped) => scoped.table(head),
        }
    }

    /// Waits until the table is there, at most for the time that its source says.
    pub async fn ready(&self) {
        match self {
            Self::Static(_) => {}
            Self::Rds { source, table, .. } => {
                let mut table = table.clone();
                let there = table.wait_for(Option::is_some);
                let _ = tokio::time::timeout(source.initial_fetch_timeout, there).await;
            }
            Self::Scoped(scoped) => scoped.ready().await,
        }
    }
}
