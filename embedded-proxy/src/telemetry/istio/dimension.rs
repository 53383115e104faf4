//! Values of additional labels: CEL expressions. Those that name one attribute, or a text, are not evaluated as such.

use serde_json::Value;

use crate::bootstrap::Node;
use crate::cel::{Attributes, Program};
use crate::istio::{Peers, Workload};
use crate::telemetry::format::{Format, FormatContext, Piece};

/// Where a label's value comes from.
#[derive(Debug, Clone)]
pub enum Dimension {
    /// The same for all.
    Text(String),
    /// An attribute of the exchange.
    Format(Format),
    /// A label or field of a peer: true for the one behind the endpoint.
    Peer(bool, String),
    /// Any other expression.
    Expression(Box<Program>),
}

/// Attributes under the names of Envoy's expressions, as operators.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("connection.requested_server_name", "REQUESTED_SERVER_NAME"),
    ("connection.subject_peer_certificate", "DOWNSTREAM_PEER_SUBJECT"),
    ("connection.tls_version", "DOWNSTREAM_TLS_VERSION"),
    ("connection.uri_san_local_certificate", "DOWNSTREAM_LOCAL_URI_SAN"),
    ("connection.uri_san_peer_certificate", "DOWNSTREAM_PEER_URI_SAN"),
    ("destination.address", "DOWNSTREAM_LOCAL_ADDRESS"),
    ("destination.port", "DOWNSTREAM_LOCAL_PORT"),
    ("request.host", "REQ(:AUTHORITY)"),
    ("request.id", "REQ(X-REQUEST-ID)"),
    ("request.method", "REQ(:METHOD)"),
    ("request.path", "REQ(:PATH)"),
    ("request.protocol", "PROTOCOL"),
    ("request.referer", "REQ(REFERER)"),
    ("request.scheme", "REQ(:SCHEME)"),
    ("request.url_path", "PATH(NQ:PATH)"),
    ("request.useragent", "REQ(USER-AGENT)"),
    ("response.code", "RESPONSE_CODE"),
    ("response.code_details", "RESPONSE_CODE_DETAILS"),
    ("source.address", "DOWNSTREAM_REMOTE_ADDRESS"),
    ("source.port", "DOWNSTREAM_REMOTE_PORT"),
    ("upstream.address", "UPSTREAM_HOST"),
    ("upstream.local_address", "UPSTREAM_LOCAL_ADDRESS"),
    ("upstream.uri_san_peer_certificate", "UPSTREAM_PEER_URI_SAN"),
    ("xds.cluster_name", "UPSTREAM_CLUSTER_RAW"),
    ("xds.filter_chain_name", "FILTER_CHAIN_NAME"),
    ("xds.route_name", "ROUTE_NAME"),
];

impl Dimension {
    /// Reads an expression. The error says that the proxy cannot evaluate it.
    pub fn parse(expression: &str, node: &Node) -> Result<Self, String> {
        let text = expression.trim();
        let text = text.strip_prefix("string(").and_then(|inner| inner.strip_suffix(')')).unwrap_or(text).trim();
        let parsed = quoted(text)
            .or_else(|| text.parse::<u64>().ok().map(|number| number.to_string()))
            .map(Self::Text)
            .or_else(|| attribute(text))
            .or_else(|| node_value(text, node).map(Self::Text))
            .or_else(|| peer(text));
        match parsed {
            Some(parsed) => Ok(parsed),
            None => Program::parse(expression).map(|program| Self::Expression(Box::new(program))),
        }
    }

    /// The value for these facts; `unknown` when there is none.
    pub fn value(&self, context: &FormatContext<'_>, peers: Option<&Peers>) -> String {
        let value = match self {
            Self::Text(text) => Some(text.clone()),
            Self::Format(format) => match format.single(context) {
                Some(Piece::None) | None => None,
                Some(_) => Some(format.text(context)),
            },
            Self::Peer(upstream, field) => peers
                .and_then(|peers| if *upstream { peers.upstream.as_deref() } else { peers.downstream.as_deref() })
                .and_then(|peer| field_of(peer, field)),
            Self::Expression(program) => program.text(&Attributes::of_context(context)),
        };
        value.unwrap_or_else(|| "unknown".into())
    }
}

/// A text in single or double quotes, without escapes.
fn quoted(text: &str) -> Option<String> {
    let inner = ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote))?;
    (!inner.contains(['"', '\'', '\\'])).then(|| inner.to_string())
}

fn attribute(text: &str) -> Option<Dimension> {
    let operator = ATTRIBUTES.iter().find(|(name, _)| *name == text).map(|(_, operator)| (*operator).to_string());
    let header = |prefix: &str, operator: &str| {
        let name = text.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']')?;
        Some(format!("{operator}({})", quoted(name)?))
    };
    let operator = operator
        .or_else(|| header("request.headers", "REQ"))
        .or_else(|| header("response.headers", "RESP"))
        .or_else(|| header("response.trailers", "TRAILER"))?;
    Format::parse(&format!("%{operator}%")).ok().map(Dimension::Format)
}

/// `node.id`, `node.cluster`, `node.metadata['A']['B']`: known when the configuration is read.
fn node_value(text: &str, node: &Node) -> Option<String> {
    match text {
        "node.id" => return Some(node.id.clone()),
        "node.cluster" => return Some(node.cluster.clone()),
        _ => {}
    }
    let keys = keys(text.strip_prefix("node.metadata")?)?;
    let mut keys = keys.iter();
    let mut value = node.metadata.get(keys.next()?);
    for key in keys {
        value = value.and_then(|value| value.get(key));
    }
    Some(value.and_then(Value::as_str).unwrap_or("unknown").to_string())
}

/// `['A'].B` as the keys A and B.
fn keys(mut text: &str) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix('[') {
            let (key, rest) = rest.split_once(']')?;
            keys.push(quoted(key)?);
            text = rest;
        } else {
            let rest = text.strip_prefix('.')?;
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            keys.push(rest[..end].to_string());
            text = &rest[end..];
        }
    }
    (!keys.is_empty() && keys.iter().all(|key| !key.is_empty())).then_some(keys)
}

/// `upstream_peer.labels['role'].value`, `filter_state.downstream_peer.app`.
fn peer(text: &str) -> Option<Dimension> {
    let text = text.strip_prefix("filter_state").map_or(Some(text.to_string()), |rest| {
        let keys = keys(rest)?;
        let (name, rest) = keys.split_first()?;
        let mut text = name.clone();
        for key in rest {
            text.push('.');
            text.push_str(key);
        }
        Some(text)
    })?;
    let (upstream, rest) = match text.strip_prefix("upstream_peer") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("downstream_peer")?),
    };
    let keys = keys(rest)?;
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    match keys[..] {
        ["labels", label] | ["labels", label, "value"] => Some(Dimension::Peer(upstream, format!("labels.{label}"))),
        [field] if FIELDS.contains(&field) => Some(Dimension::Peer(upstream, field.to_string())),
        _ => None,
    }
}

const FIELDS: &[&str] =
    &["app", "cluster", "cluster_id", "name", "namespace", "revision", "service", "type", "version", "workload"];

fn field_of(peer: &Workload, field: &str) -> Option<String> {
    if let Some(label) = field.strip_prefix("labels.") {
        let known = match label {
            "app" => &peer.app,
            "version" => &peer.version,
            "service.istio.io/canonical-name" => &peer.canonical_name,
            "service.istio.io/canonical-revision" => &peer.canonical_revision,
            label => peer.labels.get(label)?,
        };
        return Some(known.clone()).filter(|text| !text.is_empty());
    }
    let text = match field {
        "app" => &peer.app,
        "cluster" | "cluster_id" => &peer.cluster,
        "name" => &peer.instance,
        "namespace" => &peer.namespace,
        "revision" => &peer.canonical_revision,
        "service" => &peer.canonical_name,
        "type" => return peer.kind.word().map(str::to_string),
        "version" => &peer.version,
        _ => &peer.workload,
    };
    Some(text.clone()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::stream::{Connection, StreamInfo};

    fn value(expression: &str) -> Result<String, String> {
        let mut node = Node { id: "n".into(), ..Node::default() };
        node.metadata.insert("LABELS".into(), json!({"app": "web"}));
        let connection = Connection::plain("127.0.0.1:80".parse().unwrap(), "127.0.0.1:2".parse().unwrap());
        let info = StreamInfo::begin();
        let peer = Workload { app: "shop".into(), labels: [("role".into(), "r".into())].into(), ..Workload::default() };
        let peers = Peers { upstream: Some(Arc::new(peer)), downstream: None };
        let dimension = Dimension::parse(expression, &node)?;
        Ok(dimension.value(&FormatContext::new(&connection, &info), Some(&peers)))
    }

    #[test]
    fn texts_and_single_attributes_are_evaluated() {
        for (expression, expected) in [
            ("'a'", "a"),
            ("\"b\"", "b"),
            ("string(destination.port)", "80"),
            ("request.host", "unknown"),
            ("request.headers['x-a']", "unknown"),
            ("node.metadata['LABELS']['app']", "web"),
            ("node.metadata.LABELS.app", "web"),
            ("node.id", "n"),
            ("upstream_peer.labels['role'].value", "r"),
            ("filter_state.upstream_peer.app", "shop"),
            ("filter_state['downstream_peer'].app", "unknown"),
            ("upstream_peer.nope", "unknown"),
            ("connection.mtls ? 'a' : 'b' + 'c'", "bc"),
            ("request.host + 'a'", "unknown"),
        ] {
            assert_eq!(value(expression).as_deref(), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn other_expressions_are_refused() {
        for expression in ["request.nope + 'a'", "a.b", "'a' ==", "", "node.nope"] {
            assert!(value(expression).is_err(), "{expression}");
        }
    }
}
