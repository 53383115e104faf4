//! Conditions of routes.

use crate::message;
use crate::schema::{List, Text};

message! {
    /// Conditions that must all hold.
    pub struct HttpRouteMatch {
        /// Path; every path when not set.
        path: Option<HttpPathMatch> = "path",
        /// Headers.
        headers: List<NamedValueMatch> = "headers",
        /// Query parameters.
        query_params: List<NamedValueMatch> = "queryParams",
        /// Method.
        method: Option<Text> = "method",
    }
}

message! {
    /// A condition on the path.
    pub struct HttpPathMatch {
        /// Exact, PathPrefix or RegularExpression; PathPrefix when not set.
        r#type: Option<Text> = "type",
        /// The value; `/` when not set.
        value: Option<Text> = "value",
    }
}

message! {
    /// A condition on a header or query parameter.
    pub struct NamedValueMatch {
        /// Exact or RegularExpression; Exact when not set.
        r#type: Option<Text> = "type",
        /// Name.
        name: Option<Text> = "name",
        /// Value.
        value: Option<Text> = "value",
    }
}

message! {
    /// A condition on service and method of a gRPC call.
    pub struct GrpcMethodMatch {
        /// Exact or RegularExpression; Exact when not set.
        r#type: Option<Text> = "type",
        /// Full name of the service.
        service: Option<Text> = "service",
        /// Method.
        method: Option<Text> = "method",
    }
}
