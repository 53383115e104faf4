//! TLS of callers and servers.

use std::fmt;

use super::{Key, Name, Origin};

/// TLS of a caller.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClientTls {
    /// Where it is declared.
    pub origin: Origin,
    /// How.
    pub mode: ClientTlsMode,
    /// Server name; that of the request when not set.
    pub server_name: Option<Name>,
    /// Names the server's certificate may have; empty means the default of the mode.
    pub names: Vec<Name>,
    /// Where key, certificate and roots are.
    pub material: TlsMaterial,
    /// Trust any server.
    pub insecure: bool,
    /// Trust the roots of the system.
    pub system_roots: bool,
}

/// How a caller uses TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ClientTlsMode {
    /// Not.
    #[default]
    Off,
    /// The server proves itself.
    Server,
    /// Both prove themselves, with given certificates.
    Mutual,
    /// Both prove themselves, with the mesh's certificates.
    Mesh,
}

/// TLS of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerTls {
    /// Where it is declared.
    pub origin: Origin,
    /// How.
    pub mode: ServerTlsMode,
    /// Where keys, certificates and roots are; several for several algorithms or names.
    pub material: Vec<TlsMaterial>,
    /// Names a caller's certificate may have.
    pub names: Vec<Name>,
    /// Base64 SHA-256 of the public key that a caller's certificate may have.
    pub public_key_pins: Vec<Name>,
    /// Hex SHA-256 that a caller's certificate may have.
    pub certificate_pins: Vec<Name>,
    /// Oldest version (`1.2`).
    pub min_version: Option<TlsVersion>,
    /// Newest version.
    pub max_version: Option<TlsVersion>,
    /// Cipher suites of TLS 1.2, by OpenSSL's names.
    pub ciphers: Vec<Name>,
    /// Answer plain HTTP with a redirect to HTTPS.
    pub redirect_plain: bool,
    /// Take callers whose certificate proves nothing.
    pub insecure: bool,
}

/// How a server uses TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum ServerTlsMode {
    /// It terminates.
    #[default]
    Server,
    /// It terminates and wants the caller's certificate.
    Mutual,
    /// It terminates and takes the caller's certificate when there is one; one that is not valid is refused.
    OptionalMutual,
    /// It terminates with the mesh's certificates.
    Mesh,
    /// The bytes go on by the server name, which routes name.
    Passthrough,
    /// The bytes go on to the service that the server name encodes.
    AutoPassthrough,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// 1.0
    V10,
    /// 1.1
    V11,
    /// 1.2
    V12,
    /// 1.3
    V13,
}

/// Where key, certificate and roots are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum TlsMaterial {
    /// Nowhere: the mode needs none, or the mesh has it.
    #[default]
    None,
    /// A secret: certificate and key under `tls.crt` and `tls.key`, roots under `ca.crt` there or in a second secret.
    Secret {
        /// The one with the certificate.
        key: Key,
        /// The one with the roots.
        roots: Option<Key>,
    },
    /// Files of the proxy.
    Files {
        /// Certificate chain.
        certificate: Option<Name>,
        /// Key.
        key: Option<Name>,
        /// Roots.
        roots: Option<Name>,
        /// Revoked certificates.
        revoked: Option<Name>,
    },
}

/// The content of a secret. Its key is never shown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credential {
    /// Where it is declared.
    pub origin: Origin,
    /// Certificate chain, PEM.
    pub certificate: Option<Vec<u8>>,
    /// Key, PEM.
    pub key: Option<Vec<u8>>,
    /// Roots, PEM.
    pub roots: Option<Vec<u8>>,
    /// Revoked certificates, PEM.
    pub revoked: Option<Vec<u8>>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |part: &Option<Vec<u8>>| if part.is_some() { "set" } else { "not set" };
        f.debug_struct("Credential")
            .field("origin", &self.origin)
            .field("certificate", &has(&self.certificate))
            .field("key", &self.key.as_ref().map(|_| "[redacted]"))
            .field("roots", &has(&self.roots))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_shown() {
        let credential = Credential { key: Some(b"very secret".to_vec()), ..Credential::default() };
        assert!(!format!("{credential:?}").contains("secret\""), "{credential:?}");
        assert!(format!("{credential:?}").contains("[redacted]"));
    }
}
