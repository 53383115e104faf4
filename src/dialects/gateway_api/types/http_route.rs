//! HTTPRoute.

use super::filter::RouteFilter;
use super::matching::HttpRouteMatch;
use super::reference::{BackendReference, ParentReference};
use crate::message;
use crate::schema::{At, Int, List, Period, Text};

message! {
    /// Rules for HTTP requests to some hosts of some gateways, or to Services.
    pub struct HttpRoute {
        /// Gateways, or Services for traffic within the mesh.
        parent_refs: List<ParentReference> = "parentRefs",
        /// Hosts; those of the listeners when empty.
        hostnames: List<Text> = "hostnames",
        /// Rules, the most specific match wins.
        rules: List<HttpRouteRule> = "rules",
        /// Which default gateways also serve it.
        use_default_gateways: Option<Text> = "useDefaultGateways",
    }
}

message! {
    /// One rule of an HTTPRoute.
    pub struct HttpRouteRule {
        /// Its name.
        name: Option<Text> = "name",
        /// Which requests: those that fit one of these; all without any.
        matches: List<HttpRouteMatch> = "matches",
        /// What is changed on the way.
        filters: List<RouteFilter> = "filters",
        /// Where they go.
        backend_refs: List<BackendReference> = "backendRefs",
        /// Time limits.
        timeouts: Option<RouteTimeouts> = "timeouts",
        /// Further tries.
        retry: Option<RouteRetry> = "retry",
        /// Requests of a session stay with one endpoint.
        session_persistence: Option<SessionPersistence> = "sessionPersistence",
    }
}

message! {
    /// Time limits; `0s` is none.
    pub struct RouteTimeouts {
        /// For the whole exchange.
        request: Option<At<Period>> = "request",
        /// For each try.
        backend_request: Option<At<Period>> = "backendRequest",
    }
}

message! {
    /// Further tries.
    pub struct RouteRetry {
        /// Status codes that are tried again.
        codes: List<Int> = "codes",
        /// How many further tries.
        attempts: Option<Int> = "attempts",
        /// Smallest wait before a try.
        backoff: Option<At<Period>> = "backoff",
    }
}

message! {
    /// A session that stays with one endpoint.
    pub struct SessionPersistence {
        /// Name of the cookie or header.
        session_name: Option<Text> = "sessionName",
        /// Longest life of a session.
        absolute_timeout: Option<At<Period>> = "absoluteTimeout",
        /// Longest silence of a session.
        idle_timeout: Option<At<Period>> = "idleTimeout",
        /// Cookie or Header; Cookie when not set.
        r#type: Option<Text> = "type",
        /// Settings of the cookie.
        cookie_config: Option<CookieConfig> = "cookieConfig",
    }
}

message! {
    /// Settings of the cookie of a session.
    pub struct CookieConfig {
        /// Permanent, or Session: until the browser closes. Session when not set.
        lifetime_type: Option<Text> = "lifetimeType",
    }
}
