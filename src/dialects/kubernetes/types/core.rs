//! Namespace and ConfigMap.

use crate::message;
use crate::schema::leaf::Opaque;
use crate::schema::{At, Map, Text};

message! {
    /// A namespace; rules read its metadata.
    pub struct Namespace {
        /// Finalizers.
        spec: Option<Opaque> = "spec",
    }
}

message! {
    /// Configuration files as text.
    pub struct ConfigMap {
        /// Text by file name.
        data: Map<Text> = "data",
        /// Binary content.
        binary_data: Option<Opaque> = "binaryData",
        /// No change after creation.
        immutable: Option<At<bool>> = "immutable",
    }
}
