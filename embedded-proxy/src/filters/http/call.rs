//! Requests that filters make themselves, over the clusters of the proxy.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri};

use crate::cluster::{Choice, SendOptions, UpstreamError};
use crate::http::{Body, Headers, Request, RequestHead, ResponseHead, StreamError, Version};
use crate::proto::Reader;
use crate::services::Services;

const INTERNAL: HeaderName = HeaderName::from_static("x-envoy-internal");
const EXPECTED: HeaderName = HeaderName::from_static("x-envoy-expected-rq-timeout-ms");

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// There is no cluster of that name.
    #[error("there is no cluster {0}")]
    NoCluster(String),
    /// The cluster has no host that may take requests.
    #[error("cluster {0} has no healthy host")]
    NoHost(String),
    /// It took too long.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection or the other side failed.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The body of the answer ended early.
    #[error(transparent)]
    Body(#[from] StreamError),
    /// The body of the answer is larger than allowed.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// `envoy.config.core.v3.HttpUri`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Name of the cluster.
    pub(super) cluster: String,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// Host, with its port if there is one.
    pub(super) authority: String,
    /// Path and query, at least `/`.
    pub(super) path: String,
    /// Longest time for the whole answer.
    pub(super) timeout: Duration,
}

impl Target {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        let (uri, cluster) = (reader.need_text("uri"), reader.need_text("cluster"));
        let timeout = reader.duration("timeout");
        if timeout.is_none() {
            reader.defect("timeout", "must be set");
        }
        // Envoy takes host and path alone too.
        let uri = uri?;
        let full = if uri.contains("://") { uri } else { format!("http://{uri}") };
        let Some(uri) = full.parse::<Uri>().ok().filter(|uri| uri.authority().is_some()) else {
            reader.defect("uri", "is no URL");
            return None;
        };
        Some(Self {
            cluster: cluster?,
            scheme: if uri.scheme_str() == Some("https") { "https" } else { "http" },
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
            path: uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string),
            timeout: timeout?,
        })
    }

    /// A request head for it.
    pub(super) fn head(&self, method: Method, headers: Headers) -> RequestHead {
        RequestHead {
            method,
            scheme: self.scheme,
            authority: self.authority.clone(),
            path: self.path.clone(),
            upgrade: None,
            version: Version::Http11,
            headers,
        }
    }

    /// Sends a request there and reads the answer, up to `limit` bytes of body.
    pub(super) async fn call(
        &self,
        services: &Services,
        head: RequestHead,
        body: Body,
        limit: usize,
    ) -> Result<(ResponseHead, Bytes), CallError> {
        // What the proxy says about requests of its own.
        let mut head = head;
        head.headers.set(INTERNAL, HeaderValue::from_static("true"));
        let timeout = u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX);
        head.headers.set(EXPECTED, timeout.into());
        let cluster = services.clusters.get(&self.cluster).ok_or_else(|| CallError::NoCluster(self.cluster.clone()))?;
        let answer = async {
            let choice = Choice { random: fastrand::u64(..), ..Choice::default() };
            let host = cluster.pick(&choice).ok_or_else(|| CallError::NoHost(self.cluster.clone()))?;
            let answer = cluster.send(&host, Request { head, body }, &SendOptions::default()).await?;
            let mut response = answer.response;
            let (body, complete) = response.body.collect(limit).await?;
            if !complete {
                return Err(CallError::TooLarge(limit));
            }
            Ok((response.head, body))
        };
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(CallError::Timeout(self.timeout)),
        }
    }
}

/// `envoy.config.core.v3.RetryPolicy` as far as calls of filters use it: failures and 5xx are tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Retries {
    count: u32,
    base: Duration,
    max: Duration,
}

impl Retries {
    /// Reads the message.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let back_off = reader.message("retry_back_off");
        let interval = |name| back_off.as_ref().and_then(|back_off| back_off.duration(name));
        let base = interval("base_interval").unwrap_or(Duration::from_secs(1));
        let max = interval("max_interval").unwrap_or(base * 10);
        Self { count: reader.u32("num_retries").unwrap_or(1), base, max }
    }

    /// How long to wait before try `number` (from 1); none: that was the last one. A random part of the interval that
    /// doubles from try to try.
    pub(super) fn wait(&self, number: u32) -> Option<Duration> {
        let interval = self.base.saturating_mul(2_u32.saturating_pow(number.min(20))).min(self.max);
        (number <= self.count).then(|| interval.mul_f64(fastrand::f64()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::filters::http::testing;

    #[test]
    fn a_target_is_a_url_and_a_cluster() {
        let read = |uri: &str| {
            let json = json!({ "uri": uri, "cluster": "c", "timeout": "1s" });
            testing::message("envoy.config.core.v3.HttpUri", &json, Target::read)
        };
        let target = read("https://idp.example:8443/keys?x=1").unwrap();
        assert_eq!((target.scheme, target.authority.as_str()), ("https", "idp.example:8443"));
        assert_eq!(target.path, "/keys?x=1");
        assert_eq!(read("idp.example").unwrap().path, "/");
        assert!(read("http://").is_err());
    }

    #[tokio::test]
    async fn a_call_without_a_cluster_fails() {
        let build = testing::build();
        let json = json!({ "uri": "http://a/", "cluster": "none", "timeout": "1s" });
        let target = testing::message("envoy.config.core.v3.HttpUri", &json, Target::read).unwrap();
        let head = target.head(Method::GET, Headers::new());
        let error = target.call(&build.services, head, Body::Empty, 9).await.unwrap_err();
        assert_eq!(error.to_string(), "there is no cluster none");
    }
}
