//! `istio.alpn`: which application protocols are offered to the upstream, by the version of HTTP spoken there.

use std::sync::Arc;

use crate::cluster::pool::Protocol;
use crate::filters::http::{HttpFilter, Step};
use crate::http::Version;
use crate::proto::Reader;
use crate::services::{Build, Services};
use crate::stream::{Exchange, UpstreamAlpn};

struct Alpn {
    services: Arc<Services>,
    /// Versions and what to offer for them.
    overrides: Vec<(Version, Arc<[String]>)>,
}

/// Makes the filter.
#[allow(clippy::unnecessary_wraps)] // The registry wants it so.
pub(in crate::filters::http) fn make(reader: &Reader<'_>, build: &Build, _: &Arc<str>) -> Option<Arc<dyn HttpFilter>> {
    let read = |entry: Reader<'_>| {
        let version = match entry.word("upstream_protocol").as_str() {
            "HTTP2" => Version::Http2,
            "HTTP11" => Version::Http11,
            _ => Version::Http10,
        };
        (version, entry.texts("alpn_override").into())
    };
    let overrides = reader.list("alpn_override").into_iter().map(read).collect();
    Some(Arc::new(Alpn { services: build.services.clone(), overrides }))
}

impl Alpn {
    fn wanted(&self, exchange: &Exchange) -> Option<Arc<[String]>> {
        let cluster = self.services.clusters.get(exchange.route.as_ref()?.cluster()?)?;
        let istio = cluster.settings.metadata.get("istio");
        if istio.and_then(|istio| istio.get("alpn_override")).is_some_and(|off| off == "false") {
            return None;
        }
        let downstream = exchange.request.head.version;
        let version = match cluster.upstream.http.protocol {
            Protocol::Http2 => Version::Http2,
            Protocol::Downstream => downstream,
            _ if downstream == Version::Http10 => Version::Http10,
            _ => Version::Http11,
        };
        self.overrides.iter().find(|(own, _)| *own == version).map(|(_, names)| names.clone())
    }
}

impl HttpFilter for Alpn {
    fn on_request<'f>(&'f self, exchange: &'f mut Exchange) -> Step<'f> {
        if let Some(names) = self.wanted(exchange).filter(|names| !names.is_empty()) {
            exchange.scratch.put(UpstreamAlpn(names));
        }
        Step::Next
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::filters::http::testing;
    use crate::stream::UpstreamAlpn;

    #[tokio::test]
    async fn without_a_route_nothing_is_offered() {
        let config = json!({ "alpn_override": [{ "upstream_protocol": "HTTP11", "alpn_override": ["istio-http/1.1", "http/1.1"] }] });
        let filter =
            testing::filter("istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig", &config).ok().unwrap();
        let mut exchange = testing::exchange("GET", "/", &[]);
        testing::request(&*filter, &mut exchange).await.unwrap();
        assert!(exchange.scratch.get::<UpstreamAlpn>().is_none());
    }
}
