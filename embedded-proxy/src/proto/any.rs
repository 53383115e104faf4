//! `google.protobuf.Any` and the two wrappers that carry JSON under a type URL.

use prost_reflect::{DynamicMessage, ReflectMessage as _};

use super::pool;

/// Full name of the message that holds another.
pub const ANY: &str = "google.protobuf.Any";

/// A message out of an `Any`, with the name of its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Typed {
    /// Full name of the type, without `type.googleapis.com/`.
    pub name: String,
    /// The message.
    pub message: DynamicMessage,
}

impl Typed {
    /// Opens an `Any`. `TypedStruct` (of xds or udpa), which carries the message as JSON, is opened too.
    pub fn open(any: &DynamicMessage) -> Result<Self, String> {
        let url =
            any.get_field_by_name("type_url").and_then(|url| url.as_str().map(str::to_string)).unwrap_or_default();
        let bytes = any.get_field_by_name("value").and_then(|value| value.as_bytes().cloned()).unwrap_or_default();
        Self::of(&url, &bytes)
    }

    /// Opens the parts of an `Any`.
    pub fn of(url: &str, bytes: &[u8]) -> Result<Self, String> {
        let name = url.rsplit('/').next().unwrap_or_default();
        if name.is_empty() {
            return Err("the type URL is empty".into());
        }
        let message = pool::decode(name, bytes)?;
        if matches!(name, "xds.type.v3.TypedStruct" | "udpa.type.v1.TypedStruct") {
            return Self::of_struct(&message);
        }
        Ok(Self { name: name.to_string(), message })
    }

    fn of_struct(message: &DynamicMessage) -> Result<Self, String> {
        let url = message.get_field_by_name("type_url").and_then(|url| url.as_str().map(str::to_string));
        let url = url.unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default().to_string();
        let value = message.get_field_by_name("value").and_then(|value| value.as_message().map(pool::to_json));
        let message = pool::from_json(&name, &value.unwrap_or_else(|| serde_json::json!({})))?;
        Ok(Self { name, message })
    }
}

/// Whether a message is an `Any`.
pub(crate) fn is_any(message: &DynamicMessage) -> bool {
    message.descriptor().full_name() == ANY
}
