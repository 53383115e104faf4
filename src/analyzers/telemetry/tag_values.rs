//! Values of metric tags: what is no CEL (IST9122), and what has no end of different values (IST9123).

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::analyzers::shared::cel::{self, Expression};
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::object::Meta;
use crate::schema::Text;

declare_code! {
    /// A tag value that is no CEL
    ///
    /// ## Why
    ///
    /// The value of a metric's tag is an expression in CEL over attributes of the request. Access log operators (`%REQ(X)%`,
    /// `%{REQUEST_ID}`) are another language and do not parse: the tag is missing or says `unknown`.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: mesh-default
    ///   namespace: istio-system
    /// spec:
    ///   metrics:
    ///   - overrides:
    ///     - tagOverrides:
    ///         tenant:
    ///           value: "%REQ(X-TENANT)%"
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: mesh-default
    ///   namespace: istio-system
    /// spec:
    ///   metrics:
    ///   - overrides:
    ///     - tagOverrides:
    ///         tenant:
    ///           value: "'x-tenant' in request.headers ? request.headers['x-tenant'] : 'unknown'"
    /// ```
    ///
    /// ## Fix
    ///
    /// Write the attribute: `request.headers['x-tenant']`, `request.host`, `response.code`. A fixed text stands in quotes
    /// inside of the quotes: `"'blue'"`.
    pub TAG_VALUE_NO_CEL = "IST9122", "TagValueNoCel", Error
}

declare_code! {
    /// A tag with no end of different values
    ///
    /// ## Why
    ///
    /// Prometheus keeps one time series for each combination of tag values. A tag that differs with every request (an id, a
    /// path with ids, a client's port) makes a series for every request, in every proxy: memory grows without an end.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: mesh-default
    ///   namespace: istio-system
    /// spec:
    ///   metrics:
    ///   - overrides:
    ///     - tagOverrides:
    ///         request_id:
    ///           value: request.id
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: telemetry.istio.io/v1
    /// kind: Telemetry
    /// metadata:
    ///   name: mesh-default
    ///   namespace: istio-system
    /// spec:
    ///   metrics:
    ///   - overrides:
    ///     - tagOverrides:
    ///         method:
    ///           value: request.method
    /// ```
    ///
    /// ## Fix
    ///
    /// Put ids into traces and access logs, and only values of a small set into metrics.
    pub UNBOUNDED_TAG = "IST9123", "UnboundedTagValues", Warning
}

/// Reports tag values that do not parse or have no bound.
pub static ANALYZER: Analyzer = Analyzer {
    name: "telemetry.TagValues",
    summary: "Values of metric tags are CEL expressions of a bounded set of values",
    codes: &[&TAG_VALUE_NO_CEL, &UNBOUNDED_TAG],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for telemetry in &cx.telemetries {
        for item in telemetry.spec.metrics.iter().flat_map(|metrics| &metrics.overrides) {
            for (_, tag) in item.tag_overrides.iter() {
                if let Some(value) = tag.value.as_ref().filter(|value| !value.is_empty()) {
                    check(&telemetry.meta, value, sink);
                }
            }
        }
    }
}

fn check(meta: &Meta, value: &Text, sink: &mut Sink) {
    let text = value.as_str();
    match cel::judge(text) {
        Expression::Fine => {
            if let Some(attribute) = unbounded(text) {
                sink.report(
                    &UNBOUNDED_TAG,
                    meta,
                    value.span(),
                    format!("The tag takes a value of its own for nearly every request ({attribute})."),
                )
                .label("a time series for each value")
                .help("put it into traces or access logs; tags of metrics need a small set of values");
            }
        }
        Expression::AccessLogFormat => {
            let also = if text.contains("REQUEST_ID") {
                " A tag with the request id would have no end of values."
            } else {
                ""
            };
            sink.report(
                &TAG_VALUE_NO_CEL,
                meta,
                value.span(),
                format!("The tag's value is written as an access log format and is no CEL expression.{also}"),
            )
            .label("not CEL")
            .help(format!("write {}", instead(text)));
        }
        Expression::Broken => {
            sink.report(&TAG_VALUE_NO_CEL, meta, value.span(), "The tag's value is no CEL expression.")
                .label("does not parse")
                .help("write an attribute, as `request.method`, or a text in quotes inside of the quotes");
        }
    }
}

/// An expression for what a log format says.
fn instead(format: &str) -> String {
    let header = header(format).map(str::to_ascii_lowercase);
    let default = format.split_once('|').and_then(|(_, rest)| rest.split('\'').nth(1)).unwrap_or("unknown");
    match header {
        Some(header) => format!("\"'{header}' in request.headers ? request.headers['{header}'] : '{default}'\""),
        None if format.contains("REQUEST_ID") => "`request.id`, and better not in a metric".to_owned(),
        None if format.contains("RESPONSE_CODE") => "`response.code`".to_owned(),
        None => "an attribute, as `request.method` or `request.headers['x-name']`".to_owned(),
    }
}

/// The header in `%{REQUEST_HEADERS['x']}` and `%REQ(X)%`.
fn header(format: &str) -> Option<&str> {
    if let Some((_, rest)) = format.split_once("%REQ(") {
        return rest.split([')', '?']).next().filter(|name| !name.is_empty() && !name.starts_with(':'));
    }
    let (_, rest) = format.split_once("HEADERS[")?;
    rest.split(['\'', '"']).nth(1).filter(|name| !name.is_empty())
}

/// Attributes that differ from request to request.
const UNBOUNDED: [&str; 8] = [
    "request.id",
    "request.time",
    "request.query",
    "request.url_path",
    "request.path",
    "source.address",
    "source.port",
    "connection.id",
];

/// Headers that do.
const UNBOUNDED_HEADERS: [&str; 7] =
    ["x-request-id", "traceparent", "x-b3-traceid", "authorization", "cookie", "x-forwarded-for", "user-agent"];

/// The attribute that is the whole value. One inside of a condition or function may well be reduced to a few values.
fn unbounded(text: &str) -> Option<&str> {
    let text = text.trim();
    if let Some(found) = UNBOUNDED.iter().find(|attribute| **attribute == text) {
        return Some(found);
    }
    let name = text.strip_prefix("request.headers[")?.strip_suffix(']')?;
    let name = name.trim_matches(['\'', '"']);
    UNBOUNDED_HEADERS.contains(&name.to_ascii_lowercase().as_str()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_get_their_expression() {
        let tenant = "\"'x-tenant' in request.headers ? request.headers['x-tenant'] : 'none'\"";
        assert_eq!(instead("%{REQUEST_HEADERS['x-tenant'] | 'none'}"), tenant);
        assert_eq!(header("%REQ(X-TENANT?X-OTHER)%"), Some("X-TENANT"));
        assert_eq!(header("%REQ(:METHOD)%"), None);
    }

    #[test]
    fn only_whole_values_are_unbounded() {
        assert!(unbounded("request.id").is_some());
        assert!(unbounded("request.headers['X-Request-Id']").is_some());
        assert!(unbounded("request.path.startsWith('/api') ? 'api' : 'other'").is_none());
        assert!(unbounded("request.headers['x-tenant']").is_none());
    }
}
