//! Facts of TLS handshakes, downstream and upstream.

use super::Fact;
use crate::stream::Tls;
use crate::telemetry::format::{FormatContext, Piece};

/// Operators of this file.
pub const TABLE: &[(&str, Fact)] = &[
    ("DOWNSTREAM_LOCAL_DNS_SAN", |context| list(down(context), |tls| &tls.local_dns)),
    ("DOWNSTREAM_LOCAL_IP_SAN", |context| list(down(context), |tls| &tls.local_ips)),
    ("DOWNSTREAM_LOCAL_SUBJECT", |context| text(down(context), |tls| &tls.local_subject)),
    ("DOWNSTREAM_LOCAL_URI_SAN", |context| list(down(context), |tls| &tls.local_uris)),
    ("DOWNSTREAM_PEER_CERT", |context| certificate(down(context))),
    ("DOWNSTREAM_PEER_DNS_SAN", |context| list(down(context), |tls| &tls.peer_dns)),
    ("DOWNSTREAM_PEER_EMAIL_SAN", |context| list(down(context), |tls| &tls.peer_emails)),
    ("DOWNSTREAM_PEER_FINGERPRINT_1", |context| text(down(context), |tls| &tls.peer_sha1)),
    ("DOWNSTREAM_PEER_FINGERPRINT_256", |context| text(down(context), |tls| &tls.peer_sha256)),
    ("DOWNSTREAM_PEER_IP_SAN", |context| list(down(context), |tls| &tls.peer_ips)),
    ("DOWNSTREAM_PEER_ISSUER", |context| text(down(context), |tls| &tls.peer_issuer)),
    ("DOWNSTREAM_PEER_SERIAL", |context| text(down(context), |tls| &tls.peer_serial)),
    ("DOWNSTREAM_PEER_SUBJECT", |context| text(down(context), |tls| &tls.peer_subject)),
    ("DOWNSTREAM_PEER_URI_SAN", |context| list(down(context), |tls| &tls.peer_uris)),
    ("DOWNSTREAM_TLS_CIPHER", |context| text(down(context), |tls| &tls.cipher)),
    ("DOWNSTREAM_TLS_GROUP", |context| text(down(context), |tls| tls.group)),
    ("DOWNSTREAM_TLS_SESSION_ID", |context| text(down(context), |tls| &tls.session_id)),
    ("DOWNSTREAM_TLS_VERSION", |context| text(down(context), |tls| tls.version)),
    ("UPSTREAM_LOCAL_DNS_SAN", |context| list(up(context), |tls| &tls.local_dns)),
    ("UPSTREAM_LOCAL_IP_SAN", |context| list(up(context), |tls| &tls.local_ips)),
    ("UPSTREAM_LOCAL_URI_SAN", |context| list(up(context), |tls| &tls.local_uris)),
    ("UPSTREAM_PEER_CERT", |context| certificate(up(context))),
    ("UPSTREAM_PEER_DNS_SAN", |context| list(up(context), |tls| &tls.peer_dns)),
    ("UPSTREAM_PEER_IP_SAN", |context| list(up(context), |tls| &tls.peer_ips)),
    ("UPSTREAM_PEER_ISSUER", |context| text(up(context), |tls| &tls.peer_issuer)),
    ("UPSTREAM_PEER_SUBJECT", |context| text(up(context), |tls| &tls.peer_subject)),
    ("UPSTREAM_PEER_URI_SAN", |context| list(up(context), |tls| &tls.peer_uris)),
    ("UPSTREAM_SERVER_NAME", |context| Piece::text(up(context).and_then(|tls| tls.sni.as_deref()))),
    ("UPSTREAM_TLS_CIPHER", |context| text(up(context), |tls| &tls.cipher)),
    ("UPSTREAM_TLS_GROUP", |context| text(up(context), |tls| tls.group)),
    ("UPSTREAM_TLS_SESSION_ID", |context| text(up(context), |tls| &tls.session_id)),
    ("UPSTREAM_TLS_VERSION", |context| text(up(context), |tls| tls.version)),
];

fn down<'c>(context: &FormatContext<'c>) -> Option<&'c Tls> {
    context.connection.tls.as_deref()
}

fn up<'c>(context: &FormatContext<'c>) -> Option<&'c Tls> {
    context.info.upstream.tls.as_deref()
}

fn text<'c>(tls: Option<&'c Tls>, read: impl FnOnce(&'c Tls) -> &'c str) -> Piece<'c> {
    tls.map_or(Piece::None, |tls| Piece::filled(read(tls)))
}

fn list<'c>(tls: Option<&'c Tls>, read: impl FnOnce(&'c Tls) -> &'c Vec<String>) -> Piece<'c> {
    tls.map_or(Piece::None, |tls| Piece::list(read(tls)))
}

/// The peer's PEM with the bytes escaped that do not stand in a URL.
fn certificate(tls: Option<&Tls>) -> Piece<'static> {
    let Some(tls) = tls.filter(|tls| !tls.peer_pem.is_empty()) else { return Piece::None };
    let mut escaped = String::with_capacity(tls.peer_pem.len() * 11 / 10);
    for c in tls.peer_pem.chars() {
        match c {
            '\n' => escaped.push_str("%0A"),
            ' ' => escaped.push_str("%20"),
            '+' => escaped.push_str("%2B"),
            '/' => escaped.push_str("%2F"),
            '=' => escaped.push_str("%3D"),
            c => escaped.push(c),
        }
    }
    Piece::owned(Some(escaped))
}
