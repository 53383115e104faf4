//! Rate limit configurations of routes: what a request is counted under.

use ipnet::IpNet;

use crate::matching::{AddressMatcher, Field, Fields as _, HeaderMatcher, QueryMatcher, at, parameters};
use crate::proto::Reader;
use crate::stream::Exchange;
use crate::telemetry::format::{Format, FormatContext};

/// A list of configurations.
#[derive(Debug, Clone, Default)]
pub struct RateLimits(Vec<RateLimit>);

/// `envoy.config.route.v3.RateLimit`.
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// Which of several filters takes it, 0 to 10.
    pub stage: u32,
    /// Runtime key that turns it off; there is no runtime here, so it never does.
    pub disable_key: String,
    /// Whether it counts when the response is over instead of before the request goes on.
    pub on_stream_done: bool,
    actions: Vec<RateLimitAction>,
    limit: Option<LimitOverride>,
    hits: Option<Hits>,
}

/// What a request is counted under: entries of keys and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// Keys and values in order.
    pub entries: Vec<(String, String)>,
    /// Requests per unit (`MINUTE`), instead of the service's own limit.
    pub limit: Option<(u32, String)>,
    /// How much one request counts, when it is not 1.
    pub hits: Option<u64>,
    /// Whether the hits are given back instead of taken.
    pub negative: bool,
}

/// The part of a descriptor that one action gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A key and a value.
    Pair(String, String),
    /// Nothing, and the descriptor goes on without it.
    Skip,
    /// Nothing, and there is no descriptor.
    Stop,
}

#[derive(Debug, Clone)]
enum LimitOverride {
    Fixed(u32, String),
    Metadata(String, Vec<String>),
}

#[derive(Debug, Clone)]
enum Hits {
    Number(u64, bool),
    Format(Format, bool),
}

/// A key with the value when the condition of the action holds, and the one for an empty value.
#[derive(Debug, Clone)]
struct Named {
    key: String,
    value: Format,
    default: String,
}

/// One action.
#[derive(Debug, Clone)]
pub struct RateLimitAction(Kind);

#[derive(Debug, Clone)]
enum Kind {
    SourceCluster,
    DestinationCluster,
    Header { field: Field, key: String, skip: bool },
    Query { name: String, key: String, skip: bool },
    RemoteAddress,
    MaskedAddress { v4: u8, v6: u8 },
    Generic(Named),
    Headers { named: Named, expect: bool, headers: Vec<HeaderMatcher> },
    Queries { named: Named, expect: bool, queries: Vec<QueryMatcher> },
    Address { named: Named, matcher: AddressMatcher },
    Metadata { key: String, filter: String, path: Vec<String>, default: String, route: bool, skip: bool },
}

impl RateLimits {
    /// Reads a field that holds `RateLimit`s.
    pub fn read(reader: &Reader<'_>, field: &str) -> Option<Self> {
        let all: Vec<_> = reader.list(field).iter().map(RateLimit::read).collect();
        all.into_iter().collect::<Option<_>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of a stage.
    pub fn stage(&self, stage: u32) -> impl Iterator<Item = &RateLimit> {
        self.0.iter().filter(move |limit| limit.stage == stage)
    }
}

impl RateLimit {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        if reader.word("x_ratelimit_option") == "DRAFT_VERSION_03" {
            reader.defect(
                "x_ratelimit_option",
                "the proxy does not have this option per rate limit; set it at the filter",
            );
        }
        let actions: Vec<_> = reader.list("actions").iter().map(RateLimitAction::read).collect();
        let limit = match reader.message("limit") {
            Some(limit) => Some(LimitOverride::read(&limit)?),
            None => None,
        };
        let hits = match reader.message("hits_addend") {
            Some(hits) => Some(Hits::read(&hits)?),
            None => None,
        };
        Some(Self {
            stage: reader.u32("stage").unwrap_or(0),
            disable_key: reader.text("disable_key"),
            on_stream_done: reader.flag("apply_on_stream_done"),
            actions: actions.into_iter().collect::<Option<_>>()?,
            limit,
            hits,
        })
    }

    /// The descriptor of a request. `node` is the proxy's own service cluster. None: the request is not counted.
    pub fn descriptor(&self, exchange: &Exchange, node: &str) -> Option<Descriptor> {
        let mut descriptor = Descriptor::default();
        for action in &self.actions {
            match action.descriptor(exchange, node) {
                Entry::Pair(key, value) => descriptor.entries.push((key, value)),
                Entry::Skip => {}
                Entry::Stop => return None,
            }
        }
        if descriptor.entries.is_empty() {
            return None;
        }
        descriptor.limit = self.limit.as_ref().and_then(|limit| limit.value(exchange));
        if let Some(hits) = &self.hits {
            (descriptor.hits, descriptor.negative) = hits.value(exchange);
        }
        Some(descriptor)
    }
}

impl LimitOverride {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        if let Some(fixed) = reader.message("rate_limit") {
            return Some(Self::Fixed(fixed.u32("requests_per_unit").unwrap_or(0), fixed.word("unit")));
        }
        let (filter, path) = read_key(&reader.need("dynamic_metadata")?)?;
        Some(Self::Metadata(filter, path))
    }

    fn value(&self, exchange: &Exchange) -> Option<(u32, String)> {
        match self {
            Self::Fixed(requests, unit) => Some((*requests, unit.clone())),
            Self::Metadata(filter, path) => {
                let value = at(exchange.info.metadata.get(filter)?, path)?;
                let requests = u32::try_from(value.get("requests_per_unit")?.as_u64()?).ok()?;
                Some((requests, value.get("unit")?.as_str()?.to_string()))
            }
        }
    }
}

impl Hits {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let negative = reader.flag("is_negative_hits");
        match reader.opt_text("format") {
            None => Some(Self::Number(reader.number("number").unwrap_or(1), negative)),
            Some(_) if reader.has("number") => {
                reader.defect("", "number and format exclude each other");
                None
            }
            Some(format) => Some(Self::Format(read_format(reader, "format", &format)?, negative)),
        }
    }

    /// A format that gives no number counts as one hit.
    fn value(&self, exchange: &Exchange) -> (Option<u64>, bool) {
        match self {
            Self::Number(number, negative) => (Some(*number), *negative),
            Self::Format(format, negative) => {
                let text = format.text(&FormatContext::of(exchange));
                let number = text.trim().parse::<f64>().ok().filter(|number| (0.0..=1e9).contains(number));
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // The range is checked.
                (number.map(|number| number as u64), *negative)
            }
        }
    }
}

/// Reads `envoy.type.metadata.v3.MetadataKey`: namespace and path.
pub fn read_key(reader: &Reader<'_>) -> Option<(String, Vec<String>)> {
    let filter = reader.need_text("key");
    let path: Vec<_> = reader.list("path").iter().map(|segment| segment.need_text("key")).collect();
    Some((filter?, path.into_iter().collect::<Option<_>>()?))
}

fn read_format(reader: &Reader<'_>, field: &str, text: &str) -> Option<Format> {
    match Format::parse(text) {
        Ok(format) => Some(format.omit_empty()),
        Err(error) => {
            reader.defect(field, error);
            None
        }
    }
}

impl Named {
    fn read(reader: &Reader<'_>, default_key: &str) -> Option<Self> {
        let key = reader.opt_text("descriptor_key").unwrap_or_else(|| default_key.to_string());
        let default = reader.text("default_value");
        let value = reader.need_text("descriptor_value")?;
        Some(Self { key, value: read_format(reader, "descriptor_value", &value)?, default })
    }

    fn entry(&self, exchange: &Exchange) -> Entry {
        let value = self.value.text(&FormatContext::of(exchange));
        match (value.is_empty(), self.default.is_empty()) {
            (false, _) => Entry::Pair(self.key.clone(), value),
            (true, false) => Entry::Pair(self.key.clone(), self.default.clone()),
            (true, true) => Entry::Stop,
        }
    }
}

impl RateLimitAction {
    /// Reads `RateLimit.Action`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let Some(choice) = reader.choice("action_specifier") else {
            reader.defect("", "says no action");
            return None;
        };
        if choice == "extension" {
            reader.defect("extension", "the proxy does not have rate limit descriptors of extensions");
            return None;
        }
        let action = reader.message(&choice)?;
        Kind::read(&choice, &action).map(Self)
    }

    /// What the action gives for a request. `node` is the proxy's own service cluster.
    pub fn descriptor(&self, exchange: &Exchange, node: &str) -> Entry {
        self.0.entry(exchange, node)
    }
}

impl Kind {
    fn read(choice: &str, action: &Reader<'_>) -> Option<Self> {
        let expect = |action: &Reader<'_>| action.opt_flag("expect_match").unwrap_or(true);
        Some(match choice {
            "source_cluster" => Self::SourceCluster,
            "destination_cluster" => Self::DestinationCluster,
            "remote_address" => Self::RemoteAddress,
            "masked_remote_address" => read_masked(action)?,
            "generic_key" => Self::Generic(Named::read(action, "generic_key")?),
            "request_headers" => Self::Header {
                field: super::need_field(action, "header_name")?,
                key: action.need_text("descriptor_key")?,
                skip: action.flag("skip_if_absent"),
            },
            "query_parameters" => Self::Query {
                name: action.need_text("query_parameter_name")?,
                key: action.need_text("descriptor_key")?,
                skip: action.flag("skip_if_absent"),
            },
            "header_value_match" => Self::Headers {
                named: Named::read(action, "header_match")?,
                expect: expect(action),
                headers: HeaderMatcher::read_all(&action.list("headers"))?,
            },
            "query_parameter_value_match" => Self::Queries {
                named: Named::read(action, "query_match")?,
                expect: expect(action),
                queries: QueryMatcher::read_all(&action.list("query_parameters"))?,
            },
            "remote_address_match" => Self::Address {
                named: Named::read(action, "remote_address_match")?,
                matcher: AddressMatcher::read(&action.need("address_matcher")?)?,
            },
            "dynamic_metadata" => read_metadata(action, false, false)?,
            "metadata" => match action.word("source").as_str() {
                "DYNAMIC" => read_metadata(action, false, action.flag("skip_if_absent"))?,
                "ROUTE_ENTRY" => read_metadata(action, true, action.flag("skip_if_absent"))?,
                other => {
                    action.defect("source", format!("the proxy does not have rate limits by metadata of {other}"));
                    return None;
                }
            },
            other => {
                action.defect("", format!("the proxy does not have the rate limit action {other}"));
                return None;
            }
        })
    }

    fn entry(&self, exchange: &Exchange, node: &str) -> Entry {
        let head = &exchange.request.head;
        match self {
            Self::SourceCluster => Entry::Pair("source_cluster".into(), node.into()),
            Self::DestinationCluster => {
                let cluster = exchange.route.as_ref().and_then(super::RouteHit::cluster);
                Entry::Pair("destination_cluster".into(), cluster.unwrap_or_default().into())
            }
            Self::Header { field, key, skip } => {
                found(key, *skip, head.value(field).map(|value| String::from_utf8_lossy(&value).into_owned()))
            }
            Self::Query { name, key, skip } => found(key, *skip, decoded_parameter(head.query(), name)),
            Self::RemoteAddress => match exchange.client().ip() {
                Some(address) => Entry::Pair("remote_address".into(), address.to_string()),
                None => Entry::Stop,
            },
            Self::MaskedAddress { v4, v6 } => {
                let address = exchange.client().ip();
                let net = address.and_then(|ip| IpNet::new(ip, if ip.is_ipv4() { *v4 } else { *v6 }).ok());
                net.map_or(Entry::Stop, |net| Entry::Pair("masked_remote_address".into(), net.trunc().to_string()))
            }
            Self::Generic(named) => named.entry(exchange),
            Self::Headers { named, expect, headers } => {
                let matched = headers.iter().all(|header| header.matches(head));
                if matched == *expect { named.entry(exchange) } else { Entry::Stop }
            }
            Self::Queries { named, expect, queries } => {
                let matched = queries.iter().all(|query| query.matches(head.query()));
                if matched == *expect { named.entry(exchange) } else { Entry::Stop }
            }
            Self::Address { named, matcher } => {
                if exchange.client().ip().is_some_and(|address| matcher.matches(address)) {
                    named.entry(exchange)
                } else {
                    Entry::Stop
                }
            }
            Self::Metadata { key, filter, path, default, route, skip } => {
                let metadata = match (route, &exchange.route) {
                    (true, Some(hit)) => hit.route().metadata.get(filter),
                    (true, None) => None,
                    (false, _) => exchange.info.metadata.get(filter),
                };
                let value = metadata.and_then(|value| at(value, path)).and_then(|value| value.as_str());
                let value = value.filter(|value| !value.is_empty()).unwrap_or(default);
                found(key, *skip, (!value.is_empty()).then(|| value.to_string()))
            }
        }
    }
}

fn found(key: &str, skip: bool, value: Option<String>) -> Entry {
    match value {
        Some(value) => Entry::Pair(key.to_string(), value),
        None if skip => Entry::Skip,
        None => Entry::Stop,
    }
}

fn read_masked(action: &Reader<'_>) -> Option<Kind> {
    let length = |field: &str, most: u8| {
        let length = action.number(field).map_or(Some(most), |length| u8::try_from(length).ok());
        if length.is_none_or(|length| length > most) {
            action.defect(field, format!("must not exceed {most}"));
        }
        length
    };
    let (v4, v6) = (length("v4_prefix_mask_len", 32), length("v6_prefix_mask_len", 128));
    Some(Kind::MaskedAddress { v4: v4?, v6: v6? })
}

fn read_metadata(action: &Reader<'_>, route: bool, skip: bool) -> Option<Kind> {
    let key = action.need_text("descriptor_key");
    let default = action.text("default_value");
    let (filter, path) = read_key(&action.need("metadata_key")?)?;
    Some(Kind::Metadata { key: key?, filter, path, default, route, skip })
}

/// The first value of a parameter with `%XX` and `+` decoded.
fn decoded_parameter(query: Option<&str>, name: &str) -> Option<String> {
    parameters(query?).find(|(other, _)| decode(other) == name).map(|(_, value)| decode(value))
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [first, rest @ ..] = bytes {
        let hex = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, rest) {
            (b'%', [high, low, tail @ ..]) if hex(high).is_some() && hex(low).is_some() => {
                out.push(hex(high).unwrap_or(0) * 16 + hex(low).unwrap_or(0));
                bytes = tail;
            }
            (byte, rest) => {
                out.push(*byte);
                bytes = rest;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{exchange, read};
    use super::*;

    fn descriptor(actions: &Value) -> Option<Vec<(String, String)>> {
        let config = json!({ "actions": actions });
        let limit = read("envoy.config.route.v3.RateLimit", &config, RateLimit::read).unwrap();
        let exchange = exchange("GET", "h", "/p?a=x%2fy&b", &[("x-user", "u")]);
        limit.descriptor(&exchange, "me").map(|descriptor| descriptor.entries)
    }

    #[allow(clippy::unnecessary_wraps)] // As descriptors come.
    fn pair(key: &str, value: &str) -> Option<Vec<(String, String)>> {
        Some(vec![(key.into(), value.into())])
    }

    #[test]
    fn each_action_gives_its_entry() {
        assert_eq!(descriptor(&json!([{"source_cluster": {}}])), pair("source_cluster", "me"));
        assert_eq!(descriptor(&json!([{"remote_address": {}}])), pair("remote_address", "127.0.0.1"));
        assert_eq!(
            descriptor(&json!([{"generic_key": {"descriptor_value": "%REQ(x-user)%"}}])),
            pair("generic_key", "u")
        );
        let masked = json!([{"masked_remote_address": {"v4_prefix_mask_len": 8}}]);
        assert_eq!(descriptor(&masked), pair("masked_remote_address", "127.0.0.0/8"));
        let header = json!([{"request_headers": {"header_name": "x-user", "descriptor_key": "k"}}]);
        assert_eq!(descriptor(&header), pair("k", "u"));
        let query = json!([{"query_parameters": {"query_parameter_name": "a", "descriptor_key": "k"}}]);
        assert_eq!(descriptor(&query), pair("k", "x/y"));
        let matched = json!([{"header_value_match": {"descriptor_value": "v", "headers": [{"name": "x-user"}]}}]);
        assert_eq!(descriptor(&matched), pair("header_match", "v"));
        let matched =
            json!([{"query_parameter_value_match": {"descriptor_value": "v", "query_parameters": [{"name": "b"}]}}]);
        assert_eq!(descriptor(&matched), pair("query_match", "v"));
    }

    #[test]
    fn what_is_missing_stops_or_is_skipped() {
        let missing = |skip: bool| {
            json!([{"generic_key": {"descriptor_value": "g"}},
                {"request_headers": {"header_name": "x-no", "descriptor_key": "k", "skip_if_absent": skip}}])
        };
        assert_eq!(descriptor(&missing(true)), pair("generic_key", "g"));
        assert_eq!(descriptor(&missing(false)), None);
        let inverse = json!([{"header_value_match":
            {"descriptor_value": "v", "expect_match": false, "headers": [{"name": "x-user"}]}}]);
        assert_eq!(descriptor(&inverse), None);
    }
}
