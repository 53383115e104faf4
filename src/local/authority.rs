//! Signs the certificates of the proxies with the control plane's authority, without a way over the network. Each proxy's
//! signer gives one identity, whatever the request says.

use std::sync::Arc;
use std::time::Duration;

use embedded_proxy::identity::{Authority as Signs, Signed};

use crate::control_plane::ca::Authority;
use crate::ir::Identity;

/// Signs for one identity.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Who has the key.
    pub authority: Arc<Authority>,
    /// The identity.
    pub identity: Identity,
}

impl Signs for Signer {
    fn sign(&self, csr: String, lifetime: Duration) -> Signed {
        let signed = self.authority.sign(&csr, &self.identity, lifetime);
        Box::pin(std::future::ready(signed.map_err(|error| error.to_string())))
    }
}
