//! IST0138: the same certificate in two Gateways of the same pods.
//!
//! As in istioctl, the finding is on the Gateway whose selector is a part of the other one's selector: its pods include
//! those of the other.

use std::collections::BTreeMap;

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::Sink;
use crate::dialects::istio::types::{Gateway, ServerTlsSettings};
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::schema::{Map, Text};

declare_code! {
    /// Two Gateways use the same certificate
    ///
    /// ## Why
    ///
    /// Browsers reuse an HTTP/2 connection for every host that its certificate covers. With one certificate in two
    /// Gateways, a request for the second host arrives on a connection that belongs to the first Gateway, which does not
    /// know that host: the answer is 404, and only sometimes.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: shop}
    /// spec:
    ///   selector: {istio: ingressgateway}
    ///   servers:
    ///   - port: {number: 443, name: https, protocol: HTTPS}
    ///     hosts: [shop.example.com]
    ///     tls: {mode: SIMPLE, credentialName: wildcard-cert}
    /// ---
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: blog}
    /// spec:
    ///   selector: {istio: ingressgateway}
    ///   servers:
    ///   - port: {number: 443, name: https, protocol: HTTPS}
    ///     hosts: [blog.example.com]
    ///     tls: {mode: SIMPLE, credentialName: wildcard-cert}
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: Gateway
    /// metadata: {name: public}
    /// spec:
    ///   selector: {istio: ingressgateway}
    ///   servers:
    ///   - port: {number: 443, name: https, protocol: HTTPS}
    ///     hosts: ["*.example.com"]
    ///     tls: {mode: SIMPLE, credentialName: wildcard-cert}
    /// ```
    ///
    /// ## Fix
    ///
    /// Use one Gateway with a wildcard host for the certificate and let several VirtualServices refer to it, or give each
    /// Gateway a certificate of its own.
    pub DUPLICATE_CERTIFICATE = "IST0138", "GatewayDuplicateCertificate", Warning
}

/// Reports certificates that several Gateways use.
pub static ANALYZER: Analyzer = Analyzer {
    name: "gateway.CertificateAnalyzer",
    summary: "The same certificate in two Gateways of the same pods",
    codes: &[&DUPLICATE_CERTIFICATE],
    run,
    default: true,
};

/// Most other Gateways that a message names.
const NAMED: usize = 5;

/// A certificate: the name of a Secret, or the files of certificate and key.
type Certificate<'m> = (&'m str, &'m str);

/// The labels of a selector, sorted.
type Labels<'m> = Vec<(&'m str, &'m str)>;

struct User<'m> {
    gateway: &'m Object<Gateway>,
    span: Span,
}

fn run(cx: &Context<'_>, sink: &mut Sink) {
    // Gateways with the same selector are kept together: mostly all have the same few.
    let mut users: BTreeMap<Certificate<'_>, BTreeMap<Labels<'_>, Vec<User<'_>>>> = BTreeMap::new();
    for gateway in &cx.model().gateways {
        for server in &gateway.spec.servers {
            let Some((certificate, span)) = server.tls.as_deref().and_then(certificate) else { continue };
            let same = users.entry(certificate).or_default().entry(sorted(&gateway.spec.selector)).or_default();
            if !same.last().is_some_and(|last| std::ptr::eq(last.gateway, gateway)) {
                same.push(User { gateway, span });
            }
        }
    }
    for by_selector in users.values() {
        let mut by_label: BTreeMap<(&str, &str), Vec<&Labels<'_>>> = BTreeMap::new();
        for selector in by_selector.keys() {
            for pair in selector {
                by_label.entry(*pair).or_default().push(selector);
            }
        }
        for (selector, gateways) in by_selector {
            // Selectors with all labels of this one are among those with its first label.
            let wider: Vec<&[User<'_>]> = match selector.first() {
                None => by_selector.values().map(Vec::as_slice).collect(),
                Some(first) => by_label[first]
                    .iter()
                    .filter(|other| selector.iter().all(|pair| other.contains(pair)))
                    .map(|other| by_selector[*other].as_slice())
                    .collect(),
            };
            for user in gateways {
                report(user, &wider, sink);
            }
        }
    }
}

fn sorted(selector: &Map<Text>) -> Labels<'_> {
    let mut pairs: Vec<_> = selector.pairs().collect();
    pairs.sort_unstable();
    pairs
}

fn certificate(tls: &ServerTlsSettings) -> Option<(Certificate<'_>, Span)> {
    let filled = |text: &Option<Text>| text.as_ref().is_some_and(|text| !text.as_str().is_empty());
    if filled(&tls.credential_name) {
        return tls.credential_name.as_ref().map(|name| ((name.as_str(), ""), name.span()));
    }
    match (&tls.server_certificate, &tls.private_key) {
        (Some(file), Some(key)) if filled(&tls.server_certificate) && filled(&tls.private_key) => {
            Some(((file.as_str(), key.as_str()), file.span()))
        }
        _ => None,
    }
}

/// Reports when one of `others`, the Gateways of the same pods with the same certificate, is another Gateway.
fn report(user: &User<'_>, others: &[&[User<'_>]], sink: &mut Sink) {
    let others = others.iter().copied().flatten().filter(|other| !std::ptr::eq(other.gateway, user.gateway));
    let mut others = others.peekable();
    if others.peek().is_none() {
        return;
    }
    let named: Vec<&User<'_>> = others.by_ref().take(NAMED).collect();
    let mut names: Vec<String> = named.iter().map(|other| other.gateway.meta.full_name()).collect();
    names.sort();
    let more = if others.next().is_some() { " and others" } else { "" };
    let finding = sink.report(
        &DUPLICATE_CERTIFICATE,
        &user.gateway.meta,
        user.span,
        format!(
            "The Gateway {} has the same certificate as {}{more}; requests may get 404 when a browser reuses a connection.",
            user.gateway.meta.full_name(),
            names.join(", ")
        ),
    );
    finding.help("use one Gateway with a wildcard host for this certificate, or one certificate for each Gateway");
    for other in named {
        finding.related(other.gateway.meta.file, other.span, "the same certificate");
    }
}
