//! Certificates of listeners, and the roots of callers and servers.

use std::sync::Arc;

use super::grants::{Grants, Object as Named};
use super::scope::Refusal;
use crate::dialects::gateway_api::types::{FrontendValidation, Gateway, Listener, ListenerTls, ObjectReference};
use crate::dialects::lower::context::Context;
use crate::dialects::object::Object;
use crate::ir::{Credential, Key, Mesh, ServerTls, ServerTlsMode, TlsMaterial};
use crate::schema::Text;
use crate::schema::values::text_or_empty;

/// TLS of a listener.
pub fn server(
    cx: &Context<'_>,
    grants: &Grants<'_>,
    mesh: &mut Mesh,
    object: &Object<Gateway>,
    listener: &Listener,
    tls: &ListenerTls,
    path: &str,
) -> Result<ServerTls, Refusal> {
    let refuse = |reason: String| Refusal::new(&format!("{path}.tls"), tls.place, reason);
    let origin = cx.at(format!("{path}.tls"), tls.place);
    match tls.mode.as_ref().map_or("Terminate", Text::as_str) {
        "Passthrough" if listener.protocol.as_ref().is_some_and(|protocol| protocol.as_str() == "TLS") => {
            return Ok(ServerTls { origin, mode: ServerTlsMode::Passthrough, ..ServerTls::default() });
        }
        "Terminate" => {}
        mode => return Err(refuse(format!("the mode `{mode}` does not fit the protocol"))),
    }
    if tls.certificate_refs.is_empty() {
        return Err(refuse("TLS cannot end without a certificate".into()));
    }
    let validation = validation(object, listener, tls);
    let roots =
        validation.map(|validation| roots(cx, grants, mesh, &validation.ca_certificate_refs, path)).transpose()?;
    let mut material = Vec::new();
    for reference in &tls.certificate_refs {
        let key = granted(cx, grants, reference, "Secret", path)?;
        if mesh.credentials.get(&key).is_none_or(|found| found.certificate.is_none() || found.key.is_none()) {
            return Err(refuse(format!("the Secret `{key}` is not there, or has no certificate with its key")));
        }
        material.push(TlsMaterial::Secret { key, roots: roots.clone() });
    }
    let falls_back = validation.and_then(|validation| validation.mode.as_ref()).map(Text::as_str);
    let (mode, insecure) = match (validation, falls_back) {
        (None, _) => (ServerTlsMode::Server, false),
        (Some(_), None | Some("AllowValidOnly")) => (ServerTlsMode::Mutual, false),
        (Some(_), Some("AllowInsecureFallback")) => (ServerTlsMode::OptionalMutual, true),
        (Some(_), Some(mode)) => return Err(refuse(format!("callers are not validated by `{mode}`"))),
    };
    Ok(ServerTls { origin, mode, material, insecure, ..ServerTls::default() })
}

/// What callers must show: the listener's own, that of its port, or that of the gateway.
fn validation<'g>(
    object: &'g Object<Gateway>,
    listener: &'g Listener,
    tls: &'g ListenerTls,
) -> Option<&'g FrontendValidation> {
    let frontend = object.spec.tls.as_ref().and_then(|tls| tls.frontend.as_ref());
    let port = listener.port.as_ref().map(|port| port.value);
    let of_gateway = frontend.and_then(|frontend| {
        let of_port = frontend.per_port.iter().find(|own| own.port.as_ref().map(|port| port.value) == port);
        of_port.map_or(frontend.default.as_ref(), |own| own.tls.as_ref())?.validation.as_ref()
    });
    tls.frontend_validation.as_ref().or(of_gateway)
}

/// The roots of some references: the first that has any.
pub fn roots(
    cx: &Context<'_>,
    grants: &Grants<'_>,
    mesh: &mut Mesh,
    references: &[ObjectReference],
    path: &str,
) -> Result<Key, Refusal> {
    let [reference] = references else {
        let place = references.first().map(|reference| reference.place).unwrap_or_default();
        return Err(Refusal::new(path, place, "roots are named by one reference"));
    };
    let kind = reference.kind.as_ref().map_or("ConfigMap", Text::as_str);
    let key = granted(cx, grants, reference, kind, path)?;
    let missing = || Refusal::new(path, reference.place, format!("the {kind} `{key}` has no `ca.crt`"));
    if kind == "Secret" {
        return if mesh.credentials.get(&key).is_some_and(|found| found.roots.is_some()) {
            Ok(key)
        } else {
            Err(missing())
        };
    }
    let map = cx.input.model.config_maps.iter();
    let mut map = map.filter(|map| *map.meta.namespace == *key.namespace && map.meta.name() == &*key.name);
    let text = map.find_map(|map| Some((map, map.spec.data.text("ca.crt")?)));
    let Some((map, text)) = text.filter(|(_, text)| text.contains("-----BEGIN CERTIFICATE-----")) else {
        return Err(missing());
    };
    // No Secret can have such a name.
    let key = Key::new(key.namespace.clone(), format!("configmap:{}", key.name));
    let credential = Credential {
        origin: cx.input.origins.object(&map.meta),
        roots: Some(text.as_bytes().to_vec()),
        ..Credential::default()
    };
    mesh.credentials.entry(key.clone()).or_insert_with(|| Arc::new(credential));
    Ok(key)
}

/// The object that a reference names, when it is of the kind and may be named.
fn granted(
    cx: &Context<'_>,
    grants: &Grants<'_>,
    reference: &ObjectReference,
    kind: &str,
    path: &str,
) -> Result<Key, Refusal> {
    let refuse = |reason: String| Err(Refusal::new(path, reference.place, reason));
    let said = reference.kind.as_ref().map_or(kind, Text::as_str);
    if !text_or_empty(reference.group.as_ref()).is_empty() || said != kind || !matches!(kind, "Secret" | "ConfigMap") {
        return refuse(format!("objects of kind `{said}` hold no certificates"));
    }
    let namespace = reference.namespace.as_ref().map_or(cx.namespace(), Text::as_str);
    let name = text_or_empty(reference.name.as_ref());
    let own = Named { group: cx.meta.group, kind: cx.meta.kind, namespace: cx.namespace(), name: cx.meta.name() };
    if !grants.allow(own, Named { group: "", kind, namespace, name }) {
        return refuse(format!("no ReferenceGrant in `{namespace}` lets it name the {kind} `{name}`"));
    }
    Ok(Key::new(namespace, name))
}
