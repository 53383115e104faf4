//! The conditions of an HTTP route.

use super::rules::UINT32;
use super::string_match::StringMatch;
use crate::message;
use crate::schema::{At, Int, List, Map, Text};

message! {
    /// Conditions that must all hold.
    pub struct HttpMatchRequest {
        /// Name, for logs.
        name: Option<Text> = "name",
        /// Path.
        uri: Option<StringMatch> = "uri",
        /// URI scheme.
        scheme: Option<StringMatch> = "scheme",
        /// HTTP method.
        method: Option<StringMatch> = "method",
        /// Host header.
        authority: Option<StringMatch> = "authority",
        /// Headers by name; a claim of the token as `@request.auth.claims.NAME`.
        headers: Map<StringMatch> = "headers",
        /// Headers that must not match.
        without_headers: Map<StringMatch> = "withoutHeaders",
        /// Query parameters by name.
        query_params: Map<StringMatch> = "queryParams",
        /// Compare the path without regard to case.
        ignore_uri_case: Option<At<bool>> = "ignoreUriCase",
        /// Port that the request came to.
        port: Option<Int> = "port" [UINT32],
        /// Labels of the calling workload.
        source_labels: Map<Text> = "sourceLabels",
        /// Namespace of the calling workload.
        source_namespace: Option<Text> = "sourceNamespace",
        /// Gateways for which the condition holds; replaces the list of the VirtualService.
        gateways: List<Text> = "gateways",
        /// Prefix of the metrics of this route.
        stat_prefix: Option<Text> = "statPrefix",
    }
}
