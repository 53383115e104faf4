//! Certificates and trusted roots by name, static or from SDS: `envoy.extensions.transport_sockets.tls.v3.Secret`.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::certificate::{Certificate, CertificateSource};
use super::data::Data;
use super::validation::{Validation, ValidationSource};
use crate::proto::Reader;
use crate::services::Build;

/// A secret: a certificate with its key, or trusted roots, or bytes. What is secret of it is never printed.
#[derive(Debug)]
pub struct Secret {
    /// Name.
    pub name: String,
    pub(super) content: Content,
}

pub(super) enum Content {
    Certificate(CertificateSource, Arc<Certificate>),
    Validation(ValidationSource, Arc<Validation>),
    Generic(Bytes),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(_, certificate) => certificate.fmt(f),
            Self::Validation(_, validation) => write!(f, "Validation({} roots)", validation.roots.len()),
            Self::Generic(bytes) => write!(f, "Generic({} bytes)", bytes.len()),
        }
    }
}

impl Secret {
    /// Reads and checks the message, files included. None: a defect was noted.
    pub fn read(reader: &Reader<'_>, _build: &Build) -> Option<Self> {
        let name = reader.text("name");
        let field = reader.choice("type").unwrap_or_default();
        let wrong = |error: String| reader.defect(&field, error);
        let content = match field.as_str() {
            "tls_certificate" => {
                let source = CertificateSource::read(&reader.message(&field)?)?;
                let loaded = source.load().map_err(wrong).ok()?;
                Content::Certificate(source, Arc::new(loaded))
            }
            "validation_context" => {
                let source = ValidationSource::read(&reader.message(&field)?)?;
                // Names without roots make sense once the context is combined with another.
                let loaded = source.load_part().map_err(wrong).ok()?;
                Content::Validation(source, Arc::new(loaded))
            }
            "generic_secret" => {
                let secret = reader.message(&field)?;
                let data = Data::read(&secret.need("secret")?)?;
                Content::Generic(data.load().map_err(wrong).ok()?)
            }
            "" => {
                reader.defect("", "holds no secret");
                return None;
            }
            other => {
                reader.defect(other, "the proxy does not have this kind of secret");
                return None;
            }
        };
        Some(Self { name, content })
    }

    /// A certificate with its key, PEM: for the proxy's own identity.
    pub fn certificate_from_pem(name: &str, chain: String, key: String) -> Result<Self, String> {
        let source = CertificateSource::from_pem(chain, key);
        let loaded = Arc::new(source.load()?);
        Ok(Self { name: name.to_string(), content: Content::Certificate(source, loaded) })
    }

    /// Trusted roots, PEM: for the proxy's own identity.
    pub fn roots_from_pem(name: &str, roots: String) -> Result<Self, String> {
        let source = ValidationSource::from_pem(roots);
        let loaded = Arc::new(source.load()?);
        Ok(Self { name: name.to_string(), content: Content::Validation(source, loaded) })
    }

    /// The certificate, when it is one.
    pub fn certificate(&self) -> Option<&Arc<Certificate>> {
        match &self.content {
            Content::Certificate(_, certificate) => Some(certificate),
            _ => None,
        }
    }

    /// The trusted roots, when they are.
    pub fn validation(&self) -> Option<&Arc<Validation>> {
        match &self.content {
            Content::Validation(_, validation) => Some(validation),
            _ => None,
        }
    }

    /// The bytes of a generic secret.
    pub fn generic(&self) -> Option<&Bytes> {
        match &self.content {
            Content::Generic(bytes) => Some(bytes),
            _ => None,
        }
    }
}
