//! `envoy.load_balancing_policies.override_host`: the request lists hosts, which come first; another policy chooses when
//! they are used up.

use std::sync::Arc;

use http::HeaderName;
use serde_json::{Map, Value};

use crate::cluster::Host;
use crate::http::RequestHead;
use crate::proto::Reader;

/// Namespace and path of a value among dynamic metadata.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    namespace: String,
    path: Vec<String>,
}

impl Key {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let namespace = reader.need_text("key");
        let segments = reader.list("path");
        if segments.is_empty() {
            reader.defect("path", "must not be empty");
        }
        let path = segments.iter().map(|segment| segment.need_text("key")).collect::<Option<_>>()?;
        Some(Self { namespace: namespace?, path })
    }
}

/// Where the list stands.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    Header(HeaderName),
    Metadata(Key),
}

/// Dynamic metadata by namespace.
type Metadata = std::collections::BTreeMap<String, Value>;

/// `OverrideHost`, without its fallback policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedHosts {
    sources: Vec<Source>,
    selected: Option<Key>,
}

impl ListedHosts {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let sources = reader.list("override_host_sources");
        if sources.is_empty() {
            reader.defect("override_host_sources", "must not be empty");
        }
        let selected = reader.message("selected_host_key").map(|key| Key::read(&key));
        let sources = sources.iter().map(Source::read).collect::<Option<_>>()?;
        Some(Self { sources, selected: selected.map_or(Some(None), |key| key.map(Some))? })
    }

    /// The addresses that a request lists, in order, as it writes them.
    pub fn list(&self, head: &RequestHead, metadata: &Metadata) -> Vec<String> {
        let addresses = |text: &str| {
            text.split(',').map(|one| one.trim().to_string()).filter(|one| !one.is_empty()).collect::<Vec<_>>()
        };
        let of = |source: &Source| match source {
            Source::Header(name) => head.headers.text(name).map(addresses),
            Source::Metadata(key) => {
                let value = key.path.iter().try_fold(metadata.get(&key.namespace)?, |value, key| value.get(key))?;
                value.as_str().map(addresses)
            }
        };
        self.sources.iter().filter_map(of).flatten().collect()
    }

    /// Notes the chosen host among the dynamic metadata, where the policy says so.
    pub fn note(&self, host: &Arc<Host>, metadata: &mut Metadata) {
        let Some(key) = &self.selected else { return };
        let fields = |inner: Value, key: &String| Value::Object(Map::from_iter([(key.clone(), inner)]));
        let value = key.path.iter().rev().fold(Value::from(host.address.to_string()), fields);
        let namespace = metadata.entry(key.namespace.clone()).or_insert_with(|| Value::Object(Map::new()));
        if let (Value::Object(all), Value::Object(new)) = (namespace, value) {
            all.extend(new);
        }
    }
}

impl Source {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let header = reader.opt_text("header");
        let metadata = reader.message("metadata");
        match (header, metadata) {
            (Some(name), None) => match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => Some(Self::Header(name)),
                Err(_) => {
                    reader.defect("header", format!("{name:?} is not a name of a header field"));
                    None
                }
            },
            (None, Some(key)) => Some(Self::Metadata(Key::read(&key)?)),
            _ => {
                reader.defect("", "needs either header or metadata");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing::{apply, assignment, build, read};
    use crate::filters::http::testing::head;

    fn cluster(policy: &Value) -> Value {
        let mut policy = policy.clone();
        policy["@type"] =
            json!("type.googleapis.com/envoy.extensions.load_balancing_policies.override_host.v3.OverrideHost");
        policy["fallback_policy"] = json!({"policies": [{"typed_extension_config": {"name": "f", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.load_balancing_policies.random.v3.Random"}}}]});
        json!({"name": "c", "load_assignment": assignment(&[("10.0.0.1", 1, 1), ("10.0.0.1", 2, 1)]),
               "load_balancing_policy": {"policies": [{"typed_extension_config": {"name": "o", "typed_config": policy}}]}})
    }

    #[tokio::test]
    async fn the_request_lists_hosts_in_headers_and_metadata() {
        let key = json!({"key": "envoy.lb", "path": [{"key": "hosts"}]});
        let policy = json!({"override_host_sources": [{"header": "x-hosts"}, {"metadata": key}],
            "selected_host_key": {"key": "out", "path": [{"key": "a"}, {"key": "b"}]}});
        let cluster = apply(&cluster(&policy), &build());
        let listed = cluster.settings.lb.listed.clone().unwrap();
        let mut metadata = Metadata::from([("envoy.lb".into(), json!({"hosts": "10.0.0.1:1"}))]);
        let list = listed.list(&head("GET", "/", &[("x-hosts", "10.0.0.1:2 , nobody,10.9.9.9:9")]), &metadata);
        assert_eq!(list, ["10.0.0.1:2", "nobody", "10.9.9.9:9", "10.0.0.1:1"]);
        let host = cluster.host("10.0.0.1:2").unwrap();
        listed.note(&host, &mut metadata);
        assert_eq!(metadata["out"], json!({"a": {"b": "10.0.0.1:2"}}));
        assert!(cluster.host("10.9.9.9:9").is_none());
    }

    #[tokio::test]
    async fn a_source_is_one_of_two() {
        let wrong = read(&cluster(&json!({"override_host_sources": [{}]})), &build()).unwrap_err();
        assert!(wrong[0].message.contains("either header or metadata"), "{wrong:?}");
    }
}
