//! IST0163 and IST0164: the address of istiod in the webhook configurations of a remote cluster.

use std::net::IpAddr;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::kubernetes::types::{Webhook, WebhookConfiguration};
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::schema::Text;

declare_code! {
    /// A webhook has no usable address of istiod
    ///
    /// ## Why
    ///
    /// The API server calls Istio's webhooks to inject sidecars and to validate configuration. Without a URL or Service it
    /// cannot call them: pods start without a sidecar, or are refused.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: admissionregistration.k8s.io/v1
    /// kind: MutatingWebhookConfiguration
    /// metadata: {name: istio-sidecar-injector-external-istiod}
    /// webhooks:
    /// - name: rev.namespace.sidecar-injector.istio.io
    ///   clientConfig: {}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: admissionregistration.k8s.io/v1
    /// kind: MutatingWebhookConfiguration
    /// metadata: {name: istio-sidecar-injector-external-istiod}
    /// webhooks:
    /// - name: rev.namespace.sidecar-injector.istio.io
    ///   clientConfig:
    ///     url: https://istiod.example.com:15017/inject
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `clientConfig.url` to istiod's host name, or `clientConfig.service` when istiod runs in the cluster.
    pub INVALID_CONFIG = "IST0163", "InvalidExternalControlPlaneConfig", Warning
}

declare_code! {
    /// A webhook calls istiod by its IP address
    ///
    /// ## Why
    ///
    /// Certificates are for host names, and addresses of load balancers change. A host name survives both.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// clientConfig:
    ///   url: https://192.0.2.7:15017/inject
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// clientConfig:
    ///   url: https://istiod.example.com:15017/inject
    /// ```
    ///
    /// ## Fix
    ///
    /// Use a DNS name for istiod.
    pub NOT_A_HOSTNAME = "IST0164", "ExternalControlPlaneAddressIsNotAHostname", Info
}

/// Checks the addresses in Istio's webhook configurations.
pub static ANALYZER: Analyzer = Analyzer {
    name: "externalcontrolplane.ExternalControlPlaneAnalyzer",
    summary: "Istio's webhooks without an address of istiod, or with an IP address",
    codes: &[&INVALID_CONFIG, &NOT_A_HOSTNAME],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for configuration in &cx.validating_webhooks {
        let name = configuration.meta.name();
        if name == "istiod-default-validator" || name.starts_with("istio-validator") {
            check(configuration, sink);
        }
    }
    for configuration in &cx.mutating_webhooks {
        if configuration.meta.name().starts_with("istio-sidecar-injector") {
            check(configuration, sink);
        }
    }
}

fn check(configuration: &Object<WebhookConfiguration>, sink: &mut Sink) {
    let meta = &configuration.meta;
    for webhook in &configuration.spec.webhooks {
        let name = webhook.name.as_ref().map_or("", Text::as_str);
        let client = webhook.client_config.as_ref();
        let url = client.and_then(|client| client.url.as_ref()).filter(|url| !url.as_str().is_empty());
        let Some(url) = url else {
            if client.is_none_or(|client| client.service.is_none()) {
                sink.report(
                    &INVALID_CONFIG,
                    meta,
                    span(webhook),
                    format!("The webhook {name} has no address of istiod."),
                )
                .help("set `clientConfig.url`, or `clientConfig.service` when istiod runs in this cluster");
            }
            continue;
        };
        match host(url.as_str()) {
            None => {
                sink.report(
                    &INVALID_CONFIG,
                    meta,
                    url.span(),
                    format!(
                        "The address {:?} of the webhook {name} is no URL that the API server can call.",
                        url.as_str()
                    ),
                )
                .help("write `https://`, the host, the port and the path");
            }
            Some(host) if host.parse::<IpAddr>().is_ok() => {
                sink.report(
                    &NOT_A_HOSTNAME,
                    meta,
                    url.span(),
                    format!("The address {} of the webhook {name} is an IP address, not a host name.", url.as_str()),
                )
                .help("use a DNS name for istiod");
            }
            Some(_) => {}
        }
    }
}

/// What to underline of a webhook without an address: its `clientConfig`, else its name.
fn span(webhook: &Webhook) -> Span {
    let client = webhook.client_config.as_ref().map(|client| client.place.key_span("clientConfig"));
    client.unwrap_or_else(|| webhook.name.as_ref().map_or(webhook.place.span(), Text::span))
}

/// The host of an `https` URL; nothing when the text is none.
fn host(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("https://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let (host, port) = if let Some(inner) = authority.strip_prefix('[') {
        let (host, after) = inner.split_once(']')?;
        (host, after.strip_prefix(':').or(after.is_empty().then_some("443"))?)
    } else {
        authority.split_once(':').unwrap_or((authority, "443"))
    };
    let fits = !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok();
    fits.then_some(host)
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn hosts_of_urls() {
        assert_eq!(host("https://istiod.example.com:15017/inject"), Some("istiod.example.com"));
        assert_eq!(host("https://[2001:db8::1]:15017/x"), Some("2001:db8::1"));
        assert_eq!(host("https://192.0.2.7"), Some("192.0.2.7"));
        for bad in
            ["", "istiod.example.com", "http://istiod", "https://", "https://host:port", "https://[::1", "https://a b"]
        {
            assert_eq!(host(bad), None, "{bad}");
        }
    }
}
