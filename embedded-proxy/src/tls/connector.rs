//! The transport socket of an upstream connection.

use std::sync::Arc;

use crate::net::Io;
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::Tls;

/// What one connection wants of its handshake beyond what the configuration says. All fields may be left empty.
#[derive(Debug, Clone, Copy, Default)]
pub struct Target<'t> {
    /// Server name from the request (`auto_sni`); replaces the configured one.
    pub sni: Option<&'t str>,
    /// The name or address that the certificate must hold (`auto_san_validation`), beside the chain; replaces the
    /// configured matchers of alternative names.
    pub san: Option<&'t str>,
    /// Host name of the endpoint, used where the configuration says `auto_host_sni`.
    pub hostname: Option<&'t str>,
    /// Protocols to offer instead of the configured ones.
    pub alpn: Option<&'t [&'t str]>,
    /// Protocols to offer when the configuration names none and `alpn` is none.
    pub alpn_fallback: &'t [&'t str],
}

/// The transport socket of a cluster, or of one of its matches: plain TCP or TLS. Clones share one state.
#[derive(Debug, Clone, Default)]
pub struct Connector {}

impl Connector {
    /// Reads an `envoy.config.core.v3.TransportSocket`: `raw_buffer` or `tls`.
    pub fn read(reader: &Reader<'_>, _build: &Build) -> Option<Self> {
        reader.ignore(&["name"]); // The type of the configuration decides.
        let (name, _config) = reader.any("typed_config")?;
        if name == "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" {
            return Some(Self::default());
        }
        reader.defect("typed_config", format!("the proxy does not have the upstream transport socket {name}"));
        None
    }

    /// Plain TCP: for clusters without transport socket.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Whether connections are TLS.
    pub fn is_tls(&self) -> bool {
        false
    }

    /// Makes the handshake over an established connection. TLS facts are none for plain TCP. The error is what Envoy
    /// prints as upstream transport failure reason (`TLS_error:...`). The caller limits the time.
    #[allow(clippy::unused_async)]
    pub async fn connect(&self, io: Io, _target: &Target<'_>) -> Result<(Io, Option<Arc<Tls>>), String> {
        Ok((io, None))
    }
}
