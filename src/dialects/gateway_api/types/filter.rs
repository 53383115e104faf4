//! Filters of routes: what is changed on the way.

use super::reference::{BackendReference, ObjectReference};
use crate::message;
use crate::schema::{Any, At, Int, List, Text};

message! {
    /// One filter. `type` says which of the others is set.
    pub struct RouteFilter {
        /// Which filter it is.
        r#type: Option<Text> = "type",
        /// Edits of request headers.
        request_header_modifier: Option<HeaderModifier> = "requestHeaderModifier",
        /// Edits of response headers.
        response_header_modifier: Option<HeaderModifier> = "responseHeaderModifier",
        /// Copies.
        request_mirror: Option<RequestMirror> = "requestMirror",
        /// An answer that sends the caller elsewhere.
        request_redirect: Option<RequestRedirect> = "requestRedirect",
        /// A new host or path.
        url_rewrite: Option<UrlRewrite> = "urlRewrite",
        /// Cross-origin rules.
        cors: Option<RouteCors> = "cors",
        /// Somebody else decides on access.
        external_auth: Option<Any> = "externalAuth",
        /// A filter of another API.
        extension_ref: Option<ObjectReference> = "extensionRef",
    }
}

message! {
    /// Edits of headers.
    pub struct HeaderModifier {
        /// Headers that replace what is there.
        set: List<RouteHeader> = "set",
        /// Headers that come beside what is there.
        add: List<RouteHeader> = "add",
        /// Names that are taken away.
        remove: List<Text> = "remove",
    }
}

message! {
    /// A header.
    pub struct RouteHeader {
        /// Name.
        name: Option<Text> = "name",
        /// Value.
        value: Option<Text> = "value",
    }
}

message! {
    /// Copies of requests.
    pub struct RequestMirror {
        /// Where they go.
        backend_ref: Option<BackendReference> = "backendRef",
        /// How many of a hundred; all when nothing is set.
        percent: Option<Int> = "percent",
        /// How many of how many.
        fraction: Option<MirrorFraction> = "fraction",
    }
}

message! {
    /// A part of a whole.
    pub struct MirrorFraction {
        /// How many.
        numerator: Option<Int> = "numerator",
        /// Of how many; 100 when not set.
        denominator: Option<Int> = "denominator",
    }
}

message! {
    /// An answer that sends the caller elsewhere.
    pub struct RequestRedirect {
        /// http or https.
        scheme: Option<Text> = "scheme",
        /// Host.
        hostname: Option<Text> = "hostname",
        /// Path.
        path: Option<PathModifier> = "path",
        /// Port; that of the scheme, or of the listener, when not set.
        port: Option<Int> = "port",
        /// Status; 302 when not set.
        status_code: Option<Int> = "statusCode",
    }
}

message! {
    /// A new host or path.
    pub struct UrlRewrite {
        /// Host.
        hostname: Option<Text> = "hostname",
        /// Path.
        path: Option<PathModifier> = "path",
    }
}

message! {
    /// A new path.
    pub struct PathModifier {
        /// ReplaceFullPath or ReplacePrefixMatch.
        r#type: Option<Text> = "type",
        /// The whole path.
        replace_full_path: Option<Text> = "replaceFullPath",
        /// What takes the place of the matched prefix.
        replace_prefix_match: Option<Text> = "replacePrefixMatch",
    }
}

message! {
    /// Cross-origin rules.
    pub struct RouteCors {
        /// Origins, wildcards possible.
        allow_origins: List<Text> = "allowOrigins",
        /// Whether requests may carry credentials.
        allow_credentials: Option<At<bool>> = "allowCredentials",
        /// Methods.
        allow_methods: List<Text> = "allowMethods",
        /// Request headers.
        allow_headers: List<Text> = "allowHeaders",
        /// Response headers that scripts may read.
        expose_headers: List<Text> = "exposeHeaders",
        /// Seconds that a preflight answer may be kept; 5 when not set.
        max_age: Option<Int> = "maxAge",
    }
}
