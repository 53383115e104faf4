//! The HTTP filters of a connection manager: `http_filters`, and those of an upgrade.

use std::sync::Arc;

use super::dynamic::Dynamic;
use crate::filters::http::router::Router;
use crate::filters::http::{Chain, HttpFilter, Slot, build as build_filter, known};
use crate::proto::Reader;
use crate::services::Build;

const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";

/// Filters and the router that ends them.
#[derive(Debug)]
pub struct Filters {
    /// Filters before the router.
    pub chain: Chain,
    /// The router.
    pub router: Router,
}

impl Filters {
    /// Reads a list of `HttpFilter` messages. The last one must be the router: nothing else here ends a request.
    pub(super) fn read(owner: &Reader<'_>, field: &str, build: &Build) -> Option<Self> {
        let mut chain = Chain::default();
        let mut router = None;
        let list = owner.list(field);
        let count = list.len();
        for (index, filter) in list.iter().enumerate() {
            let name: Arc<str> = filter.need_text("name")?.into();
            match read_one(filter, &name, build) {
                One::Router(read) if index + 1 == count => router = Some(read),
                One::Router(_) => filter.defect("", "the router must be the last filter"),
                One::Filter(made) => chain.slots.push(Slot { name, disabled: filter.flag("disabled"), filter: made }),
                One::Skipped | One::Defect => {}
            }
        }
        if router.is_none() {
            owner.defect(field, "must end with the router filter (envoy.extensions.filters.http.router.v3.Router)");
        }
        Some(Self { chain, router: router? })
    }
}

enum One {
    Router(Router),
    Filter(Arc<dyn HttpFilter>),
    /// Optional, and not there.
    Skipped,
    Defect,
}

fn read_one(filter: &Reader<'_>, name: &Arc<str>, build: &Build) -> One {
    let optional = filter.flag("is_optional");
    if let Some(discovery) = filter.message("config_discovery") {
        return Dynamic::read(&discovery, name, build).map_or(One::Defect, |dynamic| One::Filter(Arc::new(dynamic)));
    }
    let Some((kind, config)) = filter.any("typed_config") else {
        if !filter.has("typed_config") {
            filter.defect("typed_config", "must be set");
        }
        return One::Defect;
    };
    if kind == ROUTER {
        return Router::read(&config, build).map_or(One::Defect, One::Router);
    }
    if optional && !known(&kind) {
        config.ignore_all();
        tracing::info!(%name, %kind, "optional filter left out: the proxy does not have it");
        return One::Skipped;
    }
    build_filter(&kind, name, &config, build).map_or(One::Defect, One::Filter)
}
