//! `istio.v1.auth.IstioCertificateService`: certificates for who proves an identity.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::{Authority, Tokens};
use crate::control_plane::ads::Peer;
use crate::ir::Identity;

const METHOD: &str = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

/// `istio.v1.auth.IstioCertificateRequest`; its metadata is not looked at.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CertificateRequest {
    /// The request, PEM.
    #[prost(string, tag = "1")]
    pub csr: String,
    /// Wanted life in seconds.
    #[prost(int64, tag = "3")]
    pub validity_duration: i64,
}

/// `istio.v1.auth.IstioCertificateResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct CertificateResponse {
    /// Certificates, PEM: the signed one first, the roots last.
    #[prost(string, repeated, tag = "1")]
    pub cert_chain: Vec<String>,
}

/// The authority with its ways to prove an identity.
#[derive(Debug)]
pub struct Ca {
    /// Who signs.
    pub authority: Authority,
    /// Tokens of our own.
    pub tokens: Tokens,
}

impl Ca {
    /// The identity that a caller proves: by its certificate, or by a token.
    pub fn proven(&self, peer: &Peer, metadata: &MetadataMap) -> Option<Identity> {
        let token = || {
            let header = metadata.get("authorization")?.to_str().ok()?;
            self.tokens.identity(header.strip_prefix("Bearer ")?.trim())
        };
        peer.proven.clone().or_else(token)
    }

    fn create(&self, request: &Request<CertificateRequest>) -> Result<Response<CertificateResponse>, Status> {
        let peer = request.extensions().get::<Peer>().cloned().unwrap_or_default();
        let identity = self
            .proven(&peer, request.metadata())
            .ok_or_else(|| Status::unauthenticated("a certificate of the mesh or a valid token is needed"))?;
        let asked = request.get_ref();
        let life = Duration::from_secs(u64::try_from(asked.validity_duration).unwrap_or_default());
        let id = identity.spiffe(self.authority.trust_domain());
        match self.authority.sign(&asked.csr, &identity, life) {
            Ok(cert_chain) => {
                tracing::info!(target: "meshctl::ca", id, "signed");
                Ok(Response::new(CertificateResponse { cert_chain }))
            }
            Err(error) => {
                tracing::warn!(target: "meshctl::ca", id, "not signed: {error}");
                Err(Status::invalid_argument(error.to_string()))
            }
        }
    }
}

/// The service as the server wants it.
#[derive(Debug, Clone)]
pub struct CaService(pub Arc<Ca>);

impl NamedService for CaService {
    const NAME: &'static str = "istio.v1.auth.IstioCertificateService";
}

impl UnaryService<CertificateRequest> for CaService {
    type Response = CertificateResponse;
    type Future = Ready<Result<Response<CertificateResponse>, Status>>;

    fn call(&mut self, request: Request<CertificateRequest>) -> Self::Future {
        ready(self.0.create(&request))
    }
}

impl tower_service::Service<http::Request<Body>> for CaService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != METHOD {
                return Ok(Status::unimplemented("no such method").into_http());
            }
            let codec = ProstCodec::<CertificateResponse, CertificateRequest>::default();
            Ok(Grpc::new(codec).unary(service, request).await)
        })
    }
}
