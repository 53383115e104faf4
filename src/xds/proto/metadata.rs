//! Metadata of resources: where they come from, in the form that Istio's tools read, and the field beside it.

use envoy_types::pb::envoy::config::core::v3::Metadata;
use envoy_types::pb::google::protobuf::{Struct, Value, value::Kind};

use super::ordered;
use crate::ir::{ObjectName, Origin};

/// `filter_metadata`: `istio.config` with the path of the object in the API, `meshctl.field` with the field. The line is not
/// in it, so that a comment that moves it changes no resource; the mesh knows it for object and field.
pub fn of_origin(origin: &Origin) -> Option<Metadata> {
    let object = origin.object.as_ref()?;
    let mut entries = vec![("istio".to_owned(), text_struct([("config", api_path(object))]))];
    if !origin.field.is_empty() {
        entries.push(("meshctl".to_owned(), text_struct([("field", origin.field.to_string())])));
    }
    Some(Metadata { filter_metadata: ordered(entries), ..Metadata::default() })
}

/// A struct of texts.
pub fn text_struct<K: Into<String>, V: Into<String>>(entries: impl IntoIterator<Item = (K, V)>) -> Struct {
    let value = |text: V| Value { kind: Some(Kind::StringValue(text.into())) };
    Struct { fields: ordered(entries.into_iter().map(|(key, text)| (key.into(), value(text)))) }
}

/// `/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews`.
pub fn api_path(object: &ObjectName) -> String {
    let group = if object.group.is_empty() { "api".to_owned() } else { format!("apis/{}", object.group) };
    let kind = kebab(&object.kind);
    match &*object.namespace {
        "" => format!("/{group}/{}/{kind}/{}", object.version, object.name),
        namespace => format!("/{group}/{}/namespaces/{namespace}/{kind}/{}", object.version, object.name),
    }
}

/// `VirtualService` as `virtual-service`, `HTTPRoute` as `http-route`.
fn kebab(kind: &str) -> String {
    let letters: Vec<char> = kind.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before_lower = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
        let after_lower = at > 0 && letters[at - 1].is_ascii_lowercase();
        if at > 0 && letter.is_ascii_uppercase() && (before_lower || after_lower) {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_written_with_dashes() {
        for (kind, want) in [
            ("VirtualService", "virtual-service"),
            ("HTTPRoute", "http-route"),
            ("Service", "service"),
            ("GRPCRoute", "grpc-route"),
            ("ServiceTLS", "service-tls"),
        ] {
            assert_eq!(kebab(kind), want);
        }
    }
}
