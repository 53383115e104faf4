//! Secrets with keys and certificates.

use std::sync::Arc;

use base64::Engine as _;

use crate::dialects::kubernetes::types;
use crate::dialects::lower::Input;
use crate::dialects::object::Object;
use crate::ir::{Builder, Credential, Key};

/// Every Secret that has a certificate, a key or roots: under the names of `kubernetes.io/tls`, or Istio's for opaque ones.
pub fn lower(input: &Input<'_>, mesh: &mut Builder) {
    for object in &input.model.secrets {
        let find = |names: &[&str]| names.iter().find_map(|name| value(object, name));
        let credential = Credential {
            origin: input.origins.object(&object.meta),
            certificate: find(&["tls.crt", "cert"]),
            key: find(&["tls.key", "key"]),
            roots: find(&["ca.crt", "cacert"]),
            revoked: find(&["ca.crl", "crl"]),
        };
        if credential.certificate.is_some() || credential.roots.is_some() {
            let key = Key::new(&*object.meta.namespace, object.meta.name());
            mesh.mesh.credentials.entry(key).or_insert_with(|| Arc::new(credential));
        }
    }
}

fn value(object: &Object<types::Secret>, name: &str) -> Option<Vec<u8>> {
    if let Some(text) = object.spec.string_data.text(name) {
        return Some(text.as_bytes().to_vec());
    }
    let text: String = object.spec.data.text(name)?.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(text).ok()
}
