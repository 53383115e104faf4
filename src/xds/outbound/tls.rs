//! TLS towards the endpoints of a cluster.

use envoy_types::pb::envoy::config::cluster::v3::cluster::TransportSocketMatch;
use envoy_types::pb::envoy::config::core::v3::{
    AggregatedConfigSource, ApiVersion, ConfigSource, DataSource, TransportSocket,
    config_source::ConfigSourceSpecifier, data_source::Specifier, transport_socket::ConfigType,
};
use envoy_types::pb::envoy::extensions::transport_sockets::raw_buffer::v3::RawBuffer;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, SdsSecretConfig, SubjectAltNameMatcher, TlsCertificate,
    TlsParameters, UpstreamTlsContext,
    certificate_validation_context::SystemRootCerts,
    common_tls_context::{CombinedCertificateValidationContext, ValidationContextType},
    subject_alt_name_matcher::SanType,
    tls_parameters::TlsProtocol,
};
use envoy_types::pb::google::protobuf::Struct;
use prost::Message;

use super::super::proto::{any, text_match, text_struct};
use crate::ir::{ClientTls, ClientTlsMode, Key, Name, Protocol, Service, TextMatch, TextTest, TlsMaterial};
use crate::xds::View;

/// Secret with the proxy's own certificate.
pub const OWN: &str = "default";
/// Secret with the roots of the mesh.
pub const ROOTS: &str = "ROOTCA";

/// How a cluster speaks to its endpoints.
pub enum Sockets {
    /// The same to all.
    One(Option<TransportSocket>),
    /// Mutual TLS to those that take it, plain to the others.
    ByEndpoint(Vec<TransportSocketMatch>),
}

/// The transport sockets of a cluster: as its policy says, else mutual TLS of the mesh where endpoints take it.
pub fn sockets(
    view: &View<'_>,
    service: &Service,
    policy: Option<&ClientTls>,
    protocol: Protocol,
    sni: &str,
) -> Sockets {
    match policy {
        Some(tls) if tls.mode == ClientTlsMode::Off => Sockets::One(None),
        Some(tls) if tls.mode == ClientTlsMode::Mesh => {
            Sockets::One(Some(mesh(view, service, Some(tls), protocol, sni)))
        }
        Some(tls) => Sockets::One(Some(own(view, service, tls, protocol))),
        None if service.external || !view.mesh.settings.auto_mutual_tls => Sockets::One(None),
        None => Sockets::ByEndpoint(vec![
            TransportSocketMatch {
                name: "tlsMode-istio".into(),
                r#match: Some(text_struct([("tlsMode", "istio")])),
                transport_socket: Some(mesh(view, service, None, protocol, sni)),
            },
            TransportSocketMatch {
                name: "tlsMode-disabled".into(),
                r#match: Some(Struct::default()),
                transport_socket: Some(socket("envoy.transport_sockets.raw_buffer", &RawBuffer {})),
            },
        ]),
    }
}

/// Mutual TLS with the mesh's certificates. The server must be one of the identities of the endpoints.
fn mesh(view: &View<'_>, service: &Service, tls: Option<&ClientTls>, protocol: Protocol, sni: &str) -> TransportSocket {
    let names = tls.map(|tls| tls.names.clone()).filter(|names| !names.is_empty());
    let names = names.unwrap_or_else(|| identities(view, service));
    let common = CommonTlsContext {
        tls_params: Some(TlsParameters {
            tls_minimum_protocol_version: TlsProtocol::TlSv12.into(),
            tls_maximum_protocol_version: TlsProtocol::TlSv13.into(),
            ..TlsParameters::default()
        }),
        alpn_protocols: alpn(protocol),
        tls_certificate_sds_secret_configs: vec![secret(OWN)],
        validation_context_type: Some(validation(ROOTS, &names)),
        ..CommonTlsContext::default()
    };
    let sni = tls.and_then(|tls| tls.server_name.as_deref()).unwrap_or(sni);
    let context =
        UpstreamTlsContext { common_tls_context: Some(common), sni: sni.to_owned(), ..UpstreamTlsContext::default() };
    socket("envoy.transport_sockets.tls", &context)
}

/// TLS as a policy gives it.
fn own(view: &View<'_>, service: &Service, tls: &ClientTls, protocol: Protocol) -> TransportSocket {
    let mut common = CommonTlsContext {
        alpn_protocols: if protocol.is_http2() { vec!["h2".into()] } else { Vec::new() },
        ..CommonTlsContext::default()
    };
    let names = if tls.names.is_empty() { service.identities.clone() } else { tls.names.clone() };
    let (certificate, roots) = material(view, &tls.material);
    if tls.mode == ClientTlsMode::Mutual {
        match certificate {
            Some(Material::Secret(name)) => common.tls_certificate_sds_secret_configs = vec![secret(&name)],
            Some(Material::Files(certificate)) => common.tls_certificates = vec![*certificate],
            None => {}
        }
    }
    common.validation_context_type = match roots {
        Some(Roots::Secret(name)) if !tls.insecure => Some(validation(&name, &names)),
        Some(Roots::File(path)) if !tls.insecure => {
            Some(ValidationContextType::ValidationContext(CertificateValidationContext {
                trusted_ca: Some(file(&path)),
                ..names_only(&names)
            }))
        }
        None if !tls.insecure && tls.system_roots => {
            Some(ValidationContextType::ValidationContext(CertificateValidationContext {
                system_root_certs: Some(SystemRootCerts {}),
                ..names_only(&names)
            }))
        }
        _ => None,
    };
    let context = UpstreamTlsContext {
        common_tls_context: Some(common),
        sni: tls.server_name.as_deref().unwrap_or_default().to_owned(),
        auto_host_sni: tls.server_name.is_none(),
        ..UpstreamTlsContext::default()
    };
    socket("envoy.transport_sockets.tls", &context)
}

enum Material {
    Secret(String),
    Files(Box<TlsCertificate>),
}

enum Roots {
    Secret(String),
    File(String),
}

fn material(view: &View<'_>, material: &TlsMaterial) -> (Option<Material>, Option<Roots>) {
    match material {
        TlsMaterial::None => (None, None),
        TlsMaterial::Secret { key, roots } => {
            let has_roots = view.mesh.credentials.get(key).is_some_and(|credential| credential.roots.is_some());
            let roots =
                roots.as_ref().map(credential).or_else(|| has_roots.then(|| format!("{}-cacert", credential(key))));
            (Some(Material::Secret(credential(key))), roots.map(Roots::Secret))
        }
        TlsMaterial::Files { certificate, key, roots, .. } => {
            let certificate = certificate.as_ref().zip(key.as_ref()).map(|(certificate, key)| {
                Material::Files(Box::new(TlsCertificate {
                    certificate_chain: Some(file(certificate)),
                    private_key: Some(file(key)),
                    ..TlsCertificate::default()
                }))
            });
            (certificate, roots.as_ref().map(|path| Roots::File(path.to_string())))
        }
    }
}

/// The name of the secret for a credential.
pub fn credential(key: &Key) -> String {
    format!("kubernetes://{}/{}", key.namespace, key.name)
}

fn file(path: &str) -> DataSource {
    DataSource { specifier: Some(Specifier::Filename(path.to_owned())), ..DataSource::default() }
}

/// A secret that the control plane serves.
pub fn secret(name: &str) -> SdsSecretConfig {
    SdsSecretConfig { name: name.to_owned(), sds_config: Some(ads()) }
}

/// The stream that carries everything.
pub fn ads() -> ConfigSource {
    ConfigSource {
        config_source_specifier: Some(ConfigSourceSpecifier::Ads(AggregatedConfigSource {})),
        resource_api_version: ApiVersion::V3.into(),
        ..ConfigSource::default()
    }
}

/// Roots from a secret, and names of which the certificate must have one.
pub fn validation(roots: &str, names: &[Name]) -> ValidationContextType {
    ValidationContextType::CombinedValidationContext(CombinedCertificateValidationContext {
        default_validation_context: Some(names_only(names)),
        validation_context_sds_secret_config: Some(secret(roots)),
        ..CombinedCertificateValidationContext::default()
    })
}

fn names_only(names: &[Name]) -> CertificateValidationContext {
    let matcher = |name: &Name| {
        let kind = if name.contains("://") { SanType::Uri } else { SanType::Dns };
        SubjectAltNameMatcher {
            san_type: kind.into(),
            matcher: text_match(&TextMatch::of(TextTest::Exact(name.clone()))),
            ..SubjectAltNameMatcher::default()
        }
    };
    CertificateValidationContext {
        match_typed_subject_alt_names: names.iter().map(matcher).collect(),
        ..CertificateValidationContext::default()
    }
}

/// A transport socket.
pub fn socket<M: Message + prost::Name>(name: &str, config: &M) -> TransportSocket {
    TransportSocket { name: name.to_owned(), config_type: Some(ConfigType::TypedConfig(any(config))) }
}

/// The identities that endpoints of a service have; those that the service names win.
fn identities(view: &View<'_>, service: &Service) -> Vec<Name> {
    if !service.identities.is_empty() {
        return service.identities.clone();
    }
    let endpoints = view.mesh.endpoints.get(&service.key).into_iter().flat_map(|endpoints| endpoints.iter());
    let known = endpoints.filter(|endpoint| endpoint.mutual_tls && !endpoint.identity.is_empty());
    let unique: std::collections::BTreeSet<Name> = known.map(|endpoint| endpoint.identity.clone()).collect();
    unique.into_iter().collect()
}

/// Protocols that tell the other proxy that this is one of the mesh, and what is within.
fn alpn(protocol: Protocol) -> Vec<String> {
    let words: &[&str] = match protocol {
        protocol if protocol.is_http2() => &["istio-h2", "istio", "h2"],
        Protocol::Http => &["istio-http/1.1", "istio", "http/1.1"],
        Protocol::Detect => &["istio", "istio-peer-exchange", "h2", "http/1.1"],
        _ => &["istio-peer-exchange", "istio"],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}
