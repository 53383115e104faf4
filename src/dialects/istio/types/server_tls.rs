//! TLS of connections that a gateway or sidecar accepts.

use crate::schema::{At, List, Text};
use crate::{choice, message};

message! {
    /// TLS of accepted connections.
    pub struct ServerTlsSettings {
        /// Answer plain HTTP with a redirect to HTTPS.
        https_redirect: Option<At<bool>> = "httpsRedirect",
        /// What is asked of callers, and whether TLS ends here.
        mode: Option<At<ServerTlsMode>> = "mode",
        /// File with the server's certificate.
        server_certificate: Option<Text> = "serverCertificate",
        /// File with its private key.
        private_key: Option<Text> = "privateKey",
        /// File with the authorities that client certificates must come from.
        ca_certificates: Option<Text> = "caCertificates",
        /// File with revoked certificates.
        ca_crl: Option<Text> = "caCrl",
        /// Secret with key and certificate, in the namespace of the gateway pods.
        credential_name: Option<Text> = "credentialName",
        /// Several Secrets, one for each kind of key.
        credential_names: List<Text> = "credentialNames" [MinItems(1), MaxItems(2)],
        /// Secret or ConfigMap with the authorities that client certificates must come from.
        ca_cert_credential_name: Option<Text> = "caCertCredentialName",
        /// Several pairs of files, one for each kind of key.
        tls_certificates: List<TlsCertificate> = "tlsCertificates" [MinItems(1), MaxItems(2)],
        /// Names of which a client certificate must carry one.
        subject_alt_names: List<Text> = "subjectAltNames",
        /// Hashes of the public keys of the accepted client certificates.
        verify_certificate_spki: List<Text> = "verifyCertificateSpki",
        /// Hashes of the accepted client certificates.
        verify_certificate_hash: List<Text> = "verifyCertificateHash",
        /// Oldest version accepted; TLS 1.2 when not set.
        min_protocol_version: Option<At<TlsProtocol>> = "minProtocolVersion",
        /// Newest version accepted.
        max_protocol_version: Option<At<TlsProtocol>> = "maxProtocolVersion",
        /// Cipher suites accepted.
        cipher_suites: List<Text> = "cipherSuites",
        /// Accept client certificates that do not verify.
        insecure_skip_verify: Option<At<bool>> = "insecureSkipVerify",
    } rules [
        AtMostOne(&["credentialName", "credentialNames"]),
        AtMostOne(&["credentialNames", "tlsCertificates"]),
    ]
}

message! {
    /// Files of one certificate.
    pub struct TlsCertificate {
        /// File with the certificate.
        server_certificate: Option<Text> = "serverCertificate",
        /// File with its private key.
        private_key: Option<Text> = "privateKey",
        /// File with the authorities that client certificates must come from.
        ca_certificates: Option<Text> = "caCertificates",
    }
}

choice! {
    /// What is asked of callers, and whether TLS ends at this proxy.
    pub enum ServerTlsMode {
        /// TLS ends at the service; the server name of the handshake chooses it. The default.
        Passthrough = "PASSTHROUGH",
        /// TLS ends here.
        Simple = "SIMPLE",
        /// TLS ends here and callers need a certificate.
        Mutual = "MUTUAL",
        /// As PASSTHROUGH, and the server name of the handshake names a service of the mesh directly.
        AutoPassthrough = "AUTO_PASSTHROUGH",
        /// TLS ends here, with the mesh's own certificates on both sides.
        IstioMutual = "ISTIO_MUTUAL",
        /// TLS ends here and callers may have a certificate.
        OptionalMutual = "OPTIONAL_MUTUAL",
    }
}

choice! {
    /// Versions of TLS.
    pub enum TlsProtocol {
        /// The proxy's choice.
        Auto = "TLS_AUTO",
        /// TLS 1.0.
        V10 = "TLSV1_0",
        /// TLS 1.1.
        V11 = "TLSV1_1",
        /// TLS 1.2.
        V12 = "TLSV1_2",
        /// TLS 1.3.
        V13 = "TLSV1_3",
    }
}
