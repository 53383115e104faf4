//! The listener filter `envoy.filters.listener.proxy_protocol`.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::inspect::proxy_protocol::Header;
use crate::proto::Reader;
use crate::telemetry::stats::{Counter, Scope};

/// Namespace of TLVs whose rule names none.
const NAMESPACE: &str = "envoy.filters.listener.proxy_protocol";

/// Which headers are taken, and what becomes of their TLVs.
#[derive(Debug)]
pub struct ProxyProtocol {
    /// Connections without a header are served as they are.
    pub optional: bool,
    disallowed: [bool; 2],
    rules: Vec<Rule>,
    found: [Arc<Counter>; 2],
    refused: [Arc<Counter>; 2],
    pub(super) error: Arc<Counter>,
    pub(super) without: [Arc<Counter>; 2],
}

#[derive(Debug)]
struct Rule {
    kind: u8,
    namespace: String,
    key: String,
    base64: bool,
}

impl ProxyProtocol {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, root: &Scope) -> Option<Self> {
        if reader.word("tlv_location") == "FILTER_STATE" {
            reader.defect("tlv_location", "the proxy keeps TLVs in dynamic metadata only");
        }
        let rules: Vec<Option<Rule>> = reader.list("rules").iter().map(Rule::read).collect();
        let refused = reader.numbers("disallowed_versions");
        let mut stats = root.sub("proxy_proto");
        if let Some(prefix) = reader.opt_text("stat_prefix") {
            stats = stats.sub(&prefix);
        }
        let both = |name: &str| ["v1", "v2"].map(|version| stats.sub("versions").sub(version).counter(name));
        Some(Self {
            optional: reader.flag("allow_requests_without_proxy_protocol"),
            disallowed: [refused.contains(&0), refused.contains(&1)],
            rules: rules.into_iter().collect::<Option<_>>()?,
            found: both("found"),
            refused: both("disallowed"),
            error: stats.counter("downstream_cx_proxy_proto_error"),
            without: [stats.counter("not_found_disallowed"), stats.counter("not_found_allowed")],
        })
    }

    /// Whether headers of this version are taken; counts it.
    pub(super) fn takes(&self, header: &Header) -> bool {
        let index = usize::from(header.version == 2);
        let stat = if self.disallowed[index] { &self.refused[index] } else { &self.found[index] };
        stat.inc();
        !self.disallowed[index]
    }

    /// What the rules keep of a header's TLVs: values by namespace and key.
    pub(super) fn metadata(&self, header: &Header) -> BTreeMap<String, Value> {
        let mut all: BTreeMap<String, serde_json::Map<String, Value>> = BTreeMap::new();
        for (kind, value) in &header.tlvs {
            for rule in self.rules.iter().filter(|rule| rule.kind == *kind) {
                let text = if rule.base64 { STANDARD.encode(value) } else { sanitized(value) };
                all.entry(rule.namespace.clone()).or_default().insert(rule.key.clone(), Value::String(text));
            }
        }
        all.into_iter().map(|(namespace, values)| (namespace, Value::Object(values))).collect()
    }
}

/// Text with what is not UTF-8 replaced by `!`, as in Envoy.
fn sanitized(value: &[u8]) -> String {
    let mut text = String::new();
    for chunk in value.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('!', chunk.invalid().len()));
    }
    text
}

impl Rule {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let kind = reader.number("tlv_type").unwrap_or(0);
        let pair = reader.need("on_tlv_present")?;
        let Ok(kind) = u8::try_from(kind) else {
            reader.defect("tlv_type", format!("{kind} is no type"));
            return None;
        };
        Some(Self {
            kind,
            namespace: pair.opt_text("metadata_namespace").unwrap_or_else(|| NAMESPACE.into()),
            key: pair.need_text("key")?,
            base64: pair.word("value_string_encoding") == "BASE64",
        })
    }
}
