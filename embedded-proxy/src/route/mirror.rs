//! Request mirroring: which requests are copied to another cluster, and what the copy looks like.

use http::{HeaderName, HeaderValue};

use super::edits::Addition;
use super::{ClusterName, domains};
use crate::http::RequestHead;
use crate::matching::StringMatcher;
use crate::proto::{Fraction, Reader};
use crate::stream::Exchange;
use crate::telemetry::format::FormatContext;

/// One change of a copy's fields.
#[derive(Debug, Clone)]
enum Mutation {
    Remove(HeaderName),
    RemoveMatching(StringMatcher),
    Add(Addition),
}

/// `RequestMirrorPolicy`.
#[derive(Debug, Clone)]
pub struct Mirror {
    /// Cluster that gets the copies.
    pub cluster: ClusterName,
    /// Share of the requests; none is all.
    pub fraction: Option<Fraction>,
    /// Whether copies are traced; none: as the request is.
    pub trace_sampled: Option<bool>,
    keep_host: bool,
    host: Option<String>,
    mutations: Vec<Mutation>,
}

impl Mirror {
    /// Reads the field `request_mirror_policies` of a message.
    pub fn read_all(reader: &Reader<'_>) -> Option<Vec<Self>> {
        let all: Vec<_> = reader.list("request_mirror_policies").iter().map(Self::read).collect();
        all.into_iter().collect()
    }

    fn read(reader: &Reader<'_>) -> Option<Self> {
        let fixed = reader.opt_text("cluster");
        let header = reader.has("cluster_header");
        let cluster = match (fixed, header) {
            (Some(name), false) => ClusterName::Fixed(name.into()),
            (None, true) => ClusterName::Header(super::need_field(reader, "cluster_header")?),
            _ => {
                reader.defect("", "needs either cluster or cluster_header");
                return None;
            }
        };
        let fraction = reader.message("runtime_fraction").map(|fraction| {
            fraction.ignore(&["runtime_key"]); // There are no runtime overrides: the default always counts.
            fraction.fraction("default_value").unwrap_or(Fraction { numerator: 0, denominator: 100 })
        });
        let mutations: Vec<_> = reader.list("request_headers_mutations").iter().map(Mutation::read).collect();
        Some(Self {
            cluster,
            fraction,
            trace_sampled: reader.opt_flag("trace_sampled"),
            keep_host: reader.flag("disable_shadow_host_suffix_append"),
            host: reader.opt_text("host_rewrite_literal"),
            mutations: mutations.into_iter().collect::<Option<_>>()?,
        })
    }

    /// Whether this request is copied.
    pub fn hits(&self, random: u64) -> bool {
        self.fraction.is_none_or(|fraction| fraction.hits(random))
    }

    /// The head of the copy, from the head that goes upstream.
    pub fn head(&self, exchange: &Exchange) -> RequestHead {
        let mut head = exchange.request.head.clone();
        for mutation in &self.mutations {
            mutation.apply(&mut head, &FormatContext::of(exchange));
        }
        head.headers.set(super::names::INTERNAL, HeaderValue::from_static("true"));
        match &self.host {
            Some(host) => head.authority.clone_from(host),
            None if self.keep_host => {}
            None => head.authority = shadow_host(&head.authority),
        }
        head
    }
}

/// `host-shadow`, before a port if there is one.
fn shadow_host(host: &str) -> String {
    let (name, port) = host.split_at(domains::port_start(host).unwrap_or(host.len()));
    format!("{name}-shadow{port}")
}

impl Mutation {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        match reader.choice("action").as_deref() {
            Some("remove") => Some(Self::Remove(super::need_name(reader, "remove")?)),
            Some("append") => Some(Self::Add(Addition::read(&reader.message("append")?)?)),
            Some("remove_on_match") => {
                let matcher = reader.message("remove_on_match")?.need("key_matcher")?;
                Some(Self::RemoveMatching(StringMatcher::read(&matcher)?))
            }
            _ => {
                reader.defect("", "says no mutation");
                None
            }
        }
    }

    fn apply(&self, head: &mut RequestHead, context: &FormatContext<'_>) {
        match self {
            Self::Remove(name) => {
                head.headers.remove(name);
            }
            Self::RemoveMatching(matcher) => {
                head.headers.retain(|name, _: &HeaderValue| !matcher.matches(name.as_str()));
            }
            Self::Add(addition) => addition.apply(&mut head.headers, context),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{exchange, read};
    use super::*;

    fn mirror(mut config: Value) -> RequestHead {
        config["cluster"] = json!("m");
        let action = json!({"cluster": "c", "request_mirror_policies": [config]});
        let mirrors = read("envoy.config.route.v3.RouteAction", &action, |reader| {
            reader.ignore(&["cluster"]);
            Mirror::read_all(reader)
        });
        mirrors.unwrap()[0].head(&exchange("GET", "h:81", "/", &[("x-a", "1"), ("y", "2")]))
    }

    #[test]
    fn the_host_of_a_copy_says_so() {
        assert_eq!(mirror(json!({})).authority, "h-shadow:81");
        assert_eq!(mirror(json!({"disable_shadow_host_suffix_append": true})).authority, "h:81");
        assert_eq!(mirror(json!({"host_rewrite_literal": "o"})).authority, "o");
    }

    #[test]
    fn fields_of_a_copy_can_be_changed() {
        let head = mirror(json!({"request_headers_mutations": [
            {"remove_on_match": {"key_matcher": {"prefix": "x-"}}},
            {"append": {"header": {"key": "y", "value": "3"}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}},
            {"remove": "z"}]}));
        assert_eq!(head.headers.len(), 2, "y, and that the proxy itself asks");
        assert_eq!(head.headers.text(&HeaderName::from_static("y")), Some("3"));
    }
}
