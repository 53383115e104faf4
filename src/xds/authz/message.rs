//! Envoy's RBAC messages with their policies in a fixed order: the generated ones have a map without one, and the first of
//! two policies that match is the one that logs name.

use envoy_types::pb::envoy::config::rbac::v3::Policy;
use envoy_types::pb::google::protobuf::Any;
use prost::Message;

/// `envoy.config.rbac.v3.RBAC`: on the wire a map is a list of entries.
#[derive(Clone, PartialEq, Message)]
pub struct Rules {
    /// 0 allows, 1 denies, 2 logs.
    #[prost(int32, tag = "1")]
    pub action: i32,
    /// Policies by name.
    #[prost(message, repeated, tag = "2")]
    pub policies: Vec<Entry>,
}

/// A policy and its name.
#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// Name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Policy.
    #[prost(message, optional, tag = "2")]
    pub policy: Option<Policy>,
}

/// `envoy.extensions.filters.http.rbac.v3.RBAC`.
#[derive(Clone, PartialEq, Message)]
struct Http {
    #[prost(message, optional, tag = "1")]
    rules: Option<Rules>,
    #[prost(message, optional, tag = "2")]
    shadow_rules: Option<Rules>,
    #[prost(string, tag = "3")]
    shadow_rules_stat_prefix: String,
}

/// `envoy.extensions.filters.network.rbac.v3.RBAC`.
#[derive(Clone, PartialEq, Message)]
struct Network {
    #[prost(message, optional, tag = "1")]
    rules: Option<Rules>,
    #[prost(message, optional, tag = "2")]
    shadow_rules: Option<Rules>,
    #[prost(string, tag = "3")]
    stat_prefix: String,
    #[prost(string, tag = "5")]
    shadow_rules_stat_prefix: String,
}

/// Rules that count, and rules that are only told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    /// Those that count.
    pub rules: Option<Rules>,
    /// Those that are only told.
    pub shadow: Option<Rules>,
    /// What stands before what is told.
    pub shadow_prefix: &'static str,
}

impl Filter {
    /// As an HTTP filter.
    pub fn http(self) -> Any {
        let message = Http {
            rules: self.rules,
            shadow_rules: self.shadow,
            shadow_rules_stat_prefix: self.shadow_prefix.to_owned(),
        };
        of("http", &message)
    }

    /// As a network filter.
    pub fn network(self) -> Any {
        let message = Network {
            rules: self.rules,
            shadow_rules: self.shadow,
            stat_prefix: "tcp.".to_owned(),
            shadow_rules_stat_prefix: self.shadow_prefix.to_owned(),
        };
        of("network", &message)
    }
}

fn of(kind: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/envoy.extensions.filters.{kind}.rbac.v3.RBAC"),
        value: message.encode_to_vec(),
    }
}
