//! Responses as they go over the wire. They hold the bodies of resources as shared bytes, so that a body that goes to many
//! proxies is not copied before it is written; the fields are those of Envoy's messages.

use bytes::Bytes;

use crate::xds::{Kind, Resource};

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Any {
    /// Type.
    #[prost(string, tag = "1")]
    pub type_url: String,
    /// The message.
    #[prost(bytes = "bytes", tag = "2")]
    pub value: Bytes,
}

/// `envoy.service.discovery.v3.DiscoveryResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Response {
    /// Version of the whole.
    #[prost(string, tag = "1")]
    pub version_info: String,
    /// Resources.
    #[prost(message, repeated, tag = "2")]
    pub resources: Vec<Any>,
    /// Type of the resources.
    #[prost(string, tag = "4")]
    pub type_url: String,
    /// What the answer names.
    #[prost(string, tag = "5")]
    pub nonce: String,
    /// Who sends it.
    #[prost(message, optional, tag = "6")]
    pub control_plane: Option<ControlPlane>,
}

/// `envoy.service.discovery.v3.Resource`
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeltaResource {
    /// Name.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Version.
    #[prost(string, tag = "1")]
    pub version: String,
    /// The message.
    #[prost(message, optional, tag = "2")]
    pub resource: Option<Any>,
}

/// `envoy.service.discovery.v3.DeltaDiscoveryResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeltaResponse {
    /// Version of the whole.
    #[prost(string, tag = "1")]
    pub system_version_info: String,
    /// Resources that are new or different.
    #[prost(message, repeated, tag = "2")]
    pub resources: Vec<DeltaResource>,
    /// Type of the resources.
    #[prost(string, tag = "4")]
    pub type_url: String,
    /// Names of resources that do not exist.
    #[prost(string, repeated, tag = "6")]
    pub removed_resources: Vec<String>,
    /// What the answer names.
    #[prost(string, tag = "5")]
    pub nonce: String,
    /// Who sends it.
    #[prost(message, optional, tag = "7")]
    pub control_plane: Option<ControlPlane>,
}

/// `envoy.config.core.v3.ControlPlane`
#[derive(Clone, PartialEq, prost::Message)]
pub struct ControlPlane {
    /// Name and version.
    #[prost(string, tag = "1")]
    pub identifier: String,
}

impl ControlPlane {
    /// This one.
    pub fn own() -> Self {
        Self { identifier: concat!("meshctl ", env!("CARGO_PKG_VERSION")).to_owned() }
    }
}

impl Any {
    /// A resource within `Any`.
    pub fn of(kind: Kind, resource: &Resource) -> Self {
        Self { type_url: kind.type_url().to_owned(), value: resource.body.clone() }
    }
}

impl DeltaResource {
    /// A resource with its name and version.
    pub fn of(kind: Kind, resource: &Resource) -> Self {
        Self {
            name: resource.name.to_string(),
            version: resource.version.to_string(),
            resource: Some(Any::of(kind, resource)),
        }
    }
}
