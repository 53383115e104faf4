//! Where keys come from. Keys that nobody has refuse every token: they are no reason to let one pass.

use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::{
    Cluster,
    cluster::{ClusterDiscoveryType, DiscoveryType, DnsLookupFamily},
};
use envoy_types::pb::envoy::config::core::v3::{
    DataSource, HttpUri, data_source::Specifier, http_uri::HttpUpstreamType,
};
use envoy_types::pb::envoy::config::endpoint::v3::{
    ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints, lb_endpoint::HostIdentifier,
};
use envoy_types::pb::envoy::extensions::filters::http::jwt_authn::v3::{
    JwksAsyncFetch, RemoteJwks, jwt_provider::JwksSourceSpecifier,
};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CertificateValidationContext, CommonTlsContext, SubjectAltNameMatcher, UpstreamTlsContext,
    common_tls_context::ValidationContextType, subject_alt_name_matcher::SanType,
};

use crate::ir::{JwtKeys, JwtRule, TextMatch, TextTest};
use crate::xds::outbound::{cluster_name, socket as tls_socket};
use crate::xds::proto::{duration, socket, text_match};
use crate::xds::{Kind, Resource, Snapshot, View};

/// A key set whose private half nobody has: its point is a sentence, not the product of a number.
const NOBODY: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"nobody","alg":"EdDSA","x":"bm9ib2R5IGhhcyB0aGUga2V5IG9mIHRoaXMgcG9pbnQ"}]}"#;
/// Where images of proxies have the roots of the public.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
const TIMEOUT: Duration = Duration::from_secs(5);
const LIFE: Duration = Duration::from_secs(20 * 60);

/// Where the filter gets the keys of a rule.
pub fn source(view: &View<'_>, rule: &JwtRule) -> JwksSourceSpecifier {
    match &rule.keys {
        JwtKeys::Inline(set) if is_usable(set) => local(set),
        // Somebody else has to ask the issuer where its keys are, before the configuration is made.
        JwtKeys::Inline(_) | JwtKeys::Discover => local(NOBODY),
        JwtKeys::Uri(uri) => match Place::of(uri) {
            Some(place) => JwksSourceSpecifier::RemoteJwks(RemoteJwks {
                http_uri: Some(HttpUri {
                    uri: uri.to_string(),
                    timeout: Some(duration(rule.timeout.unwrap_or(TIMEOUT))),
                    http_upstream_type: Some(HttpUpstreamType::Cluster(place.cluster(view))),
                }),
                cache_duration: Some(duration(LIFE)),
                async_fetch: Some(JwksAsyncFetch { fast_listener: true, ..JwksAsyncFetch::default() }),
                ..RemoteJwks::default()
            }),
            None => local(NOBODY),
        },
    }
}

fn local(set: &str) -> JwksSourceSpecifier {
    JwksSourceSpecifier::LocalJwks(DataSource {
        specifier: Some(Specifier::InlineString(set.to_owned())),
        ..DataSource::default()
    })
}

/// Envoy refuses the whole listener for a key set without a key.
fn is_usable(set: &str) -> bool {
    let set: Option<serde_json::Value> = serde_json::from_str(set).ok();
    let keys = set.as_ref().and_then(|set| set.get("keys")).and_then(|keys| keys.as_array());
    keys.is_some_and(|keys| {
        keys.iter().any(|key| {
            let has =
                |field: &str| key.get(field).and_then(|value| value.as_str()).is_some_and(|text| !text.is_empty());
            match key.get("kty").and_then(|kind| kind.as_str()) {
                Some("RSA") => has("n") && has("e"),
                Some("EC") => has("crv") && has("x") && has("y"),
                Some("OKP") => has("crv") && has("x"),
                Some("oct") => has("k"),
                _ => false,
            }
        })
    })
}

/// Host and port of a URI, and whether it is one of TLS.
struct Place {
    tls: bool,
    host: String,
    port: u16,
}

impl Place {
    fn of(uri: &str) -> Option<Self> {
        let (scheme, rest) = uri.split_once("://")?;
        let tls = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = rest.split(['/', '?', '#']).next()?;
        // Names before the host do not belong into a configuration.
        if authority.contains('@') {
            return None;
        }
        let usual = if tls { 443 } else { 80 };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| Self { tls, host: host.to_owned(), port })
    }

    fn is_service(&self, view: &View<'_>) -> bool {
        !self.tls && view.host(&self.host).is_some_and(|service| service.port(self.port).is_some())
    }

    fn cluster(&self, view: &View<'_>) -> String {
        if self.is_service(view) {
            return cluster_name(self.port, None, &self.host);
        }
        format!("jwks|{}|{}|{}", self.port, if self.tls { "tls" } else { "" }, self.host)
    }
}

/// The cluster for the keys of a rule, when it needs one of its own.
#[allow(deprecated, reason = "every Envoy reads these fields of DNS, the newer extension only new ones")]
pub fn cluster(view: &View<'_>, rule: &JwtRule, out: &mut Snapshot) {
    let JwtKeys::Uri(uri) = &rule.keys else { return };
    let Some(place) = Place::of(uri).filter(|place| !place.is_service(view)) else { return };
    let name = place.cluster(view);
    let endpoint = Endpoint { address: Some(socket(place.host.clone(), place.port)), ..Endpoint::default() };
    let endpoint = LbEndpoint { host_identifier: Some(HostIdentifier::Endpoint(endpoint)), ..LbEndpoint::default() };
    let cluster = Cluster {
        name: name.clone(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::StrictDns.into())),
        dns_lookup_family: DnsLookupFamily::V4Preferred.into(),
        respect_dns_ttl: true,
        connect_timeout: Some(duration(view.mesh.settings.connect_timeout)),
        load_assignment: Some(ClusterLoadAssignment {
            cluster_name: name.clone(),
            endpoints: vec![LocalityLbEndpoints { lb_endpoints: vec![endpoint], ..LocalityLbEndpoints::default() }],
            ..ClusterLoadAssignment::default()
        }),
        transport_socket: place.tls.then(|| tls_socket("envoy.transport_sockets.tls", &verified(&place.host))),
        ..Cluster::default()
    };
    out.insert(Kind::Cluster, Resource::new(name, &cluster, vec![rule.origin.clone()]));
}

/// TLS towards a host of the public: the system's roots, and its name.
fn verified(host: &str) -> UpstreamTlsContext {
    let is_ip = host.parse::<std::net::IpAddr>().is_ok();
    let kind = if is_ip { SanType::IpAddress } else { SanType::Dns };
    let name = SubjectAltNameMatcher {
        san_type: kind.into(),
        matcher: text_match(&TextMatch::of(TextTest::Exact(host.into()))),
        ..SubjectAltNameMatcher::default()
    };
    let validation = CertificateValidationContext {
        trusted_ca: Some(DataSource {
            specifier: Some(Specifier::Filename(SYSTEM_ROOTS.to_owned())),
            ..DataSource::default()
        }),
        match_typed_subject_alt_names: vec![name],
        ..CertificateValidationContext::default()
    };
    UpstreamTlsContext {
        sni: if is_ip { String::new() } else { host.to_owned() },
        common_tls_context: Some(CommonTlsContext {
            validation_context_type: Some(ValidationContextType::ValidationContext(validation)),
            ..CommonTlsContext::default()
        }),
        ..UpstreamTlsContext::default()
    }
}
