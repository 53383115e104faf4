//! What an HTTP route does with a request other than forwarding it: redirect, fixed answer, delegation, rewrite, copies.

use super::percent::Percent;
use super::rules::UINT32;
use super::virtual_service::Destination;
use crate::schema::{At, Int, Text};
use crate::{choice, message};

message! {
    /// An answer that sends the caller elsewhere.
    pub struct HttpRedirect {
        /// New path.
        uri: Option<Text> = "uri",
        /// New beginning of the path, in place of the matched prefix.
        prefix_rewrite: Option<Text> = "prefixRewrite",
        /// New host.
        authority: Option<Text> = "authority",
        /// New port.
        port: Option<Int> = "port" [UINT32],
        /// How to choose the new port.
        derive_port: Option<At<RedirectPort>> = "derivePort",
        /// New scheme.
        scheme: Option<Text> = "scheme",
        /// Status code, 301 when not set.
        redirect_code: Option<Int> = "redirectCode" [UINT32],
    } rules [AtMostOne(&["port", "derivePort"])]
}

choice! {
    /// How a redirect chooses its port.
    pub enum RedirectPort {
        /// 80 for http, 443 for https.
        FromProtocolDefault = "FROM_PROTOCOL_DEFAULT",
        /// The port that the request came to.
        FromRequestPort = "FROM_REQUEST_PORT",
    }
}

message! {
    /// A fixed answer.
    pub struct HttpDirectResponse {
        /// Status code.
        status: Option<Int> = "status" [Required, UINT32],
        /// Content.
        body: Option<HttpBody> = "body",
    }
}

message! {
    /// Content of a fixed answer.
    pub struct HttpBody {
        /// As text.
        string: Option<Text> = "string",
        /// As base64.
        bytes: Option<Text> = "bytes",
    } rules [AtMostOne(&["string", "bytes"])]
}

message! {
    /// A VirtualService without hosts whose routes are used here.
    pub struct Delegate {
        /// Name.
        name: Option<Text> = "name",
        /// Namespace; this one when empty.
        namespace: Option<Text> = "namespace",
    }
}

message! {
    /// Changes of path and host before forwarding.
    pub struct HttpRewrite {
        /// New path, or new beginning of it when the match is a prefix.
        uri: Option<Text> = "uri",
        /// New host.
        authority: Option<Text> = "authority",
        /// New path by regular expression.
        uri_regex_rewrite: Option<RegexRewrite> = "uriRegexRewrite",
    }
}

message! {
    /// A replacement by regular expression.
    pub struct RegexRewrite {
        /// RE2 expression to find.
        r#match: Option<Text> = "match",
        /// Text to put there; `\1` is the first group.
        rewrite: Option<Text> = "rewrite",
    }
}

message! {
    /// A service that gets a copy of the requests.
    pub struct HttpMirrorPolicy {
        /// The service.
        destination: Option<Destination> = "destination" [Required],
        /// Share of requests that is copied; all when not set.
        percentage: Option<Percent> = "percentage",
    }
}
