//! TLS settings of listeners (Gateway servers, Sidecar ingress): which certificates go with which mode.

use std::collections::BTreeSet;

use super::Report;
use crate::dialects::istio::types::{ServerTlsMode, ServerTlsSettings, TlsCertificate, TlsProtocol};
use crate::manifests::source::Span;
use crate::schema::{At, List, Text};

/// Cipher suites of Envoy's TLS library by their OpenSSL names. Source: `bssl ciphers` without the PSK ones, the list that
/// Istio accepts.
const CIPHERS: [&str; 15] = [
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA",
    "DES-CBC3-SHA",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// The mode, PASSTHROUGH when none is set.
pub fn mode(tls: &ServerTlsSettings) -> ServerTlsMode {
    tls.mode.map_or(ServerTlsMode::Passthrough, |mode| mode.value)
}

/// True when TLS goes through to the service.
pub fn passes_through(tls: &ServerTlsSettings) -> bool {
    matches!(mode(tls), ServerTlsMode::Passthrough | ServerTlsMode::AutoPassthrough)
}

/// Where the mode is written, else the key of the block.
pub fn mode_span(tls: &ServerTlsSettings) -> Span {
    tls.mode.as_ref().map_or_else(|| key_span(tls), At::span)
}

/// The key of the block.
pub fn key_span(tls: &ServerTlsSettings) -> Span {
    tls.place.key_span("tls")
}

/// Checks rules 41 and 42: certificates against the mode, cipher suites, old protocol versions.
pub fn check(report: &mut Report<'_>, tls: &ServerTlsSettings) {
    protocol_and_ciphers(report, tls);
    if mode(tls) == ServerTlsMode::IstioMutual {
        for (field, span) in certificates(tls) {
            report
                .error(span, format!("ISTIO_MUTUAL uses the mesh's own certificates, so `{field}` cannot be set"))
                .help("remove the field, or use MUTUAL with your own certificates");
        }
        return;
    }
    if passes_through(tls) {
        pass_through_certificates(report, tls);
    }
    one_source(report, tls);
    let by_secret = filled(tls.credential_name.as_ref()).is_some() || !tls.credential_names.is_empty();
    if !passes_through(tls) && by_secret {
        return;
    }
    if !passes_through(tls) {
        files(report, tls);
    }
    revocation(report, tls);
}

fn protocol_and_ciphers(report: &mut Report<'_>, tls: &ServerTlsSettings) {
    if let Some(min) = &tls.min_protocol_version
        && matches!(min.value, TlsProtocol::V10 | TlsProtocol::V11)
        && tls.cipher_suites.is_empty()
    {
        report
            .warning(min.span(), "TLS below 1.2 has no cipher suites by default, so old callers still cannot connect")
            .help("list the old cipher suites in `cipherSuites` too, or better require TLSV1_2");
    }
    let mut seen = BTreeSet::new();
    for cipher in &tls.cipher_suites {
        if !known_cipher(cipher.as_str()) {
            report
                .warning(
                    cipher.span(),
                    format!("{:?} is no cipher suite that proxies know; it is ignored", cipher.as_str()),
                )
                .help(format!("the known ones are {}", CIPHERS.join(", ")));
        } else if !seen.insert(cipher.as_str()) {
            report.warning(cipher.span(), format!("the cipher suite {:?} is listed twice", cipher.as_str()));
        }
    }
}

/// True for known names and for expressions of operators (`-ALL`, `[A|B]`), which are not parsed.
fn known_cipher(name: &str) -> bool {
    name.is_empty() || name == "ALL" || !name.starts_with(|c: char| c.is_alphanumeric()) || CIPHERS.contains(&name)
}

fn filled(text: Option<&Text>) -> Option<&Text> {
    text.filter(|text| !text.as_str().is_empty())
}

/// The fields that name certificates, as far as they are set.
fn certificates(tls: &ServerTlsSettings) -> Vec<(&'static str, Span)> {
    let text = |name, field: &Option<Text>| filled(field.as_ref()).map(|text| (name, text.span()));
    let names = tls.credential_names.first().map(|first| ("credentialNames", first.span()));
    let pairs = tls.tls_certificates.first().map(|first| ("tlsCertificates", first.place.span()));
    [
        text("serverCertificate", &tls.server_certificate),
        text("privateKey", &tls.private_key),
        text("caCertificates", &tls.ca_certificates),
        text("credentialName", &tls.credential_name),
        names,
        pairs,
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn pass_through_certificates(report: &mut Report<'_>, tls: &ServerTlsSettings) {
    let list = filled(tls.ca_crl.as_ref()).map(|text| ("caCrl", text.span()));
    if let Some((field, span)) = certificates(tls).into_iter().chain(list).next() {
        let word = mode(tls).word();
        report
            .warning(span, format!("`{field}` has no effect: with {word} TLS does not end here"))
            .help("set `mode: SIMPLE` (or MUTUAL) if TLS ends at this proxy, or remove the certificates");
    }
}

fn one_source(report: &mut Report<'_>, tls: &ServerTlsSettings) {
    let files = filled(tls.server_certificate.as_ref()).filter(|_| filled(tls.private_key.as_ref()).is_some());
    let sources: Vec<(&str, Span)> = [
        files.map(|text| ("serverCertificate and privateKey", text.span())),
        filled(tls.credential_name.as_ref()).map(|text| ("credentialName", text.span())),
        tls.tls_certificates.first().map(|first| ("tlsCertificates", first.place.span())),
    ]
    .into_iter()
    .flatten()
    .collect();
    // `credentialNames` beside another one is a rule of the CRD, found while reading.
    if let [(first, at), (second, span), ..] = sources[..] {
        let file = report.meta.file;
        report
            .error(span, format!("the certificate comes from one source, here are both {first} and {second}"))
            .related(file, at, "the other source")
            .help("keep one of them");
    }
}

/// Certificate files that the mode needs.
fn files(report: &mut Report<'_>, tls: &ServerTlsSettings) {
    let word = mode(tls).word();
    let mutual = matches!(mode(tls), ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual);
    if mutual && filled(tls.ca_certificates.as_ref()).is_none() && tls.ca_cert_credential_name.is_none() {
        report
            .error(mode_span(tls), format!("{word} needs the authorities of the callers' certificates"))
            .help("set `caCertificates`, or use a Secret with the key `ca.crt` through `credentialName`");
    }
    if tls.tls_certificates.is_empty() {
        pair(report, word, mode_span(tls), tls.server_certificate.as_ref(), tls.private_key.as_ref());
    }
    each_pair(report, word, &tls.tls_certificates);
}

fn each_pair(report: &mut Report<'_>, word: &str, pairs: &List<TlsCertificate>) {
    for certificate in pairs {
        let span = certificate.place.span();
        pair(report, word, span, certificate.server_certificate.as_ref(), certificate.private_key.as_ref());
    }
}

fn pair(report: &mut Report<'_>, word: &str, span: Span, certificate: Option<&Text>, key: Option<&Text>) {
    let missing = match (filled(certificate), filled(key)) {
        (None, None) => "a certificate",
        (None, Some(_)) => "`serverCertificate` beside the key",
        (Some(_), None) => "`privateKey` beside the certificate",
        (Some(_), Some(_)) => return,
    };
    report.error(span, format!("{word} needs {missing}")).help(
        "set `credentialName` to a Secret in the gateway's namespace, or both `serverCertificate` and `privateKey`",
    );
}

fn revocation(report: &mut Report<'_>, tls: &ServerTlsSettings) {
    let Some(list) = filled(tls.ca_crl.as_ref()) else { return };
    if filled(tls.credential_name.as_ref()).is_some() {
        report.error(list.span(), "with `credentialName` the revocation list is in the Secret, not in `caCrl`");
    }
    if mode(tls) == ServerTlsMode::Simple {
        report.error(list.span(), "`caCrl` needs client certificates, and SIMPLE asks for none");
    }
}
