//! TLS of connections that a proxy opens to a service.

use crate::schema::{At, List, Text};
use crate::{choice, message};

message! {
    /// TLS of connections to a service.
    pub struct ClientTlsSettings {
        /// Whether, and with which certificates.
        mode: Option<At<ClientTlsMode>> = "mode",
        /// File with the proxy's own certificate, for MUTUAL.
        client_certificate: Option<Text> = "clientCertificate",
        /// File with its private key.
        private_key: Option<Text> = "privateKey",
        /// File with the authorities that the service's certificate must come from.
        ca_certificates: Option<Text> = "caCertificates",
        /// Secret with key, certificate and authorities instead of the files.
        credential_name: Option<Text> = "credentialName",
        /// Names of which the service's certificate must carry one.
        subject_alt_names: List<Text> = "subjectAltNames",
        /// Server name of the handshake.
        sni: Option<Text> = "sni",
        /// Accept any certificate.
        insecure_skip_verify: Option<At<bool>> = "insecureSkipVerify",
        /// File with revoked certificates.
        ca_crl: Option<Text> = "caCrl",
    }
}

choice! {
    /// TLS towards a service.
    pub enum ClientTlsMode {
        /// Plaintext.
        Disable = "DISABLE",
        /// TLS without a client certificate.
        Simple = "SIMPLE",
        /// TLS with a client certificate from files or a Secret.
        Mutual = "MUTUAL",
        /// TLS with the mesh's own certificates.
        IstioMutual = "ISTIO_MUTUAL",
    }
}
