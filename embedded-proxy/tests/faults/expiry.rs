//! Certificates that change and expire while there is traffic.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use embedded_proxy::server::Server;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::config::{bootstrap, hcm, tls_listener};
use super::support::*;

/// An authority and the file that its certificates are put into.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, file: folder.join("sds.json") }
    }

    /// Puts a certificate in place that is valid for some seconds from now.
    fn issue(&self, seconds: u64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let epoch = rcgen::date_time_ymd(1970, 1, 1);
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName("a".try_into().unwrap())];
        params.not_before = epoch + now.saturating_sub(Duration::from_secs(60));
        params.not_after = epoch + now + Duration::from_secs(seconds);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        let resources = json!({ "version_info": "1", "resources": [{
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret", "name": "own",
            "tls_certificate": {
                "certificate_chain": { "inline_string": certificate }, "private_key": { "inline_string": key },
            },
        }] });
        let new = self.file.with_extension("new");
        std::fs::write(&new, resources.to_string()).unwrap();
        std::fs::rename(new, &self.file).unwrap();
    }

    fn connector(&self, alpn: &[u8]) -> TlsConnector {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.issuer.der().to_vec().into()).unwrap();
        let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![alpn.to_vec()];
        // Each connection is a whole handshake.
        config.resumption = rustls::client::Resumption::disabled();
        TlsConnector::from(Arc::new(config))
    }
}

async fn shake(connector: &TlsConnector, to: SocketAddr) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(to).await?;
    connector.connect(ServerName::try_from("a").unwrap(), tcp).await
}

/// The certificate that is shown.
fn shown(stream: &TlsStream<TcpStream>) -> Vec<u8> {
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

/// Requests over one connection, one after the other, for ever.
async fn http1(mut stream: TlsStream<TcpStream>, served: Arc<AtomicUsize>) {
    loop {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("the connection goes on");
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            answer.push(stream.read_u8().await.expect("the answer goes on"));
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"));
        served.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(5)).await;
    }
}

/// The same over HTTP/2.
async fn http2(stream: TlsStream<TcpStream>, served: Arc<AtomicUsize>) {
    let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    loop {
        let request = http::Request::get("https://a/").body(()).unwrap();
        sender = sender.ready().await.expect("the connection goes on");
        let answer = sender.send_request(request, true).unwrap().0.await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let mut body = answer.into_body();
        while let Some(data) = body.data().await {
            data.expect("the answer goes on");
        }
        served.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(5)).await;
    }
}

/// Handshakes until one is as wanted.
async fn until<T>(
    what: &str,
    connector: &TlsConnector,
    to: SocketAddr,
    wanted: impl Fn(io::Result<TlsStream<TcpStream>>) -> Option<T>,
) -> T {
    for _ in 0..200 {
        if let Some(found) = wanted(shake(connector, to).await) {
            return found;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("never: {what}");
}

fn expired(server: &Server) -> i64 {
    stat(server, "listener.main.ssl.own_certificate_expired")
}

#[test]
fn certificates_change_and_expire_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path());
    authority.issue(3600);
    let hcm = hcm(&json!({}), &json!({}));
    let server = start(&bootstrap(&[tls_listener("main", &hcm, &authority.file)], origin(friendly)));
    let to = server.address("main").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (one, two) = (authority.connector(b"http/1.1"), authority.connector(b"h2"));
        let served = Arc::new(AtomicUsize::new(0));
        let first = shake(&one, to).await.unwrap();
        let old = shown(&first);
        let load = [
            tokio::spawn(http1(first, served.clone())),
            tokio::spawn(http2(shake(&two, to).await.unwrap(), served.clone())),
        ];

        // A certificate for a few seconds takes its place: every handshake meanwhile succeeds.
        authority.issue(4);
        until("the new certificate is shown", &one, to, |stream| {
            let stream = stream.expect("no handshake fails while certificates change");
            (shown(&stream) != old).then_some(())
        })
        .await;
        assert_eq!(expired(&server), 0);

        // It expires: nobody new gets in, those inside go on.
        until("the expired certificate is shown to nobody", &one, to, |stream| stream.err().map(drop)).await;
        let before = (expired(&server), served.load(Ordering::Relaxed));
        for _ in 0..5 {
            assert!(shake(&two, to).await.is_err());
            sleep(Duration::from_millis(50)).await;
        }
        assert!(expired(&server) >= before.0 + 5, "each refusal is counted");
        let inside = served.load(Ordering::Relaxed) - before.1;
        assert!(inside > 10, "{inside} requests on connections from before");

        // The next one lets everybody in again.
        authority.issue(3600);
        until("the next certificate is shown", &one, to, |stream| stream.ok().map(drop)).await;
        for task in load {
            assert!(!task.is_finished(), "no request was lost: {:?}", task.await);
            task.abort();
        }
    });
    drop(runtime);
    emptied(&server, "main");
    server.shutdown();
}
