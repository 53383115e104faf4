//! Identities from a certificate service.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rcgen::CertificateSigningRequestParams;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;

use super::authority::{CertificateRequest, CertificateResponse, Signed};
use super::*;
use crate::cluster::testing::{apply, assignment, build};
use crate::services::Build;
use crate::tls::Secret;
use crate::tls::testing::Ca;
use crate::xds::{ConfigSource, Watched};

const ID: &str = "spiffe://td/ns/a/sa/b";

fn settings() -> Settings {
    Settings {
        id: ID.into(),
        cluster: "ca".into(),
        token: None,
        roots: None,
        cluster_id: "Kubernetes".into(),
        lifetime: Duration::from_secs(86_400),
    }
}

/// A certificate that began an hour ago and lives for a day.
fn sign(ca: &Ca, csr: &str) -> Vec<String> {
    let mut request = CertificateSigningRequestParams::from_pem(csr).unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    request.params.not_before = rcgen::date_time_ymd(1970, 1, 1) + now.saturating_sub(Duration::from_secs(3600));
    request.params.not_after = request.params.not_before + Duration::from_secs(86_400);
    vec![request.signed_by(ca.issuer()).unwrap().pem(), ca.pem.clone()]
}

/// Fails twice, then signs, each time with another authority.
struct Fake(Vec<Ca>, AtomicU32);

impl Authority for Fake {
    fn sign(&self, csr: String, _lifetime: Duration) -> Signed {
        let call = self.1.fetch_add(1, Ordering::Relaxed);
        let answer = match call.checked_sub(2) {
            None => Err("not now".to_string()),
            Some(call) => Ok(sign(&self.0[call as usize % self.0.len()], &csr)),
        };
        Box::pin(async { answer })
    }
}

fn issuer(value: &Watched<Secret>) -> Option<String> {
    Some(value.borrow().as_ref()?.certificate()?.facts.issuer.clone())
}

fn trusted(value: &Watched<Secret>) -> Option<String> {
    Some(value.borrow().as_ref()?.validation()?.roots().next()?.subject.clone())
}

#[tokio::test(start_paused = true)]
async fn certificates_are_renewed_and_reach_everybody() {
    let Build { services, .. } = build();
    let early = services.secrets.watch(CERTIFICATE);
    let authority = Arc::new(Fake(vec![Ca::new("one"), Ca::new("two")], AtomicU32::new(0)));
    let keeping = tokio::spawn(keep(services.clone(), Arc::new(settings()), authority.clone()));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(authority.1.load(Ordering::Relaxed), 3, "two failures, then success");
    assert_eq!(issuer(&early).as_deref(), Some("CN=one"));
    let late = services.secrets.watch_from(&ConfigSource::STATIC, CERTIFICATE);
    let roots = services.secrets.watch(ROOTS);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((issuer(&late).as_deref(), trusted(&roots).as_deref()), (Some("CN=one"), Some("CN=one")));
    let hours = |hours: f64| Duration::from_secs_f64(hours * 3600.0);
    tokio::time::sleep(hours(9.5)).await;
    assert_eq!(authority.1.load(Ordering::Relaxed), 3, "not before 45 % of the life");
    tokio::time::sleep(hours(3.0)).await;
    assert_eq!(authority.1.load(Ordering::Relaxed), 4, "not after 55 % of the life");
    for value in [&early, &late] {
        assert_eq!(issuer(value).as_deref(), Some("CN=two"));
    }
    assert_eq!(trusted(&roots).as_deref(), Some("CN=two"), "the roots come with the certificate");
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn certificates_for_others_are_not_taken() {
    struct Wrong(Ca, bool);
    impl Authority for Wrong {
        fn sign(&self, csr: String, _lifetime: Duration) -> Signed {
            // Another key, or another name with the right key.
            let answer = if self.1 {
                vec![self.0.uris(&[ID]).pem, self.0.pem.clone()]
            } else {
                let mut request = CertificateSigningRequestParams::from_pem(&csr).unwrap();
                request.params.subject_alt_names =
                    vec![rcgen::SanType::URI("spiffe://td/ns/a/sa/c".try_into().unwrap())];
                vec![request.signed_by(self.0.issuer()).unwrap().pem(), self.0.pem.clone()]
            };
            Box::pin(async { Ok(answer) })
        }
    }
    for other_key in [true, false] {
        let Build { services, .. } = build();
        let watched = services.secrets.watch(CERTIFICATE);
        let keeping =
            tokio::spawn(keep(services.clone(), Arc::new(settings()), Arc::new(Wrong(Ca::new("ca"), other_key))));
        tokio::time::sleep(Duration::from_secs(300)).await;
        assert!(watched.borrow().is_none());
        keeping.abort();
    }
}

/// A certificate service that checks the token.
#[derive(Clone)]
struct Service(Arc<Ca>);

impl tonic::server::NamedService for Service {
    const NAME: &'static str = "istio.v1.auth.IstioCertificateService";
}

impl tonic::server::UnaryService<CertificateRequest> for Service {
    type Response = CertificateResponse;
    type Future = std::future::Ready<Result<tonic::Response<CertificateResponse>, tonic::Status>>;

    fn call(&mut self, request: tonic::Request<CertificateRequest>) -> Self::Future {
        let seen = |name: &str| request.metadata().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if seen("authorization") != "Bearer t0ken" || seen("clusterid") != "Kubernetes" {
            return std::future::ready(Err(tonic::Status::unauthenticated("who are you")));
        }
        assert_eq!(request.get_ref().validity_duration, 86_400);
        let cert_chain = sign(&self.0, &request.get_ref().csr);
        std::future::ready(Ok(tonic::Response::new(CertificateResponse { cert_chain })))
    }
}

impl tower_service::Service<http::Request<tonic::body::Body>> for Service {
    type Response = http::Response<tonic::body::Body>;
    type Error = std::convert::Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            assert_eq!(request.uri().path(), "/istio.v1.auth.IstioCertificateService/CreateCertificate");
            let codec = tonic_prost::ProstCodec::<CertificateResponse, CertificateRequest>::default();
            Ok(tonic::server::Grpc::new(codec).unary(service, request).await)
        })
    }
}

#[tokio::test]
async fn the_certificate_service_is_asked_with_the_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tonic::transport::Server::builder().add_service(Service(Arc::new(Ca::new("istio"))));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    let build = build();
    let hosts = assignment(&[("127.0.0.1", port, 1)]);
    apply(&json!({"name": "ca", "load_assignment": hosts, "http2_protocol_options": {}}), &build);
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "t0ken\n").unwrap();
    let settings = |token: &std::path::Path| Arc::new(Settings { token: Some(token.into()), ..settings() });
    let authority = IstioAuthority::new(&build.services, settings(token.path()));
    let watched = build.services.secrets.watch(CERTIFICATE);
    let keeping = tokio::spawn(keep(build.services.clone(), settings(token.path()), Arc::new(authority.clone())));
    let mut waited = watched.clone();
    tokio::time::timeout(Duration::from_secs(10), waited.wait_for(Option::is_some)).await.unwrap().unwrap();
    assert_eq!(issuer(&watched).as_deref(), Some("CN=istio"));
    keeping.abort();
    std::fs::write(token.path(), "wr0ng").unwrap();
    let error =
        authority.sign(super::request::Request::new(ID).unwrap().csr, Duration::from_secs(86_400)).await.unwrap_err();
    assert_eq!(error, "Unauthenticated: who are you");
    let nowhere = IstioAuthority::new(&build.services, settings(std::path::Path::new("/nowhere")));
    let error = nowhere.sign(String::new(), Duration::from_secs(1)).await.unwrap_err();
    assert!(error.starts_with("reading the token /nowhere"), "{error}");
}
