//! Certificates, proxies and clients of these tests.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::server::{Options, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use serde_json::{Value, json};

use crate::faults::support::PATIENCE;

/// Starts a proxy.
pub fn start(bootstrap: &Value, options: &Options) -> Server {
    let server = Bootstrap::from_json(bootstrap).and_then(|bootstrap| Server::start(bootstrap, options));
    server.unwrap_or_else(|defects| panic!("the bootstrap is refused: {defects:#?}"))
}

/// A type of Envoy's extensions.
pub fn kind(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

/// An address of this machine.
pub fn local(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}

/// A unix socket.
pub fn pipe(path: &Path) -> Value {
    json!({ "pipe": { "path": path } })
}

/// A cluster with one endpoint; `fields` are added.
pub fn cluster(name: &str, address: &Value, fields: &Value) -> Value {
    let mut cluster = json!({ "name": name, "type": "STATIC", "connect_timeout": "1s", "load_assignment": {
        "cluster_name": name, "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": address } }] }],
    } });
    for (field, value) in fields.as_object().unwrap() {
        cluster[field] = value.clone();
    }
    cluster
}

/// The field that makes a cluster speak HTTP/2.
pub fn http2() -> Value {
    json!({ "typed_extension_protocol_options": { "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": kind("upstreams.http.v3.HttpProtocolOptions"),
        "explicit_http_config": { "http2_protocol_options": {} },
    } } })
}

/// A listener with a filter chain that answers 200; `chain` is added to it.
pub fn answering(name: &str, address: &Value, body: &str, chain: &Value) -> Value {
    let manager = json!({
        "@type": kind("filters.network.http_connection_manager.v3.HttpConnectionManager"), "stat_prefix": name,
        "route_config": { "name": name, "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": [{
            "match": { "prefix": "/" }, "direct_response": { "status": 200, "body": { "inline_string": body } },
        }] }] },
        "http_filters": [{ "name": "router", "typed_config": { "@type": kind("filters.http.router.v3.Router") } }],
    });
    let mut only = json!({ "filters": [{ "name": "http", "typed_config": manager }] });
    for (field, value) in chain.as_object().unwrap() {
        only[field] = value.clone();
    }
    json!({ "name": name, "address": address, "filter_chains": [only] })
}

/// A certificate with its key, PEM.
pub struct Leaf {
    pub certificate: String,
    pub key: String,
}

/// A certificate authority.
pub struct Ca {
    pub issuer: CertifiedIssuer<'static, KeyPair>,
    pub pem: String,
}

impl Ca {
    /// A self-signed one.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { pem: issuer.pem(), issuer }
    }

    /// A certificate for a name: a URI or a DNS name.
    pub fn leaf(&self, name: &str) -> Leaf {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![if name.contains("://") {
            SanType::URI(name.try_into().unwrap())
        } else {
            SanType::DnsName(name.try_into().unwrap())
        }];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A secret with a certificate.
pub fn certificate(name: &str, leaf: &Leaf) -> Value {
    json!({ "name": name, "tls_certificate": {
        "certificate_chain": { "inline_string": leaf.certificate }, "private_key": { "inline_string": leaf.key },
    } })
}

/// A client of TLS that trusts one authority.
pub fn client(roots: &str) -> Arc<rustls::ClientConfig> {
    let mut store = rustls::RootCertStore::empty();
    store.add(CertificateDer::from_pem_slice(roots.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(store).with_no_client_auth())
}

/// The body of an answer over TLS to a server of that name, or why there is none.
pub fn over_tls(to: SocketAddr, roots: &str, name: &'static str) -> Result<String, String> {
    let mut tcp = TcpStream::connect(to).map_err(|error| error.to_string())?;
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut session = rustls::ClientConnection::new(client(roots), ServerName::try_from(name).unwrap()).unwrap();
    let mut stream = rustls::Stream::new(&mut session, &mut tcp);
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    asked.map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    // Closing without a word of TLS is how HTTP/1.1 ends here.
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_string()).ok_or(answer)
}

/// Ends mutual TLS in front of a unix socket: clients must show a certificate of the authority.
pub fn terminate(leaf: &Leaf, clients: &str, to: &Path) -> SocketAddr {
    let mut store = rustls::RootCertStore::empty();
    store.add(CertificateDer::from_pem_slice(clients.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider.clone());
    let chain = vec![CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = builder.with_client_cert_verifier(verifier.build().unwrap()).with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let (address, path) = (listener.local_addr().unwrap(), to.to_path_buf());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((tcp, _)) = listener.accept().await {
                let (acceptor, path) = (acceptor.clone(), path.clone());
                tokio::spawn(async move {
                    let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                    let Ok(mut unix) = tokio::net::UnixStream::connect(path).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut tls, &mut unix).await;
                });
            }
        });
    });
    address
}

/// Waits until something holds; longer than elsewhere, as files are looked at once in a while.
pub fn soon(what: &str, holds: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "does not happen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
