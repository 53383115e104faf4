//! `envoy.config.accesslog.v3.AccessLogFilter`: which exchanges are logged.

use crate::cel::{Attributes, Program};
use crate::http::RequestHead;
use crate::matching::{HeaderMatcher, MetadataMatcher, at};
use crate::proto::{Fraction, Reader};
use crate::stream::Flag;
use crate::telemetry::format::{FormatContext, LogType, any_grpc_status};

/// Whether an exchange is logged.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// The response code compares so; no response counts as 0.
    Status(Comparison),
    /// The duration in milliseconds compares so.
    Duration(Comparison),
    /// It was no health check.
    NotHealthCheck,
    /// Its trace is sampled.
    Traceable,
    /// A share of all; by the request id unless independent.
    Share {
        /// How many.
        share: Fraction,
        /// A random number of its own, not the request id, decides.
        independent: bool,
    },
    /// All of them say so.
    And(Vec<Filter>),
    /// One of them says so.
    Or(Vec<Filter>),
    /// A request header field matches.
    Header(HeaderMatcher),
    /// One of the flags is set; none given: any flag at all.
    Flags {
        /// The flags.
        flags: Vec<Flag>,
        /// Any flag counts.
        any: bool,
    },
    /// The gRPC status is one of these, or none of them.
    Grpc {
        /// The codes.
        statuses: Vec<i64>,
        /// None of them.
        exclude: bool,
    },
    /// Dynamic metadata matches.
    Metadata {
        /// The matcher.
        matcher: Option<MetadataMatcher>,
        /// The answer when nothing stands at the place.
        missing: bool,
    },
    /// The entry is of one of these kinds, or of none of them.
    Type {
        /// The kinds.
        types: Vec<LogType>,
        /// None of them.
        exclude: bool,
    },
    /// The expression is true; one that has no value for the exchange is not.
    Expression(Program),
}

/// A comparison with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    op: Op,
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Equal,
    AtLeast,
    AtMost,
    Not,
}

/// Flags that filters may name and that nothing here ever sets.
const NEVER_SET: &[&str] = &["RFCF", "DO", "UDO"];

impl Comparison {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let comparison = reader.need("comparison")?;
        let op = match comparison.word("op").as_str() {
            "GE" => Op::AtLeast,
            "LE" => Op::AtMost,
            "NE" => Op::Not,
            _ => Op::Equal,
        };
        let value = comparison.need("value")?;
        // Nothing overrides the default value at run time.
        value.ignore(&["runtime_key"]);
        Some(Self { op, number: value.number("default_value").unwrap_or(0) })
    }

    fn holds(self, value: u64) -> bool {
        match self.op {
            Op::Equal => value == self.number,
            Op::AtLeast => value >= self.number,
            Op::AtMost => value <= self.number,
            Op::Not => value != self.number,
        }
    }
}

impl Filter {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let Some(choice) = reader.choice("filter_specifier") else {
            reader.defect("filter_specifier", "must be set");
            return None;
        };
        if choice == "extension_filter" {
            let extension = reader.message("extension_filter")?;
            return read_extension(&extension);
        }
        let filter = reader.message(&choice)?;
        match choice.as_str() {
            "status_code_filter" => Comparison::read(&filter).map(Self::Status),
            "duration_filter" => Comparison::read(&filter).map(Self::Duration),
            "not_health_check_filter" => Some(Self::NotHealthCheck),
            "traceable_filter" => Some(Self::Traceable),
            "runtime_filter" => Some(share(&filter)),
            "and_filter" => several(&filter).map(Self::And),
            "or_filter" => several(&filter).map(Self::Or),
            "header_filter" => HeaderMatcher::read(&filter.need("header")?).map(Self::Header),
            "response_flag_filter" => flags(&filter),
            "grpc_status_filter" => Some(Self::Grpc {
                statuses: filter.numbers("statuses").into_iter().filter_map(|code| i64::try_from(code).ok()).collect(),
                exclude: filter.flag("exclude"),
            }),
            "metadata_filter" => metadata(&filter),
            "log_type_filter" => {
                let kind = |number: u64| LogType::ALL.get(usize::try_from(number).ok()?).copied();
                // Kinds that are not in the list are those of UDP and are never logged here.
                let types = filter.numbers("types").into_iter().filter_map(kind).collect();
                Some(Self::Type { types, exclude: filter.flag("exclude") })
            }
            other => {
                reader.defect(other, "the proxy does not have this filter");
                None
            }
        }
    }

    /// Whether the exchange is logged.
    pub fn takes(&self, context: &FormatContext<'_>) -> bool {
        match self {
            Self::Status(comparison) => comparison.holds(context.info.code.unwrap_or(0).into()),
            Self::Duration(comparison) => {
                comparison.holds(u64::try_from(context.info.duration().as_millis()).unwrap_or(u64::MAX))
            }
            Self::NotHealthCheck => !context.info.health_check,
            Self::Traceable => context.info.trace.as_ref().is_some_and(|(_, sampled)| *sampled),
            Self::Share { share, independent } => {
                let id = if *independent { None } else { context.request.and_then(request_number) };
                share.hits(id.unwrap_or_else(|| fastrand::u64(..)))
            }
            Self::And(filters) => filters.iter().all(|filter| filter.takes(context)),
            Self::Or(filters) => filters.iter().any(|filter| filter.takes(context)),
            Self::Header(matcher) => context.request.is_some_and(|head| matcher.matches(head)),
            Self::Flags { flags, any } => {
                (*any && !context.info.flags.is_empty()) || flags.iter().any(|flag| context.info.flags.has(*flag))
            }
            Self::Grpc { statuses, exclude } => {
                const UNKNOWN: i64 = 2;
                statuses.contains(&any_grpc_status(context).unwrap_or(UNKNOWN)) != *exclude
            }
            Self::Metadata { matcher, missing } => matcher.as_ref().map_or(*missing, |matcher| {
                let all = context.info.metadata.get(&matcher.filter);
                match all.and_then(|value| at(value, &matcher.path)).filter(|value| !value.is_null()) {
                    Some(value) => matcher.value.matches(Some(value)) != matcher.invert,
                    None => *missing,
                }
            }),
            Self::Expression(program) => program.holds(&Attributes::of_context(context)) == Some(true),
            Self::Type { types, exclude } => types.contains(&context.log_type) != *exclude,
        }
    }
}

/// Reads a filter that is an extension: there is one kind.
fn read_extension(extension: &Reader<'_>) -> Option<Filter> {
    let Some((kind, config)) = extension.any("typed_config") else {
        let name = extension.text("name");
        extension.defect("typed_config", format!("the proxy does not have the access log filter {name}"));
        return None;
    };
    extension.ignore(&["name"]); // The type decides.
    if kind != "envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter" {
        config.ignore_all();
        config.defect("", format!("the proxy does not have the access log filter {kind}"));
        return None;
    }
    // What the settings turn on is always on.
    if let Some(settings) = config.message("cel_config") {
        settings.ignore(&["enable_string_conversion", "enable_string_concat", "enable_string_functions"]);
    }
    match Program::parse(&config.text("expression")) {
        Ok(program) => Some(Filter::Expression(program)),
        Err(error) => {
            config.defect("expression", error);
            None
        }
    }
}

fn share(reader: &Reader<'_>) -> Filter {
    // Nothing overrides the share at run time.
    reader.ignore(&["runtime_key"]);
    let share = reader.fraction("percent_sampled").unwrap_or(Fraction { numerator: 0, denominator: 100 });
    Filter::Share { share, independent: reader.flag("use_independent_randomness") }
}

fn several(reader: &Reader<'_>) -> Option<Vec<Filter>> {
    let filters: Vec<Option<Filter>> = reader.list("filters").iter().map(Filter::read).collect();
    if filters.len() < 2 {
        reader.defect("filters", "holds less than two filters");
        return None;
    }
    filters.into_iter().collect()
}

fn flags(reader: &Reader<'_>) -> Option<Filter> {
    let words = reader.texts("flags");
    let mut flags = Vec::new();
    for word in &words {
        match Flag::ALL.iter().find(|flag| flag.short() == word) {
            Some(flag) => flags.push(*flag),
            None if NEVER_SET.contains(&word.as_str()) => {}
            None => {
                reader.defect("flags", format!("{word:?} is no response flag"));
                return None;
            }
        }
    }
    Some(Filter::Flags { flags, any: words.is_empty() })
}

fn metadata(reader: &Reader<'_>) -> Option<Filter> {
    let matcher = match reader.message("matcher") {
        Some(matcher) => Some(MetadataMatcher::read(&matcher)?),
        None => None,
    };
    Some(Filter::Metadata { matcher, missing: reader.opt_flag("match_if_key_not_found").unwrap_or(true) })
}

/// The number that a request's id stands for: its first eight hex digits.
fn request_number(head: &RequestHead) -> Option<u64> {
    const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");
    u64::from_str_radix(head.headers.text(&REQUEST_ID)?.get(..8)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::{Headers, Version};
    use crate::proto::{Defects, from_json};
    use crate::stream::{Connection, StreamInfo};

    fn read(value: &Value) -> Result<Filter, String> {
        let message = from_json("envoy.config.accesslog.v3.AccessLogFilter", value).unwrap();
        let defects = Defects::new();
        let reader = Reader::new(message, "filter", &defects);
        let filter = Filter::read(&reader);
        drop(reader);
        defects.verdict(filter).map_err(|defects| defects[0].to_string())
    }

    /// Whether a 503 with flag UH to `/x` is taken.
    fn takes(filter: &Value) -> bool {
        let address = "127.0.0.1:1".parse().unwrap();
        let connection = Connection::plain(address, address);
        let mut info = StreamInfo::begin();
        info.code = Some(503);
        info.flags.set(Flag::NoHealthyUpstream);
        info.metadata.insert("f".into(), json!({"k": "v"}));
        let head = RequestHead {
            method: http::Method::GET,
            scheme: "http",
            authority: "a".into(),
            path: "/x".into(),
            upgrade: None,
            version: Version::Http11,
            headers: Headers::new(),
        };
        let context = FormatContext { request: Some(&head), ..FormatContext::new(&connection, &info) };
        read(filter).unwrap().takes(&context.log_type(LogType::DownstreamEnd))
    }

    fn status(op: &str, value: u32) -> Value {
        json!({"status_code_filter": {"comparison": {"op": op, "value": {"default_value": value, "runtime_key": "k"}}}})
    }

    #[test]
    fn codes_are_compared() {
        assert!(takes(&status("GE", 500)) && !takes(&status("LE", 500)));
        assert!(takes(&status("EQ", 503)) && !takes(&status("NE", 503)));
        assert!(takes(&json!({"and_filter": {"filters": [status("GE", 500), status("LE", 599)]}})));
        assert!(takes(&json!({"or_filter": {"filters": [status("LE", 100), status("GE", 500)]}})));
    }

    #[test]
    fn flags_types_headers_and_statuses_are_looked_at() {
        assert!(takes(&json!({"response_flag_filter": {}})));
        assert!(takes(&json!({"response_flag_filter": {"flags": ["UH", "DC"]}})));
        assert!(!takes(&json!({"response_flag_filter": {"flags": ["RFCF"]}})));
        assert!(takes(&json!({"log_type_filter": {"types": ["DownstreamEnd"]}})));
        assert!(!takes(&json!({"log_type_filter": {"types": ["DownstreamEnd"], "exclude": true}})));
        assert!(takes(&json!({"header_filter": {"header": {"name": ":path", "string_match": {"prefix": "/x"}}}})));
        assert!(takes(&json!({"grpc_status_filter": {"statuses": ["UNAVAILABLE"]}})));
        assert!(takes(&json!({"not_health_check_filter": {}})) && !takes(&json!({"traceable_filter": {}})));
    }

    #[test]
    fn metadata_that_is_missing_counts_as_configured() {
        let filter = |key: &str, value: &str, missing: bool| {
            let matcher = json!({"filter": "f", "path": [{"key": key}], "value": {"string_match": {"exact": value}}});
            json!({"metadata_filter": {"matcher": matcher, "match_if_key_not_found": missing}})
        };
        assert!(takes(&filter("k", "v", false)) && !takes(&filter("k", "w", true)));
        assert!(takes(&filter("z", "v", true)) && !takes(&filter("z", "v", false)));
    }

    fn expression(text: &str) -> Value {
        json!({"extension_filter": {"name": "cel", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            "expression": text}}})
    }

    #[test]
    fn expressions_are_evaluated() {
        assert!(takes(&expression("response.code >= 500 && request.path == '/x'")));
        assert!(!takes(&expression("response.code < 500")));
        assert!(!takes(&expression("request.headers['x-none'] == ''")) && !takes(&expression("request.path")));
        let error = read(&expression("request.nothing")).unwrap_err();
        assert!(error.contains("expression: the proxy does not have the attribute request.nothing"), "{error}");
    }

    #[test]
    fn filters_that_do_not_exist_are_named() {
        let cel = json!({"extension_filter": {"name": "cel", "typed_config": {
            "@type": "type.googleapis.com/envoy.config.accesslog.v3.DurationFilter"}}});
        let error = read(&cel).unwrap_err();
        let expected = "filter.extension_filter.typed_config: the proxy does not have the access log filter";
        assert!(error.starts_with(expected), "{error}");
        assert!(read(&json!({"response_flag_filter": {"flags": ["XX"]}})).unwrap_err().contains("XX"));
    }
}
