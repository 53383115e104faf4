//! Mutual TLS of the mesh on the server's side.

use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, SubjectAltNameMatcher, TlsParameters,
    common_tls_context::{CombinedCertificateValidationContext, ValidationContextType},
    subject_alt_name_matcher::SanType,
    tls_parameters::TlsProtocol,
};

use crate::ir::{Name, TextMatch, TextTest, TlsVersion};
use crate::xds::View;
use crate::xds::outbound::{OWN, ROOTS, secret, socket};
use crate::xds::proto::{boolean, text_match};

/// What a chain with mutual TLS speaks within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// HTTP.
    Http,
    /// Bytes.
    Bytes,
}

/// The transport socket: the caller must show a certificate of the mesh, of one of its trust domains.
pub fn mutual(view: &View<'_>, within: Within) -> TransportSocket {
    let alpn: &[&str] = match within {
        Within::Http => &["h2", "http/1.1"],
        Within::Bytes => &["istio-peer-exchange", "h2", "http/1.1"],
    };
    let common = CommonTlsContext {
        tls_params: Some(TlsParameters {
            tls_minimum_protocol_version: version(view.mesh.settings.min_tls).into(),
            tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
            ..TlsParameters::default()
        }),
        alpn_protocols: alpn.iter().map(|word| (*word).to_owned()).collect(),
        tls_certificate_sds_secret_configs: vec![secret(OWN)],
        validation_context_type: Some(callers(view)),
        ..CommonTlsContext::default()
    };
    let context = DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: Some(boolean(true)),
        ..DownstreamTlsContext::default()
    };
    socket("envoy.transport_sockets.tls", &context)
}

/// Whose certificates are taken: the roots of the mesh, and an identity in one of its trust domains.
pub fn callers(view: &View<'_>) -> ValidationContextType {
    let matcher = |domain: &Name| SubjectAltNameMatcher {
        san_type: SanType::Uri.into(),
        matcher: text_match(&TextMatch::of(TextTest::Prefix(format!("spiffe://{domain}/").into()))),
        ..SubjectAltNameMatcher::default()
    };
    let names = CertificateValidationContext {
        match_typed_subject_alt_names: view.trust_domains().iter().map(matcher).collect(),
        ..CertificateValidationContext::default()
    };
    ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
        default_validation_context: Some(names),
        validation_context_sds_secret_config: Some(secret(ROOTS)),
        ..CombinedCertificateValidationContext::default()
    })
}

/// A version of TLS.
pub fn version(version: TlsVersion) -> TlsProtocol {
    match version {
        TlsVersion::V10 => TlsProtocol::TlSv10,
        TlsVersion::V11 => TlsProtocol::TlSv11,
        TlsVersion::V12 => TlsProtocol::TlSv12,
        TlsVersion::V13 => TlsProtocol::TlSv13,
    }
}
