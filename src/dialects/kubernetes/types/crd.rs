//! CustomResourceDefinition, as far as rules read it.

use crate::message;
use crate::schema::{List, Text};

message! {
    /// A kind added to the API server; rules read its names and its annotations.
    pub open struct CustomResourceDefinition {
        /// API group.
        group: Option<Text> = "group",
        /// Names of the kind.
        names: Option<CrdNames> = "names",
        /// Served and stored versions.
        versions: List<CrdVersion> = "versions",
    }
}

message! {
    /// Names of a kind.
    pub open struct CrdNames {
        /// Kind.
        kind: Option<Text> = "kind",
        /// Plural, as in URLs.
        plural: Option<Text> = "plural",
    }
}

message! {
    /// One version of a kind.
    pub open struct CrdVersion {
        /// Name.
        name: Option<Text> = "name",
    }
}
