//! The proxy's own identity: a key that never leaves memory, and a certificate that a control plane signs over
//! `istio.v1.auth.IstioCertificateService`. It is published as the secrets `default` and `ROOTCA`, wherever the
//! configuration asks for them, and renewed at half its life.

mod authority;
mod keeper;
mod request;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

pub use authority::{Authority, IstioAuthority, Signed};
pub use keeper::keep;

/// Name of the secret with the certificate.
pub const CERTIFICATE: &str = "default";
/// Name of the secret with the trusted roots.
pub const ROOTS: &str = "ROOTCA";

/// Who the proxy is, and who signs that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The identity: `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/SERVICE_ACCOUNT`.
    pub id: String,
    /// Cluster of the bootstrap that leads to the certificate service.
    pub cluster: String,
    /// File with the token that proves who asks; read again for each request. None: the cluster's own TLS proves it.
    pub token: Option<PathBuf>,
    /// File with trusted roots, read again for each request, beside the one that comes with the certificate.
    pub roots: Option<PathBuf>,
    /// Name of the Kubernetes cluster, sent along when it is not empty.
    pub cluster_id: String,
    /// Lifetime to ask for (Istio's default: 24 h).
    pub lifetime: Duration,
}
