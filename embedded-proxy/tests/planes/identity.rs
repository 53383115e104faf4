//! Certificates that the proxy gets itself, short ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use embedded_proxy::identity::Settings;
use embedded_proxy::server::{Options, Server};
use rcgen::CertificateSigningRequestParams;
use serde_json::json;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;

use super::support::{Ca, answering, cluster, http2, kind, local, over_tls, pipe, soon, start};
use crate::faults::support::stat;

/// Lifetime of the certificates, seconds.
const LIFE: u64 = 4;

/// `istio.v1.auth.IstioCertificateRequest`, as far as it is looked at.
#[derive(Clone, PartialEq, prost::Message)]
struct Csr {
    #[prost(string, tag = "1")]
    csr: String,
    #[prost(int64, tag = "3")]
    validity_duration: i64,
}

/// `istio.v1.auth.IstioCertificateResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct Chain {
    #[prost(string, repeated, tag = "1")]
    cert_chain: Vec<String>,
}

/// A certificate service whose authority changes after the first certificate, and which may be told to refuse.
#[derive(Clone)]
struct Istio(Arc<Authority>);

struct Authority {
    cas: [Ca; 2],
    issued: AtomicU32,
    refuses: AtomicBool,
}

impl Authority {
    fn sign(&self, request: &tonic::Request<Csr>) -> Result<Vec<String>, tonic::Status> {
        let token = request.metadata().get("authorization").and_then(|token| token.to_str().ok());
        if token != Some("Bearer t0ken") || self.refuses.load(Ordering::Relaxed) {
            return Err(tonic::Status::unauthenticated("who are you"));
        }
        let mut csr = CertificateSigningRequestParams::from_pem(&request.get_ref().csr).unwrap();
        let now = std::time::UNIX_EPOCH.elapsed().unwrap();
        csr.params.not_before = rcgen::date_time_ymd(1970, 1, 1) + now;
        csr.params.not_after = csr.params.not_before + Duration::from_secs(LIFE);
        let turn = self.issued.fetch_add(1, Ordering::Relaxed);
        let ca = &self.cas[usize::from(turn > 0)];
        Ok(vec![csr.signed_by(&ca.issuer).unwrap().pem(), ca.pem.clone()])
    }
}

impl tonic::server::NamedService for Istio {
    const NAME: &'static str = "istio.v1.auth.IstioCertificateService";
}

impl tonic::server::UnaryService<Csr> for Istio {
    type Response = Chain;
    type Future = std::future::Ready<Result<tonic::Response<Chain>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<Csr>) -> Self::Future {
        std::future::ready(self.0.sign(&request).map(|cert_chain| tonic::Response::new(Chain { cert_chain })))
    }
}

impl tower_service::Service<http::Request<tonic::body::Body>> for Istio {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            let codec = tonic_prost::ProstCodec::<Chain, Csr>::default();
            Ok(tonic::server::Grpc::new(codec).unary(service, request).await)
        })
    }
}

#[test]
fn short_certificates_are_renewed_and_expired_ones_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (socket, token) = (folder.path().join("ca"), folder.path().join("token"));
    std::fs::write(&token, "t0ken").unwrap();
    let authority = Arc::new(Authority {
        cas: [Ca::new("one"), Ca::new("two")],
        issued: AtomicU32::new(0),
        refuses: AtomicBool::new(false),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let entered = runtime.enter();
    let incoming = UnixListenerStream::new(UnixListener::bind(&socket).unwrap());
    let service = tonic::transport::Server::builder().add_service(Istio(authority.clone()));
    runtime.spawn(service.serve_with_incoming(incoming));
    drop(entered);

    let tls = json!({ "transport_socket": { "name": "tls", "typed_config": {
        "@type": kind("transport_sockets.tls.v3.DownstreamTlsContext"),
        "common_tls_context": { "tls_certificate_sds_secret_configs": [{ "name": "default" }] },
    } } });
    let bootstrap = json!({ "node": { "id": "i", "cluster": "i" }, "static_resources": {
        "clusters": [cluster("ca", &pipe(&socket), &http2())],
        "listeners": [answering("secure", &local(0), "hello", &tls)],
    } });
    let identity = Settings {
        id: "spiffe://td/ns/a/sa/b".into(),
        cluster: "ca".into(),
        token: Some(token),
        roots: None,
        cluster_id: String::new(),
        lifetime: Duration::from_secs(LIFE),
    };
    let server = start(&bootstrap, &Options { identity: Some(identity), ..Options::default() });
    soon("the first certificate is there", || stat(&server, "identity.renewed") == 1);
    soon("the proxy is ready", || server.ready());
    let secure = server.address("secure").unwrap();
    // The name does not match, so the handshake gets as far as that only when the authority is trusted.
    let shown = |server: &Server, ca: &Ca| {
        let error = over_tls(server.address("secure").unwrap(), &ca.pem, "a.example").unwrap_err();
        error.contains("NotValidForName") || error.contains("not valid for name")
    };
    assert!(shown(&server, &authority.cas[0]));
    soon("it is renewed at half of its life", || stat(&server, "identity.renewed") >= 2);
    soon("the new one is shown", || shown(&server, &authority.cas[1]));

    authority.refuses.store(true, Ordering::Relaxed);
    soon("renewing fails", || stat(&server, "identity.renewal_failed") >= 1);
    std::thread::sleep(Duration::from_secs(LIFE + 1));
    // A client that got it would find it expired; it gets none.
    let error = over_tls(secure, &authority.cas[1].pem, "a.example").unwrap_err();
    assert!(!error.contains("invalid peer certificate"), "the expired certificate is shown: {error}");

    authority.refuses.store(false, Ordering::Relaxed);
    soon("it comes back", || shown(&server, &authority.cas[1]));
    assert_eq!(server.address("secure"), Some(secure));
}
