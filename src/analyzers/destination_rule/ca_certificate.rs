//! IST0128 and IST0129: TLS towards a server whose certificate nobody checks.

use crate::analyzers::context::Context;
use crate::analyzers::registry::Analyzer;
use crate::declare_code;
use crate::diagnostics::{Code, Sink};
use crate::dialects::istio::types::{ClientTlsMode, ClientTlsSettings, DestinationRule};
use crate::dialects::object::Object;
use crate::manifests::source::Span;
use crate::schema::Text;
use crate::schema::values::text_or_empty;

declare_code! {
    /// TLS without a check of the server
    ///
    /// ## Why
    ///
    /// The proxy encrypts the connection but has no authorities to check the server's certificate against. Whoever can
    /// take over the connection can answer in the server's place. `credentialName` only counts together with a
    /// `workloadSelector`; elsewhere sidecars do not read it.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: database
    /// spec:
    ///   host: database.example.com
    ///   trafficPolicy:
    ///     tls:
    ///       mode: SIMPLE
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: database
    /// spec:
    ///   host: database.example.com
    ///   trafficPolicy:
    ///     tls:
    ///       mode: SIMPLE
    ///       caCertificates: system
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `caCertificates`: a file in the proxy, or `system` for the authorities of the proxy's image.
    pub NO_VERIFICATION = "IST0128", "NoServerCertificateVerificationDestinationLevel", Warning
}

declare_code! {
    /// TLS without a check of the server, on one port
    ///
    /// ## Why
    ///
    /// As IST0128, for the settings of one port: the connection is encrypted, and the server's certificate is not checked.
    /// Settings of a port replace those of the whole service, `caCertificates` included.
    ///
    /// ## Bad
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: database
    /// spec:
    ///   host: database.example.com
    ///   trafficPolicy:
    ///     portLevelSettings:
    ///     - port:
    ///         number: 5432
    ///       tls:
    ///         mode: SIMPLE
    /// ```
    ///
    /// ## Good
    ///
    /// ```yaml
    /// apiVersion: networking.istio.io/v1
    /// kind: DestinationRule
    /// metadata:
    ///   name: database
    /// spec:
    ///   host: database.example.com
    ///   trafficPolicy:
    ///     portLevelSettings:
    ///     - port:
    ///         number: 5432
    ///       tls:
    ///         mode: SIMPLE
    ///         caCertificates: system
    /// ```
    ///
    /// ## Fix
    ///
    /// Set `caCertificates` in the port's `tls`.
    pub NO_VERIFICATION_ON_PORT = "IST0129", "NoServerCertificateVerificationPortLevel", Warning
}

/// Checks the TLS settings of every DestinationRule.
pub static ANALYZER: Analyzer = Analyzer {
    name: "destinationrule.CaCertificateAnalyzer",
    summary: "TLS towards a server checks its certificate",
    codes: &[&NO_VERIFICATION, &NO_VERIFICATION_ON_PORT],
    run,
    default: true,
};

fn run(cx: &Context<'_>, sink: &mut Sink) {
    for object in &cx.destination_rules {
        let Some(policy) = &object.spec.traffic_policy else { continue };
        if let Some((span, mode)) = unchecked(&object.spec, policy.tls.as_deref()) {
            report(&NO_VERIFICATION, object, (span, mode), "", sink);
        }
        for port in &policy.port_level_settings {
            if let Some((span, mode)) = unchecked(&object.spec, port.tls.as_deref()) {
                let number = port.port.as_ref().and_then(|port| port.number.as_ref());
                let place = number.map_or_else(String::new, |number| format!(" at port {}", number.value));
                report(&NO_VERIFICATION_ON_PORT, object, (span, mode), &place, sink);
            }
        }
    }
}

/// The mode and its place, when the server's certificate is not checked.
fn unchecked(rule: &DestinationRule, tls: Option<&ClientTlsSettings>) -> Option<(Span, ClientTlsMode)> {
    let tls = tls?;
    let mode = tls.mode.as_ref().filter(|mode| matches!(mode.value, ClientTlsMode::Simple | ClientTlsMode::Mutual))?;
    let filled = |text: Option<&Text>| !text_or_empty(text).is_empty();
    let credential = rule.workload_selector.is_some() && filled(tls.credential_name.as_ref());
    (!filled(tls.ca_certificates.as_ref()) && !credential).then_some((mode.span(), mode.value))
}

fn report(
    code: &'static Code,
    object: &Object<DestinationRule>,
    (span, mode): (Span, ClientTlsMode),
    place: &str,
    sink: &mut Sink,
) {
    let host = text_or_empty(object.spec.host.as_ref());
    sink.report(
        code,
        &object.meta,
        span,
        format!(
            "DestinationRule {} uses TLS ({}) for {host:?}{place} and has no caCertificates to check the server with.",
            object.meta.full_name(),
            mode.word()
        ),
    )
    .label("the server's certificate is not checked")
    .help("set `caCertificates` to a file in the proxy, or to `system` for public authorities");
}
