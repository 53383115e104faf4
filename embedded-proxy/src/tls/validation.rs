//! What a peer's certificate must satisfy: `envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext`.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor};
use webpki::{CertRevocationList, OwnedCertRevocationList};

use super::data::Data;
use super::facts::CertificateFacts;
use super::names::NameMatcher;
use crate::proto::Reader;

/// Most certificates between a peer's and a trusted one, as in OpenSSL.
const DEPTH: usize = 100;

/// A validation context as it is configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ValidationSource {
    trusted_ca: Option<Data>,
    crl: Option<Data>,
    spki: Vec<Vec<u8>>,
    hashes: Vec<Vec<u8>>,
    names: Vec<NameMatcher>,
    accept_untrusted: bool,
    allow_expired: bool,
    leaf_crl_only: bool,
    max_depth: Option<usize>,
    suppress_ca_list: bool,
}

/// A trusted certificate.
#[derive(Debug)]
pub(super) struct Root {
    pub der: CertificateDer<'static>,
    pub facts: CertificateFacts,
}

/// A validation context with everything loaded.
#[derive(Debug)]
pub struct Validation {
    pub(super) source: ValidationSource,
    pub(super) roots: Vec<Root>,
    pub(super) anchors: Vec<TrustAnchor<'static>>,
    pub(super) crls: Vec<CertRevocationList<'static>>,
    /// The file the roots are in, or `<inline>`.
    pub origin: String,
}

impl ValidationSource {
    /// Reads the message. None: a defect was noted.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        // Files are looked at every few seconds.
        reader.ignore(&["watched_directory"]);
        if reader.opt_flag("require_signed_certificate_timestamp") == Some(true) {
            reader.defect("require_signed_certificate_timestamp", "the proxy does not check certificate transparency");
        }
        let spki = reader.texts("verify_certificate_spki");
        let spki: Vec<_> =
            spki.iter().map(|text| STANDARD.decode(text).ok().filter(|bytes| bytes.len() == 32)).collect();
        let Some(spki) = spki.into_iter().collect::<Option<Vec<_>>>() else {
            reader.defect("verify_certificate_spki", "must be the base64 of a SHA-256");
            return None;
        };
        let hashes = reader.texts("verify_certificate_hash");
        let Some(hashes) = hashes.iter().map(|text| hash(text)).collect::<Option<Vec<_>>>() else {
            reader.defect("verify_certificate_hash", "must be a SHA-256 in hex");
            return None;
        };
        Some(Self {
            trusted_ca: Data::read_optional(reader, "trusted_ca")?,
            crl: Data::read_optional(reader, "crl")?,
            spki,
            hashes,
            names: NameMatcher::read_all(reader)?,
            accept_untrusted: reader.word("trust_chain_verification") == "ACCEPT_UNTRUSTED",
            allow_expired: reader.flag("allow_expired_certificate"),
            leaf_crl_only: reader.flag("only_verify_leaf_cert_crl"),
            max_depth: reader.number("max_verify_depth").map(|depth| usize::try_from(depth).unwrap_or(DEPTH)),
            suppress_ca_list: reader.flag("suppress_client_ca_list"),
        })
    }

    /// Trusted roots from PEM in memory, and nothing else.
    pub fn from_pem(roots: String) -> Self {
        Self { trusted_ca: Some(Data::Inline(roots.into())), ..Self::default() }
    }

    /// Another context on top of this one: what it says wins, its lists are appended. This is how a combined context
    /// is made from the default one and the delivered one.
    pub fn merged(&self, top: &Self) -> Self {
        let joined = |one: &[Vec<u8>], other: &[Vec<u8>]| one.iter().chain(other).cloned().collect();
        Self {
            trusted_ca: top.trusted_ca.clone().or_else(|| self.trusted_ca.clone()),
            crl: top.crl.clone().or_else(|| self.crl.clone()),
            spki: joined(&self.spki, &top.spki),
            hashes: joined(&self.hashes, &top.hashes),
            names: self.names.iter().chain(&top.names).cloned().collect(),
            accept_untrusted: self.accept_untrusted || top.accept_untrusted,
            allow_expired: self.allow_expired || top.allow_expired,
            leaf_crl_only: self.leaf_crl_only || top.leaf_crl_only,
            max_depth: top.max_depth.or(self.max_depth),
            suppress_ca_list: self.suppress_ca_list || top.suppress_ca_list,
        }
    }

    /// Files that may change.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.trusted_ca, &self.crl].into_iter().flatten().filter_map(Data::file)
    }

    /// Reads and checks everything.
    pub fn load(&self) -> Result<Validation, String> {
        if !self.names.is_empty() && self.trusted_ca.is_none() {
            return Err("names of certificates are matched without a trusted CA, which proves nothing".into());
        }
        if self.crl.is_some() && self.trusted_ca.is_none() {
            return Err("a revocation list without a trusted CA has no effect".into());
        }
        self.load_part()
    }

    /// The same for a part of a context, whose other part may hold the roots.
    pub fn load_part(&self) -> Result<Validation, String> {
        let roots = self.trusted_ca.as_ref().map_or_else(|| Ok(Vec::new()), roots)?;
        let anchors: Result<Vec<TrustAnchor<'static>>, String> = roots
            .iter()
            .map(|root| {
                let anchor = webpki::anchor_from_trusted_cert(&root.der);
                anchor.map(|anchor| anchor.to_owned()).map_err(|error| format!("trusted CA: {error}"))
            })
            .collect();
        let crls = self.crl.as_ref().map_or_else(|| Ok(Vec::new()), crls)?;
        let origin = self.trusted_ca.as_ref().map(Data::describe).unwrap_or_default();
        Ok(Validation { source: self.clone(), roots, anchors: anchors?, crls, origin })
    }
}

/// SHA-256 in hex, with or without colons.
fn hash(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|letter| *letter != ':').collect();
    let bytes = digits.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> =
        bytes.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect();
    bytes.filter(|bytes| bytes.len() == 32 && digits.is_ascii())
}

fn roots(data: &Data) -> Result<Vec<Root>, String> {
    let wrong = |error: String| format!("trusted CA {}: {error}", data.describe());
    let bytes = data.load()?;
    let all: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| wrong(error.to_string()))?;
    if all.is_empty() {
        return Err(wrong("holds no certificate".into()));
    }
    all.into_iter().map(|der| CertificateFacts::read(&der).map(|facts| Root { der, facts }).map_err(wrong)).collect()
}

fn crls(data: &Data) -> Result<Vec<CertRevocationList<'static>>, String> {
    let wrong = |error: String| format!("revocation list {}: {error}", data.describe());
    let bytes = data.load()?;
    let all: Result<Vec<CertificateRevocationListDer<'static>>, _> =
        CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
    let all = all.map_err(|error| wrong(error.to_string()))?;
    if all.is_empty() {
        return Err(wrong("holds no list".into()));
    }
    let owned = |der: &CertificateRevocationListDer<'_>| OwnedCertRevocationList::from_der(der);
    all.iter().map(|der| owned(der).map(CertRevocationList::from).map_err(|error| wrong(error.to_string()))).collect()
}

impl Validation {
    /// What the trusted certificates say: for dumps.
    pub fn roots(&self) -> impl Iterator<Item = &CertificateFacts> {
        self.roots.iter().map(|root| &root.facts)
    }

    /// Whether a certificate that passed is proved to be its holder's: by a trusted chain or a pin.
    pub(super) fn proves(&self) -> bool {
        self.checks_chain() || !self.source.spki.is_empty() || !self.source.hashes.is_empty()
    }

    /// Whether it asks for something that only a certificate can have: then, as in Envoy, a client must show one even where
    /// `require_client_certificate` does not say so.
    pub(super) fn needs_certificate(&self) -> bool {
        !self.source.names.is_empty() || !self.source.spki.is_empty() || !self.source.hashes.is_empty()
    }

    /// Whether the chain is checked, and a failure refuses the peer.
    pub(super) fn checks_chain(&self) -> bool {
        !self.anchors.is_empty() && !self.source.accept_untrusted
    }

    /// Pins of public keys and of certificates.
    pub(super) fn pins(&self) -> (&[Vec<u8>], &[Vec<u8>]) {
        (&self.source.spki, &self.source.hashes)
    }

    pub(super) fn names(&self) -> &[NameMatcher] {
        &self.source.names
    }

    pub(super) fn allows_expired(&self) -> bool {
        self.source.allow_expired
    }

    pub(super) fn leaf_crl_only(&self) -> bool {
        self.source.leaf_crl_only
    }

    pub(super) fn max_depth(&self) -> usize {
        self.source.max_depth.unwrap_or(DEPTH)
    }

    /// Whether clients are not told which authorities are trusted.
    pub(super) fn hides_roots(&self) -> bool {
        self.source.suppress_ca_list
    }
}
