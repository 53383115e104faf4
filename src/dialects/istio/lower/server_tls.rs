//! TLS of gateways' servers and of sidecars' own listeners.

use super::context::Context;
use crate::dialects::istio::types::{ServerTlsMode as Said, ServerTlsSettings, TlsProtocol};
use crate::ir::{Credential, Key, Name, ServerTls, ServerTlsMode, TlsMaterial, TlsVersion};
use crate::schema::{At, List, Text, values::text_or_empty};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where secrets are looked for.
pub struct Secrets<'m> {
    /// The namespace of the proxies.
    pub namespace: Name,
    /// Those that are known.
    pub known: &'m BTreeMap<Key, Arc<Credential>>,
}

impl Secrets<'_> {
    /// `NAME`, `kubernetes://NAME` or `kubernetes-gateway://NAMESPACE/NAME`.
    fn key(&self, name: &str) -> Key {
        if let Some((namespace, name)) =
            name.strip_prefix("kubernetes-gateway://").and_then(|rest| rest.split_once('/'))
        {
            return Key::new(namespace, name);
        }
        Key::new(self.namespace.clone(), name.strip_prefix("kubernetes://").unwrap_or(name))
    }

    /// The secret of a name; its roots are in the one that is named, in `NAME-cacert` when there is one, or beside the key.
    fn material(&self, name: &str, roots: Option<&str>) -> TlsMaterial {
        let key = self.key(name);
        let beside = Key::new(key.namespace.clone(), format!("{}-cacert", key.name));
        let roots = roots.map(|roots| self.key(roots)).or_else(|| self.known.contains_key(&beside).then_some(beside));
        TlsMaterial::Secret { key, roots }
    }
}

/// TLS of a server, or why there can be none.
pub fn server_tls(
    cx: &Context<'_>,
    path: &str,
    tls: &ServerTlsSettings,
    secrets: &Secrets<'_>,
) -> Result<ServerTls, &'static str> {
    if cx.flaws().any(Some(tls.place)) {
        return Err("its TLS settings cannot be read");
    }
    let flag = |flag: &Option<At<bool>>| flag.as_ref().is_some_and(|flag| flag.value);
    let mode = match tls.mode.as_ref().map_or(Said::Passthrough, |mode| mode.value) {
        Said::Passthrough => ServerTlsMode::Passthrough,
        Said::Simple => ServerTlsMode::Server,
        Said::Mutual => ServerTlsMode::Mutual,
        Said::AutoPassthrough => ServerTlsMode::AutoPassthrough,
        Said::IstioMutual => ServerTlsMode::Mesh,
        Said::OptionalMutual => ServerTlsMode::OptionalMutual,
    };
    let ends_here = matches!(mode, ServerTlsMode::Server | ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual);
    let material = if ends_here { material(tls, secrets) } else { Vec::new() };
    if ends_here && material.is_empty() {
        return Err("it names no certificate");
    }
    if matches!(mode, ServerTlsMode::Mutual | ServerTlsMode::OptionalMutual) && !material.iter().all(has_roots) {
        return Err("callers are to prove themselves, but it names no roots");
    }
    Ok(ServerTls {
        origin: cx.at(path, tls.place),
        mode,
        material,
        names: names(&tls.subject_alt_names),
        public_key_pins: names(&tls.verify_certificate_spki),
        certificate_pins: names(&tls.verify_certificate_hash),
        min_version: version(tls.min_protocol_version.as_ref()),
        max_version: version(tls.max_protocol_version.as_ref()),
        ciphers: names(&tls.cipher_suites),
        redirect_plain: flag(&tls.https_redirect),
        insecure: flag(&tls.insecure_skip_verify),
    })
}

/// Secrets bring their roots, or nobody is trusted; files must name them.
fn has_roots(material: &TlsMaterial) -> bool {
    match material {
        TlsMaterial::Secret { .. } => true,
        TlsMaterial::Files { roots, .. } => roots.is_some(),
        TlsMaterial::None => false,
    }
}

fn material(tls: &ServerTlsSettings, secrets: &Secrets<'_>) -> Vec<TlsMaterial> {
    let roots = file(tls.ca_cert_credential_name.as_ref());
    let secret = |name: &Text| secrets.material(name.as_str(), roots.as_deref());
    let single = tls.credential_name.as_ref().filter(|name| !name.as_str().is_empty());
    let named: Vec<TlsMaterial> = single.into_iter().chain(&tls.credential_names).map(secret).collect();
    if !named.is_empty() {
        return named;
    }
    let files = |certificate: Option<&Text>, key: Option<&Text>, roots: Option<&Text>| {
        let (certificate, key) = (Some(file(certificate)?), Some(file(key)?));
        let roots = file(roots).or_else(|| file(tls.ca_certificates.as_ref()));
        Some(TlsMaterial::Files { certificate, key, roots, revoked: file(tls.ca_crl.as_ref()) })
    };
    let several = tls.tls_certificates.iter().filter_map(|own| {
        files(own.server_certificate.as_ref(), own.private_key.as_ref(), own.ca_certificates.as_ref())
    });
    let several: Vec<TlsMaterial> = several.collect();
    if several.is_empty() {
        return files(tls.server_certificate.as_ref(), tls.private_key.as_ref(), None).into_iter().collect();
    }
    several
}

fn version(version: Option<&At<TlsProtocol>>) -> Option<TlsVersion> {
    match version?.value {
        TlsProtocol::Auto => None,
        TlsProtocol::V10 => Some(TlsVersion::V10),
        TlsProtocol::V11 => Some(TlsVersion::V11),
        TlsProtocol::V12 => Some(TlsVersion::V12),
        TlsProtocol::V13 => Some(TlsVersion::V13),
    }
}

fn file(text: Option<&Text>) -> Option<Name> {
    Some(text_or_empty(text)).filter(|text| !text.is_empty()).map(Into::into)
}

fn names(list: &List<Text>) -> Vec<Name> {
    list.iter().map(|text| text.as_str().into()).collect()
}
