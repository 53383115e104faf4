//! TLS of the control plane: its own certificate, and the identities of those who call.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::ads::Peer;
use super::ca::{Ca, of_certificate};
use crate::ir::Identity;

/// Time for a handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// Handshakes at a time.
const AT_ONCE: usize = 256;
/// How long a certificate of the control plane is used.
const FRESH: Duration = Duration::from_secs(6 * 3600);

/// A connection after its handshake.
#[derive(Debug)]
pub struct Secured {
    /// The stream.
    pub stream: TlsStream<TcpStream>,
    /// Who calls.
    pub peer: Peer,
}

/// Accepts connections and makes handshakes, until the receiver is dropped.
pub fn accept(listener: TcpListener, ca: Arc<Ca>, names: Vec<String>, own: Identity) -> Receiver<io::Result<Secured>> {
    let (sender, receiver) = channel(16);
    tokio::spawn(async move {
        tokio::select! {
            () = run(listener, ca, names, own, sender.clone()) => {}
            () = sender.closed() => {}
        }
    });
    receiver
}

async fn run(
    listener: TcpListener,
    ca: Arc<Ca>,
    names: Vec<String>,
    own: Identity,
    sender: Sender<io::Result<Secured>>,
) {
    let limit = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut config: Option<(Instant, Arc<ServerConfig>)> = None;
    loop {
        let Ok(permit) = Arc::clone(&limit).acquire_owned().await else { return };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(target: "meshctl::tls", "cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let fresh = config.take().filter(|(made, _)| made.elapsed() < FRESH);
        let (made, current) =
            match fresh.map_or_else(|| server_config(&ca, &names, &own).map(|new| (Instant::now(), new)), Ok) {
                Ok(current) => current,
                Err(error) => {
                    tracing::error!(target: "meshctl::tls", "{error}");
                    continue;
                }
            };
        config = Some((made, Arc::clone(&current)));
        let (sender, ca) = (sender.clone(), Arc::clone(&ca));
        tokio::spawn(async move {
            let _permit = permit;
            match tokio::time::timeout(PATIENCE, handshake(stream, address, current, &ca)).await {
                Ok(Ok(secured)) => {
                    // Nobody waits for connections any more once the server ends.
                    let _ = sender.send(Ok(secured)).await;
                }
                Ok(Err(error)) => tracing::info!(target: "meshctl::tls", %address, "refused: {error}"),
                Err(_) => tracing::info!(target: "meshctl::tls", %address, "no handshake in time"),
            }
        });
    }
}

async fn handshake(stream: TcpStream, address: SocketAddr, config: Arc<ServerConfig>, ca: &Ca) -> io::Result<Secured> {
    stream.set_nodelay(true)?;
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let proven = match certificate {
        None => None,
        Some(certificate) => Some(of_certificate(certificate, ca.authority.trust_domain()).map_err(io::Error::other)?),
    };
    Ok(Secured { stream, peer: Peer { address: Some(address), proven, must_prove: true } })
}

/// A new certificate, and trust in the mesh's roots. Clients without a certificate are taken: a token may prove them.
fn server_config(ca: &Ca, names: &[String], own: &Identity) -> Result<Arc<ServerConfig>, String> {
    let (chain, key) = ca.authority.server(names, own).map_err(|error| error.to_string())?;
    let certificates = |pem: &str| {
        let all: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        all.map_err(|error| error.to_string())
    };
    let mut roots = RootCertStore::empty();
    for root in certificates(ca.authority.roots())? {
        roots.add(root).map_err(|error| error.to_string())?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let verifier = verifier.allow_unauthenticated().build().map_err(|error| error.to_string())?;
    let key =
        PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|_| "the server's key cannot be read".to_owned())?;
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| error.to_string())?.with_client_cert_verifier(verifier);
    let mut config =
        config.with_single_cert(certificates(&chain.join("\n"))?, key).map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Arc::new(config))
}
