//! Verification of peers: the chain first, then names, then pins. One function for both sides.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy, VerifiedPath,
};

use super::facts::{CertificateFacts, Name, sha256};
use super::names::{check_spiffe, holds};
use super::validation::Validation;

/// Which check a certificate failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// The chain, or the certificate itself.
    Chain,
    /// The names.
    Name,
    /// The pins.
    Pin,
}

/// Why a peer's certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub failed: Failed,
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    fn new(failed: Failed, why: impl Into<String>) -> Self {
        Self { failed, why: why.into() }
    }

    /// As rustls passes it on; the alert is the one of a bad certificate.
    fn into_error(self) -> Error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(self))))
    }

    /// The refusal inside an error of rustls.
    pub fn of(error: &Error) -> Option<&Self> {
        match error {
            Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => inner.downcast_ref(),
            _ => None,
        }
    }
}

/// Checks a peer's certificate. `wanted` is a host name that it must hold beside what the context says.
pub(super) fn check(
    validation: Option<&Validation>,
    leaf: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    now: UnixTime,
    usage: KeyUsage,
    wanted: Option<&str>,
) -> Result<(), Refusal> {
    let facts = CertificateFacts::read(leaf).map_err(|why| Refusal::new(Failed::Chain, why))?;
    let Some(validation) = validation else {
        return check_name(&facts, wanted);
    };
    if validation.checks_chain() {
        check_chain(validation, leaf, &facts, chain, now, usage)?;
    }
    if validation.proves() {
        check_spiffe(&facts).map_err(|why| Refusal::new(Failed::Name, why))?;
    }
    check_name(&facts, wanted)?;
    let names = validation.names();
    if !names.is_empty()
        && wanted.is_none()
        && !facts.names.iter().any(|name| names.iter().any(|one| one.matches(name)))
    {
        return Err(Refusal::new(Failed::Name, format!("verify cert failed: SAN matcher, {}", shown(&facts))));
    }
    check_pins(validation, leaf)
}

/// The names of a certificate, as Envoy tells them when none of them matches.
fn shown(facts: &CertificateFacts) -> String {
    let names: Vec<String> = facts
        .names
        .iter()
        .map(|name| match name {
            Name::Dns(text) | Name::Uri(text) | Name::Email(text) => text.clone(),
            Name::Ip(ip) => ip.to_string(),
        })
        .collect();
    format!("certificate SANs are [{}]", names.join(", "))
}

fn check_name(facts: &CertificateFacts, wanted: Option<&str>) -> Result<(), Refusal> {
    match wanted {
        Some(wanted) if !holds(facts, wanted) => {
            Err(Refusal::new(Failed::Name, format!("verify SAN list: the certificate does not hold {wanted}")))
        }
        _ => Ok(()),
    }
}

fn check_pins(validation: &Validation, leaf: &CertificateDer<'_>) -> Result<(), Refusal> {
    let (spki, hashes) = validation.pins();
    if spki.is_empty() && hashes.is_empty() {
        return Ok(());
    }
    let key = EndEntityCert::try_from(leaf).map(|leaf| leaf.subject_public_key_info().to_vec()).unwrap_or_default();
    if hashes.contains(&sha256(leaf)) || spki.contains(&sha256(&key)) {
        return Ok(());
    }
    Err(Refusal::new(Failed::Pin, "the certificate is not one of those that are pinned"))
}

fn check_chain(
    validation: &Validation,
    leaf: &CertificateDer<'_>,
    facts: &CertificateFacts,
    chain: &[CertificateDer<'_>],
    now: UnixTime,
    usage: KeyUsage,
) -> Result<(), Refusal> {
    let second = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    // A certificate that is trusted itself needs no chain.
    if validation.roots.iter().any(|root| root.der == *leaf) {
        if facts.is_valid_at(second) || validation.allows_expired() {
            return Ok(());
        }
        return Err(expired());
    }
    let failed = |error: webpki::Error| Refusal::new(Failed::Chain, chain_error(&error));
    let certificate = EndEntityCert::try_from(leaf).map_err(failed)?;
    let lists: Vec<&CertRevocationList<'_>> = validation.crls.iter().collect();
    let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
        let depth =
            if validation.leaf_crl_only() { RevocationCheckDepth::EndEntity } else { RevocationCheckDepth::Chain };
        let options = options.with_depth(depth).with_status_policy(UnknownStatusPolicy::Deny);
        options.with_expiration_policy(ExpirationPolicy::Enforce).build()
    });
    let time = if validation.allows_expired() {
        UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            u64::try_from(second.clamp(facts.valid.0, facts.valid.1.max(facts.valid.0))).unwrap_or(0),
        ))
    } else {
        now
    };
    let limits = |path: &VerifiedPath<'_>| {
        if path.intermediate_certificates().count() > validation.max_depth() {
            return Err(webpki::Error::MaximumPathDepthExceeded);
        }
        // Trust anchors have no end of their own in webpki.
        let key = path.anchor().subject_public_key_info.as_ref();
        let anchored = validation.anchors.iter().zip(&validation.roots);
        let mut roots = anchored.filter(|(anchor, _)| anchor.subject_public_key_info.as_ref() == key);
        if validation.allows_expired() || roots.any(|(_, root)| root.facts.is_valid_at(second)) {
            Ok(())
        } else {
            Err(webpki::Error::UnknownIssuer)
        }
    };
    let verified = certificate.verify_for_usage(
        ALGORITHMS.all,
        &validation.anchors,
        chain,
        time,
        usage,
        revocation,
        Some(&limits),
    );
    verified.map(|_| ()).map_err(failed)
}

fn expired() -> Refusal {
    Refusal::new(Failed::Chain, "verify cert failed: certificate has expired")
}

/// What is wrong with a chain, in OpenSSL's words where it has some.
fn chain_error(error: &webpki::Error) -> String {
    let why = match error {
        webpki::Error::CertExpired { .. } => "certificate has expired".to_string(),
        webpki::Error::CertNotValidYet { .. } => "certificate is not yet valid".to_string(),
        webpki::Error::UnknownIssuer => "unable to get local issuer certificate".to_string(),
        webpki::Error::CertRevoked => "certificate revoked".to_string(),
        webpki::Error::UnknownRevocationStatus => "unable to get certificate CRL".to_string(),
        webpki::Error::CaUsedAsEndEntity => "an authority's certificate stands for a peer".to_string(),
        webpki::Error::RequiredEkuNotFoundContext(_) => "unsuitable certificate purpose".to_string(),
        other => other.to_string(),
    };
    format!("verify cert failed: {why}")
}

static ALGORITHMS: LazyLock<WebPkiSupportedAlgorithms> =
    LazyLock::new(|| rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms);

/// Verifies servers.
#[derive(Debug)]
pub(super) struct ServerVerifier {
    pub validation: Option<Arc<Validation>>,
    /// The certificate must hold this name.
    pub wanted: Option<String>,
    pub provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for ServerVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let wanted = self.wanted.as_deref();
        check(self.validation.as_deref(), end_entity, intermediates, now, KeyUsage::server_auth(), wanted)
            .map(|()| ServerCertVerified::assertion())
            .map_err(Refusal::into_error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Verifies clients.
#[derive(Debug)]
pub(super) struct ClientVerifier {
    pub validation: Option<Arc<Validation>>,
    /// Clients without a certificate are refused.
    pub required: bool,
    pub hints: Vec<DistinguishedName>,
    pub provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for ClientVerifier {
    fn client_auth_mandatory(&self) -> bool {
        self.required
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        check(self.validation.as_deref(), end_entity, intermediates, now, KeyUsage::client_auth(), None)
            .map(|()| ClientCertVerified::assertion())
            .map_err(Refusal::into_error)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
