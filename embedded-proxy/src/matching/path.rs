//! `envoy.type.matcher.v3.PathMatcher` and `FilterStateMatcher`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::{AddressMatcher, StringMatcher};
use crate::http::RequestHead;
use crate::proto::Reader;

/// A matcher of the path without query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMatcher(pub StringMatcher);

impl PathMatcher {
    /// Reads `envoy.type.matcher.v3.PathMatcher`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        StringMatcher::read(&reader.need("path")?).map(Self)
    }

    /// Whether the path of the request matches.
    pub fn matches(&self, head: &RequestHead) -> bool {
        self.0.matches(head.path_only())
    }
}

/// How a value of the filter state is matched.
#[derive(Debug, Clone, PartialEq, Eq)]
enum StateRule {
    Text(StringMatcher),
    Address(AddressMatcher),
}

/// `envoy.type.matcher.v3.FilterStateMatcher`: the text under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterStateMatcher {
    key: String,
    rule: StateRule,
}

impl FilterStateMatcher {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let key = reader.need_text("key");
        let rule = match reader.choice("matcher").as_deref() {
            Some("string_match") => StateRule::Text(StringMatcher::read(&reader.message("string_match")?)?),
            Some("address_match") => StateRule::Address(AddressMatcher::read(&reader.message("address_match")?)?),
            _ => {
                reader.defect("", "says no way to match a value");
                return None;
            }
        };
        Some(Self { key: key?, rule })
    }

    /// Whether the filter state has the key and its value matches.
    pub fn matches(&self, state: &BTreeMap<String, String>) -> bool {
        let Some(value) = state.get(&self.key) else { return false };
        match &self.rule {
            StateRule::Text(text) => text.matches(value),
            StateRule::Address(address) => {
                let ip = value.parse::<IpAddr>().or_else(|_| value.parse::<SocketAddr>().map(|socket| socket.ip()));
                ip.is_ok_and(|ip| address.matches(ip))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::text::tests::read;
    use super::*;

    #[test]
    fn state_is_matched_as_text_or_address() {
        let state = [("ip".to_string(), "10.0.0.1:80".to_string())].into();
        let matches =
            |value| read("envoy.type.matcher.v3.FilterStateMatcher", &value, FilterStateMatcher::read).unwrap();
        assert!(matches(json!({"key": "ip", "string_match": {"prefix": "10."}})).matches(&state));
        let range = json!({"ranges": [{"address_prefix": "10.0.0.0", "prefix_len": 24}]});
        assert!(matches(json!({"key": "ip", "address_match": range})).matches(&state));
        assert!(!matches(json!({"key": "other", "string_match": {"exact": ""}})).matches(&state));
    }
}
