//! `/certs`: certificates and roots, and when they end.

use std::time::SystemTime;

use serde_json::{Value, json};
use x509_parser::prelude::{FromDer as _, GeneralName, Pem, X509Certificate};

use super::info::timestamp;
use super::{Admin, Call, Page};
use crate::proto::{decode, to_json};
use crate::xds::{Kind, State};

/// The certificates of all secrets in use, and of those that stand inside of listeners and clusters.
pub(super) fn answer(admin: &Admin, _: &Call) -> Page {
    let mut certificates = Vec::new();
    for kind in [Kind::Secret, Kind::Listener, Kind::Cluster] {
        for resource in admin.services.store.of(kind) {
            let Some(bytes) = resource.bytes.filter(|_| resource.state != State::Warming) else { continue };
            if let Ok(message) = decode(kind.message(), &bytes) {
                collect(&to_json(&message), &mut certificates);
            }
        }
    }
    Page::json(&json!({ "certificates": certificates }))
}

/// Finds certificate chains and roots, wherever they stand. One entry has what one context has.
fn collect(value: &Value, into: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        Value::Object(fields) => {
            let chain = fields.get("certificate_chain").map(details).unwrap_or_default();
            let roots = fields.get("trusted_ca").map(details).unwrap_or_default();
            if !chain.is_empty() || !roots.is_empty() {
                into.push(json!({"ca_cert": roots, "cert_chain": chain}));
            }
            fields.values().for_each(|value| collect(value, into));
        }
        _ => {}
    }
}

/// The certificates of a data source.
fn details(source: &Value) -> Vec<Value> {
    let text = |field: &str| source.get(field).and_then(Value::as_str);
    let path = text("filename").unwrap_or("<inline>");
    let pem = match (text("inline_string"), text("inline_bytes"), text("filename")) {
        (Some(pem), ..) => pem.as_bytes().to_vec(),
        (_, Some(encoded), _) => decode_base64(encoded),
        (_, _, Some(path)) => std::fs::read(path).unwrap_or_default(),
        _ => return Vec::new(),
    };
    let blocks = Pem::iter_from_buffer(&pem).filter_map(Result::ok);
    blocks
        .filter_map(|block| {
            let (_, certificate) = X509Certificate::from_der(&block.contents).ok()?;
            Some(detail(&certificate, path))
        })
        .collect()
}

fn decode_base64(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default()
}

fn detail(certificate: &X509Certificate<'_>, path: &str) -> Value {
    let validity = certificate.validity();
    let time = |seconds: i64| {
        let since = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        SystemTime::UNIX_EPOCH.checked_add(since).map(timestamp).unwrap_or_default().replace(".000Z", "Z")
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let end = u64::try_from(validity.not_after.timestamp()).unwrap_or(0);
    json!({
        "path": path,
        "serial_number": crate::telemetry::trace::hex(certificate.raw_serial()),
        "subject_alt_names": names(certificate),
        "days_until_expiration": (end.saturating_sub(now) / 86400).to_string(),
        "valid_from": time(validity.not_before.timestamp()),
        "expiration_time": time(validity.not_after.timestamp()),
    })
}

fn names(certificate: &X509Certificate<'_>) -> Vec<Value> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(dns) => Some(json!({ "dns": dns })),
        GeneralName::URI(uri) => Some(json!({ "uri": uri })),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
            let ip = v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from)).ok()?;
            Some(json!({"ip_address": ip.to_string()}))
        }
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}
