//! Hash policies: from a request to the number that hashing balancers turn into a host, the same as Envoy's.

use std::time::Duration;

use http::HeaderName;
use twox_hash::XxHash64;

use super::{Input, cookie};
use crate::http::RequestHead;
use crate::matching::{Field, Fields as _, RegexRewrite, parameter};
use crate::proto::Reader;
use crate::stream::Connection;

/// A cookie to make when a request has none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NewCookie {
    /// Zero is a session cookie.
    ttl: Duration,
    /// What follows the value: path and attributes.
    attributes: String,
}

/// Where one part of the hash comes from.
#[derive(Debug, Clone, PartialEq)]
enum Source {
    Header(Field, Option<RegexRewrite>),
    Cookie(String, Option<NewCookie>),
    Address,
    Query(String),
    State(String),
}

/// One policy.
#[derive(Debug, Clone, PartialEq)]
struct HashPolicy {
    source: Source,
    /// Later policies are not asked once there is a hash.
    terminal: bool,
}

/// All policies of a route.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HashPolicies(Vec<HashPolicy>);

impl HashPolicies {
    /// Reads the field `hash_policy` of a `RouteAction`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let all: Vec<_> = reader.list("hash_policy").iter().map(HashPolicy::read).collect();
        all.into_iter().collect::<Option<_>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hash of a request, none when no policy finds anything. A cookie that has to be made is handed to
    /// `set_cookie` as the value of a `set-cookie` field; without that none is made.
    pub fn hash(&self, input: &Input<'_>, mut set_cookie: Option<&mut dyn FnMut(String)>) -> Option<u64> {
        let mut hash: Option<u64> = None;
        for policy in &self.0 {
            if let Some(new) = policy.source.hash(input, set_cookie.as_deref_mut()) {
                // Turning keeps two equal policies from cancelling each other.
                hash = Some(hash.map_or(0, |old| old.rotate_left(1)) ^ new);
            }
            if policy.terminal && hash.is_some() {
                break;
            }
        }
        hash
    }
}

impl HashPolicy {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let terminal = reader.flag("terminal");
        let source = match reader.choice("policy_specifier").as_deref() {
            Some("header") => {
                let header = reader.message("header")?;
                let rewrite = match header.message("regex_rewrite") {
                    Some(rewrite) => Some(RegexRewrite::read(&rewrite)?),
                    None => None,
                };
                Source::Header(super::need_field(&header, "header_name")?, rewrite)
            }
            Some("cookie") => read_cookie(&reader.message("cookie")?)?,
            Some("connection_properties") => {
                let properties = reader.message("connection_properties")?;
                if !properties.flag("source_ip") {
                    properties.defect("source_ip", "must be true: there is no other property to hash");
                }
                Source::Address
            }
            Some("query_parameter") => Source::Query(reader.message("query_parameter")?.need_text("name")?),
            Some("filter_state") => Source::State(reader.message("filter_state")?.need_text("key")?),
            _ => {
                reader.defect("", "says nothing to hash");
                return None;
            }
        };
        Some(Self { source, terminal })
    }
}

fn read_cookie(reader: &Reader<'_>) -> Option<Source> {
    let name = reader.need_text("name");
    let ttl = reader.duration("ttl");
    let path = reader.text("path");
    let attributes = reader.list("attributes");
    let attributes: Vec<_> = attributes.iter().map(|one| Some((one.need_text("name")?, one.text("value")))).collect();
    let attributes: Option<Vec<(String, String)>> = attributes.into_iter().collect();
    let attributes = cookie::attributes(&path, &attributes?);
    Some(Source::Cookie(name?, ttl.map(|ttl| NewCookie { ttl, attributes })))
}

impl NewCookie {
    /// The same value for all requests of a connection, so that those that race get the same host.
    fn value(connection: &Connection) -> String {
        format!("{:016x}", xxhash64(format!("{}{}", connection.remote, connection.local).as_bytes()))
    }

    fn field(&self, name: &str, value: &str) -> String {
        cookie::set(name, value, self.ttl, &self.attributes)
    }
}

impl Source {
    fn hash(&self, input: &Input<'_>, set_cookie: Option<&mut (dyn FnMut(String) + '_)>) -> Option<u64> {
        let head = input.head;
        match self {
            Self::Header(field, rewrite) => hash_field(head, field, rewrite.as_ref()),
            Self::Cookie(name, new) => match (cookie::value(&head.headers, name), new, set_cookie) {
                (Some(value), ..) if !value.is_empty() => Some(xxhash64(value)),
                (_, Some(new), Some(set_cookie)) => {
                    let value = NewCookie::value(input.connection);
                    set_cookie(new.field(name, &value));
                    Some(xxhash64(value.as_bytes()))
                }
                _ => None,
            },
            Self::Address => input.remote.map(|remote| xxhash64(remote.to_string().as_bytes())),
            Self::Query(name) => parameter(head.query(), name).map(|value| xxhash64(value.as_bytes())),
            Self::State(key) => input.state.get(key).map(|value| xxhash64(value.as_bytes())),
        }
    }
}

/// All values of a field in sorted order, so that their order does not matter.
fn hash_field(head: &RequestHead, field: &Field, rewrite: Option<&RegexRewrite>) -> Option<u64> {
    let rewritten = |value: &[u8]| -> Vec<u8> {
        match (rewrite, std::str::from_utf8(value)) {
            (Some(rewrite), Ok(text)) => rewrite.apply(text).into_owned().into_bytes(),
            _ => value.to_vec(),
        }
    };
    let mut values = all_values(head, field, rewritten);
    if values.is_empty() {
        return None;
    }
    values.sort();
    Some(values.iter().fold(0, |seed, value| XxHash64::oneshot(seed, value)))
}

fn all_values(head: &RequestHead, field: &Field, rewritten: impl Fn(&[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let all = |name: &HeaderName| head.headers.all(name).map(|value| rewritten(value.as_bytes())).collect();
    match field {
        Field::Header(name) => all(name),
        field => head.value(field).map(|value| rewritten(&value)).into_iter().collect(),
    }
}

/// Envoy's hash of bytes.
pub fn xxhash64(bytes: &[u8]) -> u64 {
    XxHash64::oneshot(0, bytes)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{exchange, read};
    use super::*;

    fn policies(policies: &Value) -> HashPolicies {
        let action = json!({"cluster": "c", "hash_policy": policies});
        read("envoy.config.route.v3.RouteAction", &action, |reader| {
            reader.ignore(&["cluster"]);
            HashPolicies::read(reader)
        })
        .unwrap()
    }

    fn hash(config: &Value, path: &str, fields: &[(&'static str, &'static str)]) -> Option<u64> {
        policies(config).hash(&Input::of(&exchange("GET", "h", path, fields)), None)
    }

    #[test]
    fn headers_hash_by_their_values_in_any_order() {
        let config = json!([{"header": {"header_name": "x"}}]);
        assert_eq!(hash(&config, "/", &[("x", "foo")]), Some(0x33BF_00A8_59C4_BA3F), "xxHash64 of foo");
        assert_eq!(hash(&config, "/", &[("x", "a"), ("x", "b")]), hash(&config, "/", &[("x", "b"), ("x", "a")]));
        assert_eq!(hash(&config, "/", &[]), None);
        let rewrite = json!({"pattern": {"regex": "^.*/"}, "substitution": ""});
        let config = json!([{"header": {"header_name": ":path", "regex_rewrite": rewrite}}]);
        assert_eq!(hash(&config, "/a/foo", &[]), Some(0x33BF_00A8_59C4_BA3F));
    }

    #[test]
    fn policies_combine_until_a_terminal_one() {
        let x = xxhash64(b"1");
        let both = json!([{"header": {"header_name": "x"}}, {"query_parameter": {"name": "q"}}]);
        assert_eq!(hash(&both, "/?q=2", &[("x", "1")]), Some(x.rotate_left(1) ^ xxhash64(b"2")));
        let first = json!([{"header": {"header_name": "x"}, "terminal": true}, {"query_parameter": {"name": "q"}}]);
        assert_eq!(hash(&first, "/?q=2", &[("x", "1")]), Some(x));
        assert_eq!(hash(&first, "/?q=2", &[]), Some(xxhash64(b"2")));
    }

    #[test]
    fn a_missing_cookie_is_made_once_for_a_connection() {
        let config = json!([{"cookie": {"name": "c", "ttl": "10s", "path": "/p", "attributes": [{"name": "SameSite", "value": "Lax"}]}}]);
        let mut made = Vec::new();
        let exchange = exchange("GET", "h", "/", &[]);
        let hash = policies(&config).hash(&Input::of(&exchange), Some(&mut |cookie| made.push(cookie)));
        let value = NewCookie::value(&exchange.connection);
        assert_eq!(made, [format!("c=\"{value}\"; Max-Age=10; Path=/p; SameSite=Lax; HttpOnly")]);
        assert_eq!(hash, Some(xxhash64(value.as_bytes())));
        let without = json!([{"cookie": {"name": "c"}}]);
        assert_eq!(policies(&without).hash(&Input::of(&exchange), Some(&mut |_| {})), None);
    }
}
