//! Secret.

use crate::message;
use crate::schema::{At, Map, Text};

message! {
    /// Confidential files: keys and certificates.
    pub struct Secret {
        /// Base64 text by file name.
        data: Map<Text> = "data",
        /// Plain text by file name; wins over `data`.
        string_data: Map<Text> = "stringData",
        /// `kubernetes.io/tls`, `Opaque` and others.
        r#type: Option<Text> = "type",
        /// No change after creation.
        immutable: Option<At<bool>> = "immutable",
    }
}
