//! Certificates in Secrets, as the gateway's secret discovery takes them.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::dialects::kubernetes::types::Secret;
use crate::dialects::object::Object;
use crate::manifests::resolve::binary;
use crate::manifests::source::Span;
use crate::schema::Text;

/// Names of certificate and key; the first pair that has a content counts.
const PAIRS: [(&str, &str); 2] = [("cert", "key"), ("tls.crt", "tls.key")];

/// Why a Secret cannot serve TLS, as a clause, with the place when one value is to blame.
pub fn check(secret: &Object<Secret>) -> Result<(), (String, Option<Span>)> {
    let Some((certificate, key)) = PAIRS.iter().find_map(|(cert, key)| Some((file(secret, cert)?, file(secret, key)?)))
    else {
        return Err((no_pair(secret), None));
    };
    let pem = |(text, encoded): (&Text, bool)| {
        decode(text, encoded).ok_or(("it is not valid base64".to_owned(), text.span()))
    };
    let blame = |(reason, span): (String, Span)| (reason, Some(span));
    let content = pem(certificate).map_err(blame)?;
    valid(&content, now()).map_err(|reason| (reason, Some(certificate.0.span())))?;
    let content = pem(key).map_err(blame)?;
    if !content.contains("PRIVATE KEY-----") {
        return Err(("the key is no private key in PEM form".to_owned(), Some(key.0.span())));
    }
    Ok(())
}

/// A file of the Secret that is not empty, and whether it is base64.
fn file<'s>(secret: &'s Object<Secret>, name: &str) -> Option<(&'s Text, bool)> {
    let plain = secret.spec.string_data.get(name).map(|text| (text, false));
    plain.or_else(|| secret.spec.data.get(name).map(|text| (text, true))).filter(|(text, _)| !text.as_str().is_empty())
}

fn no_pair(secret: &Object<Secret>) -> String {
    let mut names: Vec<&str> =
        secret.spec.data.pairs().chain(secret.spec.string_data.pairs()).map(|(name, _)| name).collect();
    names.sort_unstable();
    let found = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    format!("the Secret needs `tls.crt` and `tls.key`, or `cert` and `key`, with a content, and has {found}")
}

fn decode(text: &Text, encoded: bool) -> Option<String> {
    if encoded { binary::decode(text.as_str()).ok() } else { Some(text.as_str().to_owned()) }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// A PEM certificate that is valid at a time in seconds since 1970.
fn valid(pem: &str, now: i64) -> Result<(), String> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem.as_bytes())
        .map_err(|_| "the certificate is not in PEM form".to_owned())?;
    let certificate = block.parse_x509().map_err(|_| "the content is no certificate".to_owned())?;
    let validity = certificate.validity();
    if validity.not_after.timestamp() < now {
        return Err(format!("the certificate expired at {}", validity.not_after));
    }
    if validity.not_before.timestamp() > now {
        return Err(format!("the certificate is only valid from {}", validity.not_before));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::model::{Model, Options};

    fn verdict(data: &str) -> Result<(), String> {
        let mut model = Model::new(Options::default());
        model.add_yaml("s", format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\n{data}"), None);
        check(&model.secrets[0]).map_err(|(reason, _)| reason)
    }

    #[test]
    fn the_reason_is_named() {
        assert!(verdict("data: {certificate: YQ==}").unwrap_err().contains("has certificate"));
        assert!(verdict("data: {tls.crt: '', tls.key: ''}").unwrap_err().contains("needs `tls.crt`"));
        assert!(verdict("data: {tls.crt: '%', tls.key: YQ==}").unwrap_err().contains("base64"));
        assert!(verdict("data: {tls.crt: YQ==, tls.key: YQ==}").unwrap_err().contains("PEM"));
        assert!(verdict("stringData: {tls.crt: x, tls.key: k}").unwrap_err().contains("PEM"));
    }
}
