//! Ports as Istio's networking kinds write them.

use super::rules::{PORT, UINT32};
use crate::message;
use crate::schema::{Int, Text};

message! {
    /// A port of a service by its number.
    pub struct PortSelector {
        /// The number.
        number: Option<Int> = "number" [UINT32],
    }
}

message! {
    /// A port that a proxy listens on, with its protocol and name.
    pub struct Port {
        /// The number.
        number: Option<Int> = "number" [Required, UINT32],
        /// HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP or TLS.
        protocol: Option<Text> = "protocol" [Required],
        /// A name, unique among its neighbours.
        name: Option<Text> = "name" [Required],
        /// No longer used.
        target_port: Option<Int> = "targetPort" [UINT32],
    }
}

message! {
    /// The port of a Sidecar listener; here nothing is required by the CRD.
    pub struct SidecarPort {
        /// The number.
        number: Option<Int> = "number" [UINT32],
        /// HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP or TLS.
        protocol: Option<Text> = "protocol",
        /// A name, unique among its neighbours.
        name: Option<Text> = "name",
        /// No longer used.
        target_port: Option<Int> = "targetPort" [UINT32],
    }
}

message! {
    /// A port of a ServiceEntry.
    pub struct ServiceEntryPort {
        /// The number that callers use.
        number: Option<Int> = "number" [Required, PORT],
        /// HTTP, HTTPS, GRPC, GRPC-WEB, HTTP2, MONGO, TCP or TLS.
        protocol: Option<Text> = "protocol" [MaxLen(256)],
        /// A name, unique in the ServiceEntry.
        name: Option<Text> = "name" [Required, MaxLen(256)],
        /// The number at the endpoints; the same as `number` when not set.
        target_port: Option<Int> = "targetPort" [PORT],
    }
}
