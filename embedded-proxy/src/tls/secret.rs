//! Certificates and trusted roots by name, static or from SDS.

/// A secret: a certificate with its key, or trusted roots.
#[derive(Debug, Default)]
pub struct Secret {}
