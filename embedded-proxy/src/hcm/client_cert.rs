//! `x-forwarded-client-cert`: what the next hop learns about the client's certificate.

use http::{HeaderName, HeaderValue};

use crate::http::Headers;
use crate::proto::Reader;
use crate::stream::{Connection, Tls};

const XFCC: HeaderName = HeaderName::from_static("x-forwarded-client-cert");

/// What happens to the header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Forward {
    /// It is removed.
    #[default]
    Sanitize,
    /// It is kept on mutual TLS connections, removed on others.
    ForwardOnly,
    /// On mutual TLS, this hop's entry is added.
    Append,
    /// On mutual TLS, this hop's entry replaces it; removed on others.
    Set,
    /// It is kept.
    Always,
}

/// The header and the parts of an entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientCert {
    /// What happens to it.
    pub forward: Forward,
    subject: bool,
    cert: bool,
    chain: bool,
    dns: bool,
    uri: bool,
}

impl ClientCert {
    /// Reads the fields of `HttpConnectionManager`.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let forward = match reader.word("forward_client_cert_details").as_str() {
            "FORWARD_ONLY" => Forward::ForwardOnly,
            "APPEND_FORWARD" => Forward::Append,
            "SANITIZE_SET" => Forward::Set,
            "ALWAYS_FORWARD_ONLY" => Forward::Always,
            _ => Forward::Sanitize,
        };
        let mut cert = Self { forward, ..Self::default() };
        if let Some(details) = reader.message("set_current_client_cert_details") {
            cert.subject = details.flag("subject");
            cert.cert = details.flag("cert");
            cert.chain = details.flag("chain");
            cert.dns = details.flag("dns");
            cert.uri = details.flag("uri");
        }
        cert
    }

    /// Applies the rule to a request.
    pub fn apply(self, headers: &mut Headers, connection: &Connection) {
        let mutual = connection.tls.as_deref().filter(|tls| tls.verified);
        match (self.forward, mutual) {
            (Forward::Always, _) | (Forward::ForwardOnly, Some(_)) => {}
            (Forward::Sanitize, _) | (_, None) => {
                headers.remove(&XFCC);
            }
            (Forward::Append | Forward::Set, Some(tls)) => {
                let entry = self.entry(tls);
                let value = match headers.joined(&XFCC) {
                    Some(earlier) if self.forward == Forward::Append => {
                        let mut value = earlier.into_owned();
                        value.push(b',');
                        value.extend_from_slice(entry.as_bytes());
                        value
                    }
                    _ => entry.into_bytes(),
                };
                match HeaderValue::from_maybe_shared(bytes::Bytes::from(value)) {
                    Ok(value) => headers.set(XFCC, value),
                    Err(_) => {
                        headers.remove(&XFCC);
                    }
                }
            }
        }
    }

    /// This hop's entry: `By=...;Hash=...` and the configured parts, in Envoy's order.
    fn entry(self, tls: &Tls) -> String {
        let mut parts: Vec<String> = tls.local_uris.iter().map(|uri| format!("By={uri}")).collect();
        parts.push(format!("Hash={}", tls.peer_sha256));
        if self.cert {
            parts.push(format!("Cert=\"{}\"", percent_encode(&tls.peer_pem)));
        }
        if self.chain {
            parts.push(format!("Chain=\"{}\"", percent_encode(&tls.peer_chain)));
        }
        if self.subject {
            parts.push(format!("Subject=\"{}\"", tls.peer_subject.replace('"', "\\\"")));
        }
        if self.uri {
            if tls.peer_uris.is_empty() {
                parts.push("URI=".into());
            }
            parts.extend(tls.peer_uris.iter().map(|uri| format!("URI={uri}")));
        }
        if self.dns {
            parts.extend(tls.peer_dns.iter().map(|dns| format!("DNS={dns}")));
        }
        parts.join(";")
    }
}

fn percent_encode(pem: &str) -> String {
    let mut encoded = String::with_capacity(pem.len() * 5 / 4);
    for byte in pem.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(byte.into());
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_envoys_order() {
        let cert = ClientCert { forward: Forward::Set, subject: true, cert: false, chain: true, dns: true, uri: true };
        let tls = Tls {
            verified: true,
            peer_uris: vec!["spiffe://td/ns/a/sa/b".into()],
            peer_dns: vec!["b.a.svc".into()],
            peer_subject: "CN=\"x\"".into(),
            peer_sha256: "ab12".into(),
            peer_chain: "a b".into(),
            local_uris: vec!["spiffe://td/ns/me/sa/me".into()],
            ..Tls::default()
        };
        let wanted = "By=spiffe://td/ns/me/sa/me;Hash=ab12;Chain=\"a%20b\";Subject=\"CN=\\\"x\\\"\";URI=spiffe://td/ns/a/sa/b;DNS=b.a.svc";
        assert_eq!(cert.entry(&tls), wanted);
    }
}
