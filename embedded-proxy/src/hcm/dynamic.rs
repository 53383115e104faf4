//! A filter whose configuration arrives by ECDS, and changes while exchanges run.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::filters::http::{HttpFilter, Step, Verdict, build as build_filter};
use crate::http::{Reply, Response};
use crate::proto::{Defects, Reader, Typed};
use crate::services::Build;
use crate::stream::{Exchange, Flag};
use crate::xds::{ConfigSource, Watched};

/// Stands at the filter's place; requests are refused as long as there is no configuration, as Envoy does.
pub(super) struct Dynamic {
    current: Arc<ArcSwapOption<Held>>,
}

struct Held {
    filter: Arc<dyn HttpFilter>,
}

/// Which filter an exchange began with: it ends with the same one.
struct Began(Arc<Held>);

impl Dynamic {
    /// Reads `ExtensionConfigSource` for the filter called `name`.
    pub(super) fn read(reader: &Reader<'_>, name: &Arc<str>, build: &Build) -> Option<Self> {
        let source = ConfigSource::read(&reader.need("config_source")?)?;
        let kinds: Vec<String> = reader.texts("type_urls");
        let kinds: Vec<String> =
            kinds.iter().map(|url| url.rsplit('/').next().unwrap_or_default().to_string()).collect();
        if kinds.is_empty() {
            reader.defect("type_urls", "must name the types that may arrive");
            return None;
        }
        // With a default the filter works from the start; without one it waits for the first delivery either way.
        reader.ignore(&["apply_default_config_without_warming"]);
        let default = if reader.has("default_config") {
            let (kind, config) = reader.any("default_config")?;
            Some(build_filter(&kind, name, &config, build)?)
        } else {
            None
        };
        let current = Arc::new(ArcSwapOption::from(default.map(|filter| Arc::new(Held { filter }))));
        let watched = build.services.extensions.watch_from(&source, name);
        build.services.main.spawn(follow(watched, current.clone(), kinds, name.clone(), build.clone()));
        Some(Self { current })
    }
}

/// Builds each configuration that arrives; one that cannot be built leaves the last good one in place.
async fn follow(
    mut watched: Watched<Typed>,
    current: Arc<ArcSwapOption<Held>>,
    kinds: Vec<String>,
    name: Arc<str>,
    build: Build,
) {
    let current = Arc::downgrade(&current);
    loop {
        let config = watched.borrow_and_update().clone();
        let Some(current) = current.upgrade() else { return };
        if let Some(config) = config.filter(|config| kinds.contains(&config.name)) {
            let defects = Defects::new();
            let reader = Reader::new(config.message.clone(), name.to_string(), &defects);
            let filter = build_filter(&config.name, &name, &reader, &build);
            drop(reader);
            match defects.verdict(filter) {
                Ok(filter) => current.store(Some(Arc::new(Held { filter }))),
                Err(defects) => tracing::warn!(%name, defect = %defects[0], "filter configuration refused"),
            }
        }
        drop(current);
        if watched.changed().await.is_err() {
            return;
        }
    }
}

impl HttpFilter for Dynamic {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        let Some(held) = self.current.load_full() else {
            let status = http::StatusCode::INTERNAL_SERVER_ERROR;
            return Reply::new(status, "filter_config_not_found", "").flag(Flag::NoFilterConfigFound).into();
        };
        exchange.scratch.put(Began(held.clone()));
        Step::Wait(Box::pin(async move {
            match held.filter.on_request(exchange) {
                Step::Next => Ok(()),
                Step::Reply(reply) => Err(reply),
                Step::Wait(wait) => wait.await,
            }
        }))
    }

    fn on_response(&self, exchange: &mut Exchange, response: &mut Response) {
        if let Some(held) = exchange.scratch.get::<Began>().map(|began| began.0.clone()) {
            held.filter.on_response(exchange, response);
        }
    }

    fn on_end(&self, exchange: &Exchange) {
        if let Some(began) = exchange.scratch.get::<Began>() {
            began.0.filter.on_end(exchange);
        }
    }

    fn verdict(&self, exchange: &Exchange) -> Option<Verdict> {
        match &*self.current.load() {
            Some(held) => held.filter.verdict(exchange),
            None => Some(Verdict::Depends("the filter's configuration has not arrived".into())),
        }
    }
}
