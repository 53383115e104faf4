//! BackendTLSPolicy.

use super::reference::ObjectReference;
use crate::message;
use crate::schema::{List, Map, Text};

message! {
    /// TLS towards the endpoints of Services.
    pub struct BackendTlsPolicy {
        /// The Services, and perhaps one port by its name.
        target_refs: List<ObjectReference> = "targetRefs",
        /// What the server must show.
        validation: Option<BackendTlsValidation> = "validation",
        /// Settings of the controller.
        options: Map<Text> = "options",
    }
}

message! {
    /// What a server must show.
    pub struct BackendTlsValidation {
        /// ConfigMaps or Secrets with roots.
        ca_certificate_refs: List<ObjectReference> = "caCertificateRefs",
        /// `System` for the roots of the system.
        well_known_ca_certificates: Option<Text> = "wellKnownCACertificates",
        /// Server name, and the name in the certificate when no other is given.
        hostname: Option<Text> = "hostname",
        /// Names that the certificate may have.
        subject_alt_names: List<SubjectAltName> = "subjectAltNames",
    }
}

message! {
    /// A name in a certificate.
    pub struct SubjectAltName {
        /// Hostname or URI.
        r#type: Option<Text> = "type",
        /// A host, wildcards possible.
        hostname: Option<Text> = "hostname",
        /// A URI.
        uri: Option<Text> = "uri",
    }
}
