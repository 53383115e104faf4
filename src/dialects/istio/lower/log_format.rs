//! Formats of access logs: Istio's own, and those of the mesh configuration.

use crate::ir::{LogFormat, Name};
use crate::manifests::tree::Node;

/// Labels and commands of the JSON format that holds when none is given.
const JSON: &[(&str, &str)] = &[
    ("authority", "%REQ(:AUTHORITY)%"),
    ("bytes_received", "%BYTES_RECEIVED%"),
    ("bytes_sent", "%BYTES_SENT%"),
    ("connection_termination_details", "%CONNECTION_TERMINATION_DETAILS%"),
    ("downstream_local_address", "%DOWNSTREAM_LOCAL_ADDRESS%"),
    ("downstream_remote_address", "%DOWNSTREAM_REMOTE_ADDRESS%"),
    ("duration", "%DURATION%"),
    ("method", "%REQ(:METHOD)%"),
    ("path", "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"),
    ("protocol", "%PROTOCOL%"),
    ("request_id", "%REQ(X-REQUEST-ID)%"),
    ("requested_server_name", "%REQUESTED_SERVER_NAME%"),
    ("response_code", "%RESPONSE_CODE%"),
    ("response_code_details", "%RESPONSE_CODE_DETAILS%"),
    ("response_flags", "%RESPONSE_FLAGS%"),
    ("route_name", "%ROUTE_NAME%"),
    ("start_time", "%START_TIME%"),
    ("upstream_cluster", "%UPSTREAM_CLUSTER_RAW%"),
    ("upstream_host", "%UPSTREAM_HOST%"),
    ("upstream_local_address", "%UPSTREAM_LOCAL_ADDRESS%"),
    ("upstream_service_time", "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%"),
    ("upstream_transport_failure_reason", "%UPSTREAM_TRANSPORT_FAILURE_REASON%"),
    ("user_agent", "%REQ(USER-AGENT)%"),
    ("x_forwarded_for", "%REQ(X-FORWARDED-FOR)%"),
];

/// The commands of the text format that holds when none is given, in their order; the first is in brackets, the second
/// group and texts of callers in quotes.
const TEXT: &[&str] = &[
    "[%START_TIME%]",
    "\"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\"",
    "%RESPONSE_CODE%",
    "%RESPONSE_FLAGS%",
    "%RESPONSE_CODE_DETAILS%",
    "%CONNECTION_TERMINATION_DETAILS%",
    "\"%UPSTREAM_TRANSPORT_FAILURE_REASON%\"",
    "%BYTES_RECEIVED%",
    "%BYTES_SENT%",
    "%DURATION%",
    "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "\"%REQ(X-FORWARDED-FOR)%\"",
    "\"%REQ(USER-AGENT)%\"",
    "\"%REQ(X-REQUEST-ID)%\"",
    "\"%REQ(:AUTHORITY)%\"",
    "\"%UPSTREAM_HOST%\"",
    "%UPSTREAM_CLUSTER_RAW%",
    "%UPSTREAM_LOCAL_ADDRESS%",
    "%DOWNSTREAM_LOCAL_ADDRESS%",
    "%DOWNSTREAM_REMOTE_ADDRESS%",
    "%REQUESTED_SERVER_NAME%",
    "%ROUTE_NAME%",
];

/// A text format; Istio's own for an empty text. Lines end.
pub fn text(format: &str) -> LogFormat {
    let format = if format.is_empty() { TEXT.join(" ") } else { format.to_owned() };
    let line = if format.ends_with('\n') { format } else { format + "\n" };
    LogFormat::Text(line.into())
}

/// A JSON format from an object in JSON; Istio's own when it is none.
pub fn json(format: &str) -> LogFormat {
    let read = serde_json::from_str(format).ok().and_then(|value: serde_json::Value| labels(&value));
    LogFormat::Json(
        read.unwrap_or_else(|| JSON.iter().map(|(label, command)| ((*label).into(), (*command).into())).collect()),
    )
}

/// A JSON format from an object of a manifest.
pub fn of_node(node: &Node) -> LogFormat {
    labels(&node.to_json()).map_or_else(|| json(""), LogFormat::Json)
}

/// Labels with texts; other values are told as JSON writes them.
fn labels(value: &serde_json::Value) -> Option<Vec<(Name, Name)>> {
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let labels: Vec<_> =
        value.as_object()?.iter().map(|(label, value)| (label.as_str().into(), text(value).into())).collect();
    (!labels.is_empty()).then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_a_default_and_lines_end() {
        assert!(
            matches!(text(""), LogFormat::Text(line) if line.starts_with("[%START_TIME%] \"%REQ") && line.ends_with("%ROUTE_NAME%\n"))
        );
        assert_eq!(text("%DURATION%"), LogFormat::Text("%DURATION%\n".into()));
        assert_eq!(
            json(r#"{"a": "%DURATION%", "b": 5}"#),
            LogFormat::Json(vec![("a".into(), "%DURATION%".into()), ("b".into(), "5".into())])
        );
        assert!(matches!(json("{"), LogFormat::Json(labels) if labels.len() == JSON.len()));
    }
}
