//! The transport socket of a downstream connection.

use std::sync::Arc;

use crate::net::Io;
use crate::proto::Reader;
use crate::services::Build;
use crate::stream::Tls;

/// The transport socket of a filter chain: plain TCP or TLS.
#[derive(Debug, Default)]
pub struct Acceptor {}

impl Acceptor {
    /// Reads an `envoy.config.core.v3.TransportSocket`: `raw_buffer` or `tls`. The scope of `build` is the listener's.
    pub fn read(reader: &Reader<'_>, _build: &Build) -> Option<Self> {
        reader.ignore(&["name"]); // The type of the configuration decides.
        let (name, config) = reader.any("typed_config")?;
        if name == "envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer" {
            return Some(Self::default());
        }
        config.ignore_all();
        reader.defect("typed_config", format!("the proxy does not have the downstream transport socket {name}"));
        None
    }

    /// Waits until certificates and trusted roots are there.
    #[allow(clippy::unused_async)]
    pub async fn ready(&self) {}

    /// Makes the handshake. TLS facts are none for plain TCP. The caller limits the time.
    #[allow(clippy::unused_async)]
    pub async fn accept(&self, io: Io) -> Result<(Io, Option<Arc<Tls>>), String> {
        Ok((io, None))
    }
}
