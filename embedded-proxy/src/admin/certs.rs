//! `/certs`: certificates and roots, and when they end.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Value, json};
use x509_parser::prelude::{FromDer as _, GeneralName, Pem, X509Certificate};

use super::info::timestamp;
use super::{Admin, Call, Page};
use crate::proto::{decode, to_json};
use crate::services::Services;
use crate::xds::{Kind, Resource, State};

/// One entry for each TLS context of a listener or cluster: its roots and its chains, secrets included.
pub(super) fn answer(admin: &Admin, _: &Call) -> Page {
    let mut certificates = Vec::new();
    for context in contexts(&admin.services) {
        let mut all = [Vec::new(), Vec::new()];
        collect(&context, &mut all);
        let [roots, chains] = all.map(|pems| pems.iter().flat_map(details).collect::<Vec<_>>());
        if !roots.is_empty() || !chains.is_empty() {
            certificates.push(json!({"ca_cert": roots, "cert_chain": chains}));
        }
    }
    Page::json(&json!({ "certificates": certificates }))
}

/// When the first certificate in use expires, seconds since 1970; none without a certificate.
pub fn first_end(services: &Services) -> Option<u64> {
    let mut all = [Vec::new(), Vec::new()];
    for context in &contexts(services) {
        collect(context, &mut all);
    }
    let ends = all.iter().flatten().filter_map(|source| {
        let (pem, _) = bytes(source)?;
        certificates(&pem).iter().filter_map(|der| end(der)).min()
    });
    ends.min()
}

/// When a certificate ends, seconds since 1970.
fn end(der: &[u8]) -> Option<u64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    u64::try_from(certificate.validity().not_after.timestamp()).ok()
}

/// The TLS contexts of listeners and clusters in use, with the secrets that they name in the place of the names.
fn contexts(services: &Services) -> Vec<Value> {
    let open = |kind: Kind, resource: &Resource| {
        let bytes = resource.bytes.as_ref().filter(|_| resource.state != State::Warming)?;
        decode(kind.message(), bytes).ok().map(|message| to_json(&message))
    };
    let secrets: BTreeMap<String, Value> = services
        .store
        .of(Kind::Secret)
        .iter()
        .filter_map(|resource| Some((resource.name.clone(), open(Kind::Secret, resource)?)))
        .collect();
    let mut found = Vec::new();
    for kind in [Kind::Listener, Kind::Cluster] {
        for resource in services.store.of(kind) {
            if let Some(value) = open(kind, &resource) {
                find(&value, &secrets, &mut found);
            }
        }
    }
    found
}

/// Finds TLS contexts, wherever they stand.
fn find(value: &Value, secrets: &BTreeMap<String, Value>, into: &mut Vec<Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| find(value, secrets, into)),
        Value::Object(fields) => {
            if let Some(context) = fields.get("common_tls_context") {
                into.push(named(context, secrets));
                return;
            }
            fields.values().for_each(|value| find(value, secrets, into));
        }
        _ => {}
    }
}

/// A context with secrets in the place of their names.
fn named(value: &Value, secrets: &BTreeMap<String, Value>) -> Value {
    match value {
        Value::Array(values) => values.iter().map(|value| named(value, secrets)).collect(),
        Value::Object(fields) => {
            let one = |(field, value): (&String, &Value)| {
                let secret = |reference: &Value| {
                    let name = reference.get("name").and_then(Value::as_str)?;
                    secrets.get(name).cloned()
                };
                let value = match value {
                    Value::Array(references) if field.contains("_sds_secret_config") => {
                        references.iter().filter_map(secret).collect()
                    }
                    reference if field.contains("_sds_secret_config") => secret(reference).unwrap_or_default(),
                    value => named(value, secrets),
                };
                (field.clone(), value)
            };
            Value::Object(fields.iter().map(one).collect())
        }
        value => value.clone(),
    }
}

/// Data sources of roots and of chains, in this order.
fn collect(value: &Value, into: &mut [Vec<Value>; 2]) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        Value::Object(fields) => {
            into[0].extend(fields.get("trusted_ca").cloned());
            into[1].extend(fields.get("certificate_chain").cloned());
            fields.values().for_each(|value| collect(value, into));
        }
        _ => {}
    }
}

/// The certificates of a data source.
fn details(source: &Value) -> Vec<Value> {
    let Some((pem, path)) = bytes(source) else { return Vec::new() };
    let one = |der: &Vec<u8>| X509Certificate::from_der(der).ok().map(|(_, certificate)| detail(&certificate, &path));
    certificates(&pem).iter().filter_map(one).collect()
}

/// The bytes of a data source, and where they stand.
fn bytes(source: &Value) -> Option<(Vec<u8>, String)> {
    let text = |field: &str| source.get(field).and_then(Value::as_str);
    let path = text("filename").unwrap_or("<inline>").to_string();
    match (text("inline_string"), text("inline_bytes"), text("filename")) {
        (Some(pem), ..) => Some((pem.as_bytes().to_vec(), path)),
        (_, Some(encoded), _) => Some((decode_base64(encoded), path)),
        (_, _, Some(file)) => Some((std::fs::read(file).ok()?, path)),
        _ => None,
    }
}

/// The certificates in a PEM text, as DER.
fn certificates(pem: &[u8]) -> Vec<Vec<u8>> {
    Pem::iter_from_buffer(pem).filter_map(Result::ok).map(|block| block.contents).collect()
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
