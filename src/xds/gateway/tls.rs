//! TLS that ends at a gateway, and the secrets for it.

use std::collections::BTreeSet;

use envoy_types::pb::envoy::config::core::v3::{DataSource, TransportSocket, data_source::Specifier};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, DownstreamTlsContext, Secret, SubjectAltNameMatcher,
    TlsCertificate, TlsParameters,
    certificate_validation_context::TrustChainVerification,
    common_tls_context::{CombinedCertificateValidationContext, ValidationContextType},
    secret::Type,
    subject_alt_name_matcher::SanType,
};

use crate::ir::{Credential, Key, Name, ServerTls, ServerTlsMode, TextMatch, TextTest, TlsMaterial, TlsVersion};
use crate::xds::inbound::{self, Within};
use crate::xds::outbound::{credential, secret, socket};
use crate::xds::proto::{boolean, text_match};
use crate::xds::{Kind, Resource, Snapshot, View};

/// The transport socket of a server.
pub fn server(view: &View<'_>, tls: &ServerTls, within: Within) -> TransportSocket {
    if tls.mode == ServerTlsMode::Mesh {
        return inbound::mutual(view, within);
    }
    let asks = matches!(tls.mode, ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual);
    let mut common = CommonTlsContext {
        tls_params: Some(parameters(tls)),
        alpn_protocols: match within {
            Within::Http => vec!["h2".into(), "http/1.1".into()],
            Within::Bytes => Vec::new(),
        },
        validation_context_type: asks.then(|| callers(tls)),
        ..CommonTlsContext::default()
    };
    for material in &tls.material {
        match material {
            TlsMaterial::None => {}
            TlsMaterial::Secret { key, .. } => {
                common.tls_certificate_sds_secret_configs.push(secret(&credential(key)));
            }
            TlsMaterial::Files { certificate, key, .. } => {
                if let (Some(certificate), Some(key)) = (certificate, key) {
                    common.tls_certificates.push(TlsCertificate {
                        certificate_chain: Some(file(certificate)),
                        private_key: Some(file(key)),
                        ..TlsCertificate::default()
                    });
                }
            }
        }
    }
    let context = DownstreamTlsContext {
        common_tls_context: Some(common),
        require_client_certificate: Some(boolean(tls.mode == ServerTlsMode::Mutual)),
        ..DownstreamTlsContext::default()
    };
    socket("envoy.transport_sockets.tls", &context)
}

fn parameters(tls: &ServerTls) -> TlsParameters {
    TlsParameters {
        tls_minimum_protocol_version: inbound::version(tls.min_version.unwrap_or(TlsVersion::V12)).into(),
        tls_maximum_protocol_version: inbound::version(tls.max_version.unwrap_or(TlsVersion::V13)).into(),
        cipher_suites: tls.ciphers.iter().map(ToString::to_string).collect(),
        ..TlsParameters::default()
    }
}

/// Whose certificates are taken. Without known roots the secret that is named does not exist, and nobody comes in.
fn callers(tls: &ServerTls) -> ValidationContextType {
    let names = |name: &Name| {
        let kind = if name.contains("://") { SanType::Uri } else { SanType::Dns };
        SubjectAltNameMatcher {
            san_type: kind.into(),
            matcher: text_match(&TextMatch::of(TextTest::Exact(name.clone()))),
            ..SubjectAltNameMatcher::default()
        }
    };
    let mut context = CertificateValidationContext {
        match_typed_subject_alt_names: tls.names.iter().map(names).collect(),
        verify_certificate_spki: tls.public_key_pins.iter().map(ToString::to_string).collect(),
        verify_certificate_hash: tls.certificate_pins.iter().map(ToString::to_string).collect(),
        ..CertificateValidationContext::default()
    };
    if tls.insecure {
        context.trust_chain_verification = TrustChainVerification::AcceptUntrusted.into();
    }
    let of_files = tls.material.iter().find_map(|material| match material {
        TlsMaterial::Files { roots: Some(roots), revoked, .. } => Some((roots, revoked)),
        _ => None,
    });
    if let Some((roots, revoked)) = of_files {
        context.trusted_ca = Some(file(roots));
        context.crl = revoked.as_ref().map(|path| file(path));
        return ValidationContextType::ValidationContext(context);
    }
    let name = tls.material.iter().find_map(roots_of).unwrap_or_else(|| "kubernetes://missing-cacert".to_owned());
    ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
        default_validation_context: Some(context),
        validation_context_sds_secret_config: Some(secret(&name)),
        ..CombinedCertificateValidationContext::default()
    })
}

/// The name of the secret with the roots that belong to a certificate.
fn roots_of(material: &TlsMaterial) -> Option<String> {
    let TlsMaterial::Secret { key, roots } = material else { return None };
    Some(format!("{}-cacert", credential(roots.as_ref().unwrap_or(key))))
}

fn file(path: &str) -> DataSource {
    DataSource { specifier: Some(Specifier::Filename(path.to_owned())), ..DataSource::default() }
}

/// The secrets that some servers need, as far as the mesh has them.
pub fn secrets<'t>(view: &View<'_>, servers: impl Iterator<Item = &'t ServerTls>, out: &mut Snapshot) {
    let mut certificates: BTreeSet<&Key> = BTreeSet::new();
    let mut roots: BTreeSet<&Key> = BTreeSet::new();
    for tls in servers {
        for material in &tls.material {
            if let TlsMaterial::Secret { key, roots: other } = material {
                certificates.insert(key);
                roots.insert(other.as_ref().unwrap_or(key));
            }
        }
    }
    for key in certificates {
        if let Some(found) = view.mesh.credentials.get(key) {
            insert(credential(key), certificate(found), found, out);
        }
    }
    for key in roots {
        if let Some(found) = view.mesh.credentials.get(key) {
            insert(format!("{}-cacert", credential(key)), trusted(found), found, out);
        }
    }
}

fn insert(name: String, kind: Option<Type>, from: &Credential, out: &mut Snapshot) {
    if let Some(kind) = kind {
        let secret = Secret { name: name.clone(), r#type: Some(kind) };
        out.insert(Kind::Secret, Resource::new(name, &secret, vec![from.origin.clone()]));
    }
}

fn bytes(bytes: &[u8]) -> DataSource {
    DataSource { specifier: Some(Specifier::InlineBytes(bytes.to_vec())), ..DataSource::default() }
}

fn certificate(credential: &Credential) -> Option<Type> {
    Some(Type::TlsCertificate(TlsCertificate {
        certificate_chain: Some(bytes(credential.certificate.as_ref()?)),
        private_key: Some(bytes(credential.key.as_ref()?)),
        ..TlsCertificate::default()
    }))
}

fn trusted(credential: &Credential) -> Option<Type> {
    Some(Type::ValidationContext(CertificateValidationContext {
        trusted_ca: Some(bytes(credential.roots.as_ref()?)),
        crl: credential.revoked.as_ref().map(|revoked| bytes(revoked)),
        ..CertificateValidationContext::default()
    }))
}
