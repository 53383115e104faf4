//! One HTTP route of a VirtualService: its matches, its targets, and everything done on the way.

use super::headers::Headers;
use super::http_action::{Delegate, HttpDirectResponse, HttpMirrorPolicy, HttpRedirect, HttpRewrite};
use super::http_match::HttpMatchRequest;
use super::http_policy::{CorsPolicy, HttpFaultInjection, HttpRetry};
use super::percent::Percent;
use super::rules::{DURATION, INT32, UINT32};
use super::virtual_service::Destination;
use crate::message;
use crate::schema::{At, Int, List, Period, Text};

message! {
    /// One HTTP route.
    pub struct HttpRoute {
        /// Name, for logs.
        name: Option<Text> = "name",
        /// Conditions, of which one must hold; none means every request.
        r#match: List<HttpMatchRequest> = "match",
        /// Where matching requests go, by weight.
        route: List<HttpRouteDestination> = "route",
        /// Answer with a redirect instead of forwarding.
        redirect: Option<Box<HttpRedirect>> = "redirect",
        /// Answer with a fixed response instead of forwarding.
        direct_response: Option<Box<HttpDirectResponse>> = "directResponse",
        /// Take the routes of another VirtualService.
        delegate: Option<Box<Delegate>> = "delegate",
        /// Change path or authority before forwarding.
        rewrite: Option<Box<HttpRewrite>> = "rewrite",
        /// Time a request may take, retries included; no limit when not set.
        timeout: Option<At<Period>> = "timeout" [DURATION],
        /// When and how often to try again.
        retries: Option<Box<HttpRetry>> = "retries",
        /// Delays and errors to inject.
        fault: Option<Box<HttpFaultInjection>> = "fault",
        /// A service that gets a copy of the requests.
        mirror: Option<Box<Destination>> = "mirror",
        /// Several services that get a copy of the requests.
        mirrors: List<HttpMirrorPolicy> = "mirrors",
        /// Old form of `mirrorPercentage`.
        mirror_percent: Option<Int> = "mirrorPercent" [UINT32],
        /// Another spelling of `mirrorPercent`.
        mirror_percent_alias: Option<Int> = "mirror_percent" [UINT32],
        /// Share of requests that is mirrored; all when not set.
        mirror_percentage: Option<Percent> = "mirrorPercentage",
        /// Cross-origin requests.
        cors_policy: Option<Box<CorsPolicy>> = "corsPolicy",
        /// Header changes for the whole route.
        headers: Option<Box<Headers>> = "headers",
    }
}

message! {
    /// One weighted target of a route.
    pub struct HttpRouteDestination {
        /// The target.
        destination: Option<Destination> = "destination" [Required],
        /// Its share among the targets of the route.
        weight: Option<Int> = "weight" [INT32],
        /// Header changes for this target.
        headers: Option<Box<Headers>> = "headers",
    }
}
