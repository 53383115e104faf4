//! Who a workload is, in the forms in which Istio writes it down.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use envoy_types::pb::google::protobuf::value::Kind as PbKind;
use envoy_types::pb::google::protobuf::{Struct, Value as PbValue};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use serde_json::{Map, Value, json};

/// Base64 with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const CANONICAL_NAME: &str = "service.istio.io/canonical-name";
const CANONICAL_REVISION: &str = "service.istio.io/canonical-revision";
const OWNER: &str = "kubernetes://apis/apps/v1/namespaces/";

/// What kind of object runs a workload.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Not known.
    #[default]
    Unknown,
    /// A pod alone.
    Pod,
    /// A deployment.
    Deployment,
    /// A job.
    Job,
    /// A cron job.
    CronJob,
}

impl Kind {
    const ALL: [(Self, &str); 4] =
        [(Self::Pod, "pod"), (Self::Deployment, "deployment"), (Self::Job, "job"), (Self::CronJob, "cronjob")];

    /// The word that Istio uses, none for an unknown kind.
    pub fn word(self) -> Option<&'static str> {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map(|(_, word)| *word)
    }

    /// From `kubernetes://apis/apps/v1/namespaces/NS/deployments/NAME`.
    fn of_owner(owner: &str, workload: &str) -> Self {
        let kinds = owner.get(..owner.len().saturating_sub(workload.len() + 2)).unwrap_or_default();
        let word = kinds.rsplit_once('/').map(|(_, word)| word);
        Self::ALL.iter().find(|(_, own)| Some(*own) == word).map(|(kind, _)| *kind).unwrap_or_default()
    }
}

/// A workload. Texts are empty where nothing is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Workload {
    /// Name of the pod.
    pub instance: String,
    /// Name of the Kubernetes cluster.
    pub cluster: String,
    /// Namespace.
    pub namespace: String,
    /// Name of the workload.
    pub workload: String,
    /// Canonical service.
    pub canonical_name: String,
    /// Canonical revision.
    pub canonical_revision: String,
    /// Label `app`.
    pub app: String,
    /// Label `version`.
    pub version: String,
    /// What runs it.
    pub kind: Kind,
    /// Further labels that the configuration names.
    pub labels: BTreeMap<String, String>,
}

impl Workload {
    /// From the metadata of a node (`NAME`, `NAMESPACE`, `LABELS`...); `more` are labels to take beside the usual ones.
    pub fn of_metadata<'m>(metadata: impl IntoIterator<Item = (&'m String, &'m Value)>, more: &[String]) -> Self {
        let mut workload = Self::default();
        let mut owner = "";
        for (key, value) in metadata {
            let text = || value.as_str().unwrap_or_default().to_string();
            match key.as_str() {
                "NAME" => workload.instance = text(),
                "NAMESPACE" => workload.namespace = text(),
                "WORKLOAD_NAME" => workload.workload = text(),
                "CLUSTER_ID" => workload.cluster = text(),
                "OWNER" => owner = value.as_str().unwrap_or_default(),
                "LABELS" => workload.take_labels(value.as_object(), more),
                _ => {}
            }
        }
        workload.kind = Kind::of_owner(owner, &workload.workload);
        workload
    }

    fn take_labels(&mut self, labels: Option<&Map<String, Value>>, more: &[String]) {
        for (key, value) in labels.into_iter().flatten() {
            let text = value.as_str().unwrap_or_default().to_string();
            match key.as_str() {
                CANONICAL_NAME => self.canonical_name = text,
                CANONICAL_REVISION => self.canonical_revision = text,
                "app" => self.app = text,
                "version" => self.version = text,
                key if more.iter().any(|name| name == key) => {
                    self.labels.insert(key.to_string(), text);
                }
                _ => {}
            }
        }
    }

    /// From the value of `x-envoy-peer-metadata`: base64 of a `google.protobuf.Struct`.
    pub fn of_header(value: &str, more: &[String]) -> Option<Self> {
        let message = Struct::decode(BASE64.decode(value).ok()?.as_slice()).ok()?;
        let fields = text_fields(message);
        Some(Self::of_metadata(&fields, more))
    }

    /// From the metadata of an endpoint: `workload;namespace;canonical-name;canonical-revision;cluster`.
    pub fn of_endpoint(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(';').collect();
        let [workload, namespace, canonical_name, canonical_revision, cluster, ..] = parts[..] else { return None };
        Some(Self {
            workload: workload.into(),
            namespace: namespace.into(),
            canonical_name: canonical_name.into(),
            canonical_revision: canonical_revision.into(),
            cluster: cluster.into(),
            ..Self::default()
        })
    }

    /// The value of `x-envoy-peer-metadata`; the same workload always has the same text.
    pub fn to_header(&self) -> String {
        let mut labels = self.labels.clone();
        let known = [
            (CANONICAL_NAME, &self.canonical_name),
            (CANONICAL_REVISION, &self.canonical_revision),
            ("app", &self.app),
            ("version", &self.version),
        ];
        labels.extend(known.map(|(key, value)| (key.to_string(), value.clone())).into_iter().filter(filled));
        let labels = encode_struct(labels.into_iter().map(|(key, value)| (key, encode_text(&value))));
        let owner = self.kind.word().map(|kind| format!("{OWNER}{}/{kind}s/{}", self.namespace, self.workload));
        let texts = [
            ("CLUSTER_ID", self.cluster.clone()),
            ("NAME", self.instance.clone()),
            ("NAMESPACE", self.namespace.clone()),
            ("OWNER", owner.unwrap_or_default()),
            ("WORKLOAD_NAME", self.workload.clone()),
        ];
        let texts = texts.map(|(key, value)| (key.to_string(), value)).into_iter().filter(filled);
        let mut fields: BTreeMap<String, Vec<u8>> = texts.map(|(key, value)| (key, encode_text(&value))).collect();
        let mut nested = Vec::new();
        write_bytes(&mut nested, 5, &labels);
        fields.insert("LABELS".into(), nested);
        BASE64_STANDARD.encode(encode_struct(fields))
    }

    /// What logs and filter state show, as Istio's filter state object has its fields.
    pub fn to_json(&self) -> Value {
        let mut fields = Map::new();
        let texts = [
            ("app", &self.app),
            ("cluster", &self.cluster),
            ("name", &self.instance),
            ("namespace", &self.namespace),
            ("revision", &self.canonical_revision),
            ("service", &self.canonical_name),
            ("version", &self.version),
            ("workload", &self.workload),
        ];
        fields.extend(
            texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key.into(), json!(text))),
        );
        if let Some(kind) = self.kind.word() {
            fields.insert("type".into(), json!(kind));
        }
        if !self.labels.is_empty() {
            fields.insert("labels".into(), json!(self.labels));
        }
        Value::Object(fields)
    }
}

fn filled((_, value): &(String, String)) -> bool {
    !value.is_empty()
}

/// Texts and objects of texts; anything else is not read.
fn text_fields(message: Struct) -> Map<String, Value> {
    let read = |(key, value): (String, PbValue)| match value.kind? {
        PbKind::StringValue(text) => Some((key, text.into())),
        PbKind::StructValue(inner) => {
            let texts = inner.fields.into_iter().filter_map(|(key, value)| match value.kind? {
                PbKind::StringValue(text) => Some((key, text.into())),
                _ => None,
            });
            Some((key, Value::Object(texts.collect())))
        }
        _ => None,
    };
    message.fields.into_iter().filter_map(read).collect()
}

fn write_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// A `Value` with a text.
fn encode_text(text: &str) -> Vec<u8> {
    let mut value = Vec::with_capacity(text.len() + 4);
    write_bytes(&mut value, 3, text.as_bytes());
    value
}

/// A `Struct` with its keys in order.
fn encode_struct(fields: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut message = Vec::new();
    for (key, value) in fields {
        let mut entry = Vec::with_capacity(key.len() + value.len() + 6);
        write_bytes(&mut entry, 1, key.as_bytes());
        write_bytes(&mut entry, 2, &value);
        write_bytes(&mut message, 1, &entry);
    }
    message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn node() -> BTreeMap<String, Value> {
        let json = json!({ "NAME": "web-1", "NAMESPACE": "shop", "WORKLOAD_NAME": "web", "CLUSTER_ID": "Kubernetes",
            "OWNER": "kubernetes://apis/apps/v1/namespaces/shop/deployments/web", "ISTIO_VERSION": "1.30",
            "LABELS": { "app": "web", "version": "v1", CANONICAL_NAME: "web", CANONICAL_REVISION: "v1", "role": "r", "x": "y" } });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_node_is_read_and_written() {
        let workload = Workload::of_metadata(&node(), &["role".into()]);
        assert_eq!((workload.kind, workload.labels.len()), (Kind::Deployment, 1));
        assert_eq!(Workload::of_header(&workload.to_header(), &["role".into()]), Some(workload.clone()));
        let shown = json!({ "app": "web", "cluster": "Kubernetes", "labels": { "role": "r" }, "name": "web-1",
            "namespace": "shop", "revision": "v1", "service": "web", "type": "deployment", "version": "v1", "workload": "web" });
        assert_eq!(workload.to_json(), shown);
    }

    #[test]
    fn an_endpoint_says_it_in_short() {
        let workload = Workload::of_endpoint("web;shop;web;v1;Kubernetes").unwrap();
        assert_eq!((workload.workload.as_str(), workload.cluster.as_str()), ("web", "Kubernetes"));
        assert_eq!(Workload::of_endpoint("web;shop"), None);
    }

    proptest! {
        #[test]
        fn headers_come_back(names in proptest::collection::vec("[a-z]{0,8}", 8), kind in 0usize..5) {
            let kind = if kind == 4 { Kind::Unknown } else { Kind::ALL[kind].0 };
            let text = |at: usize| names[at].clone();
            let workload = Workload { instance: text(0), cluster: text(1), namespace: text(2), workload: text(3),
                canonical_name: text(4), canonical_revision: text(5), app: text(6), version: text(7), kind,
                labels: BTreeMap::new() };
            prop_assert_eq!(Workload::of_header(&workload.to_header(), &[]), Some(workload));
        }

        #[test]
        fn no_header_panics(value in "[A-Za-z0-9+/=]{0,80}") {
            let _ = Workload::of_header(&value, &[]);
        }
    }
}
