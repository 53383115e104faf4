//! `scoped_routes`: which route table a request takes follows from its header fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderName;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::http::{Headers, RequestHead};
use crate::proto::Reader;
use crate::route::{RouteTable, Scope, ScopeTable, Scopes};
use crate::services::{Build, Services};
use crate::xds::{ConfigSource, SCOPES, Watched};

/// Which part of a field's value counts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// That of this number.
    Index(usize),
    /// What follows the separator in the first part that begins with the key.
    Element { separator: String, key: String },
}

/// `HeaderValueExtractor`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extractor {
    name: HeaderName,
    /// What parts the value; empty: it is one part.
    separator: String,
    part: Part,
}

impl Extractor {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let Some(reader) = reader.message("header_value_extractor") else {
            reader.defect("header_value_extractor", "must be set");
            return None;
        };
        let name = reader.need_text("name")?;
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            reader.defect("name", format!("{name:?} is not a name of a header field"));
            return None;
        };
        let separator = reader.text("element_separator");
        let part = match reader.choice("extract_type").as_deref() {
            Some("index") => {
                let index = reader.u32("index").unwrap_or(0) as usize;
                if index > 0 && separator.is_empty() {
                    reader.defect("index", "must be 0 where element_separator is empty");
                }
                Part::Index(index)
            }
            Some("element") => {
                let element = reader.message("element")?;
                Part::Element { separator: element.need_text("separator")?, key: element.need_text("key")? }
            }
            _ => {
                reader.defect("extract_type", "must be set");
                return None;
            }
        };
        Some(Self { name, separator, part })
    }

    fn extract(&self, headers: &Headers) -> Option<String> {
        let value = headers.text(&self.name)?;
        let mut parts: Box<dyn Iterator<Item = &str>> = match self.separator.as_str() {
            "" => Box::new(std::iter::once(value)),
            separator => Box::new(value.split(separator)),
        };
        match &self.part {
            Part::Index(index) => parts.nth(*index).map(str::to_string),
            Part::Element { separator, key } => {
                // A part without separator is a key whose value is empty.
                let split = |part| str::split_once(part, separator.as_str()).unwrap_or((part, ""));
                parts.map(split).find(|(name, _)| name == key).map(|(_, value)| value.to_string())
            }
        }
    }
}

/// A route table of a scope.
#[derive(Debug, Clone)]
enum Held {
    Inline(Arc<RouteTable>),
    Named(Watched<RouteTable>),
}

impl Held {
    fn table(&self) -> Option<Arc<RouteTable>> {
        match self {
            Self::Inline(table) => Some(table.clone()),
            Self::Named(watched) => watched.borrow().clone(),
        }
    }
}

/// The route tables by key.
type Tables = BTreeMap<Vec<String>, Held>;

/// `ScopedRoutes`.
#[derive(Debug)]
pub struct ScopedRoutes {
    extractors: Vec<Extractor>,
    tables: watch::Receiver<Option<Arc<Tables>>>,
    /// Where scopes come from, when they are not in the configuration.
    scopes: Option<ConfigSource>,
    /// Where their tables come from.
    routes: ConfigSource,
    follower: Option<JoinHandle<()>>,
}

impl ScopedRoutes {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        reader.ignore(&["name"]); // It names nothing but entries of dumps.
        let builder = reader.need("scope_key_builder")?;
        let fragments = builder.list("fragments");
        if fragments.is_empty() {
            builder.defect("fragments", "must not be empty");
        }
        let extractors: Vec<_> = fragments.iter().map(Extractor::read).collect();
        let source = reader.message("rds_config_source").map(|source| ConfigSource::read(&source));
        let extractors: Vec<Extractor> = extractors.into_iter().collect::<Option<_>>()?;
        // Without a source, tables come from where everything else does.
        let routes = source.unwrap_or(Some(ConfigSource::ADS))?;
        match reader.choice("config_specifier").as_deref() {
            Some("scoped_route_configurations_list") => {
                let list = reader.message("scoped_route_configurations_list")?;
                let scopes: Vec<_> = list.list("scoped_route_configurations");
                let mut all = Scopes::default();
                for scope in &scopes {
                    match all.with(Scope::read(scope, build)?) {
                        Ok(with) => all = with,
                        Err(error) => {
                            scope.defect("key", error);
                            return None;
                        }
                    }
                }
                let tables = tables(&all, &build.services, &routes);
                let tables = watch::channel(Some(Arc::new(tables))).1;
                Some(Self { extractors, tables, scopes: None, routes, follower: None })
            }
            Some("scoped_rds") => {
                let srds = reader.message("scoped_rds")?;
                if srds.has("srds_resources_locator") {
                    srds.defect("srds_resources_locator", "the proxy does not have this feature");
                }
                let scopes = ConfigSource::read(&srds.need("scoped_rds_config_source")?)?;
                let watched = build.services.scopes.watch_from(&scopes, SCOPES);
                let (sender, tables) = watch::channel(None);
                let follow = follow(watched, sender, build.services.clone(), routes.clone());
                let follower = Some(build.services.main.spawn(follow));
                Some(Self { extractors, tables, scopes: Some(scopes), routes, follower })
            }
            _ => {
                reader.defect("config_specifier", "must be set");
                None
            }
        }
    }

    /// The table for a request; none when a part of its key is missing, no scope has that key, or its table did not
    /// arrive.
    pub(super) fn table(&self, head: &RequestHead) -> Option<Arc<RouteTable>> {
        let key: Option<Vec<String>> = self.extractors.iter().map(|one| one.extract(&head.headers)).collect();
        self.tables.borrow().as_ref()?.get(&key?)?.table()
    }

    /// Waits until scopes and their tables are there, each at most for the time that its source says.
    pub(super) async fn ready(&self) {
        if let Some(source) = &self.scopes {
            let mut tables = self.tables.clone();
            let there = tables.wait_for(Option::is_some);
            let _ = tokio::time::timeout(source.initial_fetch_timeout, there).await;
        }
        let tables = self.tables.borrow().clone();
        let all = async {
            for held in tables.iter().flat_map(|tables| tables.values()) {
                if let Held::Named(watched) = held {
                    let _ = watched.clone().wait_for(Option::is_some).await;
                }
            }
        };
        let _ = tokio::time::timeout(self.routes.initial_fetch_timeout, all).await;
    }
}

impl Drop for ScopedRoutes {
    fn drop(&mut self) {
        if let Some(follower) = &self.follower {
            follower.abort();
        }
    }
}

/// The tables of these scopes.
fn tables(scopes: &Scopes, services: &Services, source: &ConfigSource) -> Tables {
    let held = |scope: &Scope| {
        let held = match &scope.table {
            ScopeTable::Inline(table) => Held::Inline(table.clone()),
            ScopeTable::Named(name) => Held::Named(services.routes.watch_from(source, name)),
        };
        (scope.key.clone(), held)
    };
    scopes.iter().map(held).collect()
}

/// Follows the scopes that arrive.
async fn follow(
    mut watched: Watched<Scopes>,
    tables_now: watch::Sender<Option<Arc<Tables>>>,
    services: Arc<Services>,
    source: ConfigSource,
) {
    loop {
        let scopes = watched.borrow_and_update().clone();
        if let Some(scopes) = scopes {
            // The old tables are watched until the new ones are: what both have is not asked for again.
            let now = tables(&scopes, &services, &source);
            tables_now.send_replace(Some(Arc::new(now)));
        }
        if watched.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::filters::http::testing::head;
    use crate::proto::{Defects, from_json};
    use crate::xds::Place;

    const SCOPED: &str = "envoy.extensions.filters.network.http_connection_manager.v3.ScopedRoutes";

    fn read(config: &Value, build: &Build) -> Result<ScopedRoutes, String> {
        let defects = Defects::new();
        let reader = Reader::new(from_json(SCOPED, config).unwrap(), "", &defects);
        let read = ScopedRoutes::read(&reader, build);
        drop(reader);
        defects.verdict(read).map_err(|defects| defects[0].to_string())
    }

    fn builder() -> Value {
        json!({"fragments": [
            {"header_value_extractor": {"name": "x-team", "index": 0}},
            {"header_value_extractor": {"name": "x-env", "element_separator": ",",
                                        "element": {"separator": "=", "key": "stage"}}}]})
    }

    fn scope(name: &str, key: [&str; 2], table: &Value) -> Value {
        let fragments: Vec<Value> = key.iter().map(|part| json!({"string_key": part})).collect();
        let mut scope = json!({"name": name, "key": {"fragments": fragments}});
        scope.as_object_mut().unwrap().extend(table.as_object().unwrap().clone());
        scope
    }

    fn name(routes: &ScopedRoutes, fields: &[(&str, &str)]) -> Option<String> {
        routes.table(&head("GET", "/", fields)).map(|table| table.name.to_string())
    }

    #[tokio::test]
    async fn header_fields_choose_the_table() {
        let scopes = [
            scope("a", ["red", "new"], &json!({"route_configuration": {"name": "first"}})),
            scope("b", ["red", ""], &json!({"route_configuration": {"name": "second"}})),
        ];
        let config = json!({"scope_key_builder": builder(),
            "scoped_route_configurations_list": {"scoped_route_configurations": scopes}});
        let routes = read(&config, &crate::services::for_tests()).unwrap();
        let named = |env: &str| name(&routes, &[("x-team", "red"), ("x-env", env)]);
        assert_eq!(named("a=1,stage=new").as_deref(), Some("first"));
        assert_eq!(named("stage").as_deref(), Some("second"));
        assert_eq!((named("stage=old"), named("a=1")), (None, None));
        assert_eq!(name(&routes, &[("x-env", "stage=new")]), None);
    }

    #[tokio::test]
    async fn scopes_and_their_tables_arrive() {
        let build = crate::services::for_tests();
        let config = json!({"scope_key_builder": {"fragments": [{"header_value_extractor": {"name": "x", "index": 0}}]},
            "scoped_rds": {"scoped_rds_config_source": {"ads": {}}}, "rds_config_source": {"ads": {}}});
        let routes = read(&config, &build).unwrap();
        assert_eq!(name(&routes, &[("x", "1")]), None);
        let scope = Scope { name: "s".into(), key: vec!["1".into()], table: ScopeTable::Named("r".into()) };
        let scopes = Scopes::default().with(scope).unwrap();
        build.services.scopes.publish(SCOPES, Some(Arc::new(scopes)));
        let arrives = async {
            while build.services.routes.names(&Place::Ads) != ["r"] {
                tokio::task::yield_now().await;
            }
            let table = crate::route::tests::read(
                "envoy.config.route.v3.RouteConfiguration",
                &json!({"name": "r"}),
                |reader| RouteTable::read(reader, &build),
            );
            build.services.routes.publish("r", Some(Arc::new(table.unwrap())));
        };
        tokio::join!(routes.ready(), arrives);
        assert_eq!(name(&routes, &[("x", "1")]).as_deref(), Some("r"));
        assert_eq!(name(&routes, &[("x", "2")]), None);
    }

    #[tokio::test]
    async fn what_envoy_refuses_is_refused() {
        let build = crate::services::for_tests();
        let mut config = json!({"scope_key_builder": {"fragments": [{"header_value_extractor": {"name": "x", "index": 1}}]},
            "scoped_rds": {"scoped_rds_config_source": {"ads": {}}}});
        let error = read(&config, &build).unwrap_err();
        assert!(error.contains("index: must be 0"), "{error}");
        config["scope_key_builder"] = builder();
        config["scoped_rds"]["srds_resources_locator"] = json!("xdstp://x");
        assert!(read(&config, &build).unwrap_err().starts_with("scoped_rds.srds_resources_locator: "));
    }
}
