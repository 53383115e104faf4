//! What stands for single filters at a table, virtual host, route or weighted cluster.

use std::any::Any;
use std::fmt;

use crate::filters::http::{PerRoute, per_route};
use crate::proto::{Reader, from_json, to_json};
use crate::services::Build;

/// `envoy.config.route.v3.FilterConfig`
const FILTER_CONFIG: &str = "envoy.config.route.v3.FilterConfig";

/// Usual name of the cors filter.
const CORS: &str = "envoy.filters.http.cors";
/// Its configuration per route.
const CORS_POLICY: &str = "envoy.extensions.filters.http.cors.v3.CorsPolicy";

/// The entry of one filter.
struct Entry {
    filter: Box<str>,
    disabled: bool,
    config: Option<PerRoute>,
}

/// `typed_per_filter_config`: entries by the filters' configured names.
#[derive(Default)]
pub struct PerFilter(Box<[Entry]>);

impl PerFilter {
    /// Reads the map `typed_per_filter_config` of a message.
    pub fn read(reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let entries = reader.map("typed_per_filter_config");
        let entries: Vec<Option<Entry>> =
            entries.into_iter().map(|(filter, any)| Entry::read(filter.into(), any, build)).collect();
        entries.into_iter().collect::<Option<_>>().map(Self)
    }

    /// Takes the policy in the older field `cors` as configuration of the cors filter, unless that has one here already.
    pub(super) fn with_cors(mut self, reader: &Reader<'_>, build: &Build) -> Option<Self> {
        let Some(old) = reader.message("cors") else { return Some(self) };
        old.ignore_all();
        if self.entry(CORS).is_some() {
            return Some(self);
        }
        // Both messages have the same fields.
        match from_json(CORS_POLICY, &to_json(old.raw())) {
            Ok(message) => {
                let policy = old.beside(message);
                let entry = Entry {
                    filter: CORS.into(),
                    disabled: false,
                    config: Some(per_route(CORS_POLICY, &policy, build)?),
                };
                self.0 = self.0.into_vec().into_iter().chain([entry]).collect();
                Some(self)
            }
            Err(error) => {
                reader.defect("cors", error);
                None
            }
        }
    }

    fn entry(&self, filter: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| &*entry.filter == filter)
    }

    /// Whether the filter is turned off (true) or on (false) here; none when there is no entry for it.
    pub fn disabled(&self, filter: &str) -> Option<bool> {
        self.entry(filter).map(|entry| entry.disabled)
    }

    /// The filter's configuration here.
    pub fn config<T: Any>(&self, filter: &str) -> Option<&T> {
        self.entry(filter)?.config.as_ref()?.downcast_ref()
    }
}

impl Entry {
    fn read(filter: Box<str>, any: Reader<'_>, build: &Build) -> Option<Self> {
        let (name, reader) = any.open()?;
        if name != FILTER_CONFIG {
            return Some(Self { filter, disabled: false, config: Some(per_route(&name, &reader, build)?) });
        }
        // Optional means that an unknown filter may be skipped; a known one is read all the same.
        reader.ignore(&["is_optional"]);
        let disabled = reader.flag("disabled");
        if !reader.has("config") {
            return Some(Self { filter, disabled, config: None });
        }
        let (name, config) = reader.any("config")?;
        Some(Self { filter, disabled, config: Some(per_route(&name, &config, build)?) })
    }
}

impl fmt::Debug for PerFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|entry| (&entry.filter, entry.disabled))).finish()
    }
}
