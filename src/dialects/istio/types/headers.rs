//! Changes of request and response headers.

use crate::message;
use crate::schema::{List, Map, Text};

message! {
    /// Changes of headers on the way to the service and back.
    pub struct Headers {
        /// Changes before the request is sent to the service.
        request: Option<HeaderOperations> = "request",
        /// Changes before the response is returned to the caller.
        response: Option<HeaderOperations> = "response",
    }
}

message! {
    /// Headers to set, add and remove.
    pub struct HeaderOperations {
        /// Values that replace what a header holds.
        set: Map<Text> = "set",
        /// Values added to what a header holds.
        add: Map<Text> = "add",
        /// Headers to drop.
        remove: List<Text> = "remove",
    }
}
