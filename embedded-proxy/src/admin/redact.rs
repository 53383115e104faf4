//! Secrets do not leave the process: fields that Envoy's API marks as sensitive are replaced before a dump.

use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

use crate::proto::{ANY, Typed};

/// What stands for a secret.
const REDACTED: &str = "[redacted]";

/// Replaces everything sensitive in a message, also inside of `Any`s that the proxy can open.
pub fn redact(message: &mut DynamicMessage) {
    walk(message, false);
}

/// `all`: everything in here is sensitive.
fn walk(message: &mut DynamicMessage, all: bool) {
    if message.descriptor().full_name() == ANY {
        open(message, all);
        return;
    }
    let fields: Vec<FieldDescriptor> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        let secret = all || is_sensitive(&field);
        let mut value = message.get_field(&field).into_owned();
        if secret && field.is_list() && !matches!(field.kind(), Kind::Message(_) | Kind::String | Kind::Bytes)
            || secret && !field.is_list() && !field.is_map() && is_number(&field)
        {
            message.clear_field(&field);
            continue;
        }
        change(&mut value, secret);
        message.set_field(&field, value);
    }
}

fn is_number(field: &FieldDescriptor) -> bool {
    !matches!(field.kind(), Kind::Message(_) | Kind::String | Kind::Bytes)
}

fn change(value: &mut Value, secret: bool) {
    match value {
        Value::String(text) if secret => *text = REDACTED.into(),
        Value::Bytes(bytes) if secret => *bytes = bytes::Bytes::from_static(REDACTED.as_bytes()),
        Value::Message(message) => walk(message, secret),
        Value::List(values) => values.iter_mut().for_each(|value| change(value, secret)),
        Value::Map(entries) => entries.values_mut().for_each(|value| change(value, secret)),
        _ => {}
    }
}

/// Redacts what is inside of an `Any`. What cannot be opened stays as it is, unless all of it is sensitive.
fn open(any: &mut DynamicMessage, all: bool) {
    let url = any.get_field_by_name("type_url").and_then(|url| url.as_str().map(str::to_string)).unwrap_or_default();
    let Ok(typed) = Typed::open(any) else {
        if all {
            any.clear_field_by_name("value");
        }
        return;
    };
    let mut message = typed.message;
    walk(&mut message, all);
    // JSON under a type URL becomes the message that it stands for.
    let url = url.rsplit_once('/').map_or("type.googleapis.com", |(host, _)| host).to_string() + "/" + &typed.name;
    any.set_field_by_name("type_url", Value::String(url));
    any.set_field_by_name("value", Value::Bytes(message.encode_to_vec().into()));
}

/// Fields that Envoy's API marks so, in messages that the proxy knows, and tokens that it does not mark: message, field.
const SENSITIVE: &[(&str, &str)] = &[
    ("envoy.config.core.v3.GrpcService.GoogleGrpc.SslCredentials", "private_key"),
    ("envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.ServiceAccountJWTAccessCredentials", "json_key"),
    ("envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials.GoogleIAMCredentials", "authorization_token"),
    ("envoy.config.core.v3.GrpcService.GoogleGrpc.CallCredentials", "access_token"),
    ("envoy.config.trace.v3.ClientConfig", "backend_token"),
    ("envoy.extensions.filters.http.ext_authz.v3.CheckSettings", "context_extensions"),
    ("envoy.extensions.transport_sockets.tls.v3.GenericSecret", "secret"),
    ("envoy.extensions.transport_sockets.tls.v3.GenericSecret", "secrets"),
    ("envoy.extensions.transport_sockets.tls.v3.PrivateKeyProvider", "typed_config"),
    ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", "password"),
    ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", "pkcs12"),
    ("envoy.extensions.transport_sockets.tls.v3.TlsCertificate", "private_key"),
    ("envoy.extensions.transport_sockets.tls.v3.TlsSessionTicketKeys", "keys"),
];

fn is_sensitive(field: &FieldDescriptor) -> bool {
    let message = field.parent_message();
    SENSITIVE.iter().any(|(name, sensitive)| *sensitive == field.name() && *name == message.full_name())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::proto::{from_json, to_json};

    #[test]
    fn keys_are_replaced_and_certificates_stay() {
        let secret = json!({"name": "s", "tls_certificate": {
            "certificate_chain": {"inline_string": "CERT"}, "private_key": {"inline_string": "KEY"},
            "password": {"inline_bytes": "S0VZ"},
        }});
        let mut message = from_json("envoy.extensions.transport_sockets.tls.v3.Secret", &secret).unwrap();
        redact(&mut message);
        let dumped = to_json(&message);
        assert_eq!(dumped["tls_certificate"]["private_key"]["inline_string"], "[redacted]");
        assert_eq!(dumped["tls_certificate"]["certificate_chain"]["inline_string"], "CERT");
        assert_eq!(dumped["tls_certificate"]["password"]["inline_bytes"], "W3JlZGFjdGVkXQ==");
    }

    #[test]
    fn keys_inside_of_a_transport_socket_are_replaced() {
        let context = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {"tls_certificates": [{"private_key": {"inline_string": "KEY"}}]},
            "session_ticket_keys": {"keys": [{"inline_string": "KEY"}]},
        });
        let cluster = json!({"name": "c", "transport_socket": {"name": "tls", "typed_config": context}});
        let mut message = from_json("envoy.config.cluster.v3.Cluster", &cluster).unwrap();
        redact(&mut message);
        let dumped = to_json(&message).to_string();
        assert!(!dumped.contains("KEY\""), "{dumped}");
        assert_eq!(dumped.matches("[redacted]").count(), 2, "{dumped}");
    }
}
