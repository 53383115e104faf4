//! Who signs certificates: `istio.v1.auth.IstioCertificateService`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use tonic::metadata::MetadataValue;
use tonic_prost::ProstCodec;

use super::Settings;
use crate::grpc::Channel;
use crate::services::Services;

/// Time for one request.
const PATIENCE: Duration = Duration::from_secs(10);
/// The one method.
const METHOD: &str = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

/// What a signer answers: certificates as PEM, the signed one first and the root last.
pub type Signed = Pin<Box<dyn Future<Output = Result<Vec<String>, String>> + Send>>;

/// Who signs requests for certificates.
pub trait Authority: Send + Sync {
    /// Asks for a certificate for a request in PEM that lives so long.
    fn sign(&self, csr: String, lifetime: Duration) -> Signed;
}

/// `istio.v1.auth.IstioCertificateRequest`, without the metadata that nothing here needs.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CertificateRequest {
    #[prost(string, tag = "1")]
    pub csr: String,
    #[prost(int64, tag = "3")]
    pub validity_duration: i64,
}

/// `istio.v1.auth.IstioCertificateResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CertificateResponse {
    #[prost(string, repeated, tag = "1")]
    pub cert_chain: Vec<String>,
}

/// The certificate service behind a cluster.
#[derive(Debug, Clone)]
pub struct IstioAuthority {
    channel: Channel,
    settings: Arc<Settings>,
}

impl IstioAuthority {
    /// The service that the settings name.
    pub fn new(services: &Arc<Services>, settings: Arc<Settings>) -> Self {
        Self { channel: Channel::new(services.clone(), &settings.cluster, "", Some(PATIENCE)), settings }
    }

    async fn ask(self, csr: String, lifetime: Duration) -> Result<Vec<String>, String> {
        let validity_duration = i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX);
        let mut request = tonic::Request::new(CertificateRequest { csr, validity_duration });
        if let Some(path) = &self.settings.token {
            let failed = |error: std::io::Error| format!("reading the token {}: {error}", path.display());
            let token = tokio::fs::read_to_string(path).await.map_err(failed)?;
            // The token itself is in no message.
            let mut value = MetadataValue::try_from(format!("Bearer {}", token.trim()))
                .map_err(|_| format!("the token {} is not one", path.display()))?;
            value.set_sensitive(true);
            request.metadata_mut().insert("authorization", value);
        }
        if let Ok(id) = MetadataValue::try_from(&self.settings.cluster_id)
            && !self.settings.cluster_id.is_empty()
        {
            request.metadata_mut().insert("clusterid", id);
        }
        let mut grpc = tonic::client::Grpc::new(self.channel);
        grpc.ready().await.map_err(|error| error.to_string())?;
        let codec = ProstCodec::<CertificateRequest, CertificateResponse>::default();
        let answer = grpc.unary(request, PathAndQuery::from_static(METHOD), codec).await;
        let answer = answer.map_err(|status| format!("{:?}: {}", status.code(), status.message()))?;
        Ok(answer.into_inner().cert_chain)
    }
}

impl Authority for IstioAuthority {
    fn sign(&self, csr: String, lifetime: Duration) -> Signed {
        Box::pin(self.clone().ask(csr, lifetime))
    }
}
