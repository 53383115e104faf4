//! The values of access rules: texts with a `*` at one end, networks, ports, path templates.

use crate::ir::{TextMatch, TextTest, ValueMatch};

/// Reads one value; nothing when it is none.
pub type Parse = fn(&str) -> Option<ValueMatch>;

/// A text: `*` for any, `*x` for its end, `x*` for its beginning.
pub fn text(value: &str) -> Option<ValueMatch> {
    Some(ValueMatch::Text(TextMatch::of(test(value)?)))
}

/// The same without regard to case.
pub fn text_of_any_case(value: &str) -> Option<ValueMatch> {
    Some(ValueMatch::Text(TextMatch { test: test(value)?, ignore_case: true }))
}

fn test(value: &str) -> Option<TextTest> {
    Some(match value {
        "" => return None,
        "*" => TextTest::Present,
        _ => match (value.strip_prefix('*'), value.strip_suffix('*')) {
            (Some(end), _) => TextTest::Suffix(end.into()),
            (None, Some(start)) => TextTest::Prefix(start.into()),
            (None, None) => TextTest::Exact(value.into()),
        },
    })
}

/// A path: a template when it has `{*}` or `{**}`, a text otherwise.
pub fn path(value: &str) -> Option<ValueMatch> {
    if !value.contains("{*}") && !value.contains("{**}") {
        return text(value);
    }
    is_template(value).then(|| ValueMatch::Template(value.into()))
}

/// Segments are `{*}`, `{**}` or plain; after `{**}` only plain ones may follow.
fn is_template(value: &str) -> bool {
    let Some(rest) = value.strip_prefix('/') else { return false };
    let mut any_depth = false;
    rest.split('/').all(|segment| match segment {
        "{*}" => !any_depth,
        "{**}" => !std::mem::replace(&mut any_depth, true),
        plain => !plain.contains(['{', '}', '*']),
    })
}

/// An address or a network.
pub fn network(value: &str) -> Option<ValueMatch> {
    let net = value.parse().or_else(|_| value.parse::<std::net::IpAddr>().map(Into::into));
    net.ok().map(|net: ipnet::IpNet| ValueMatch::Network(net.trunc()))
}

/// A port.
pub fn port(value: &str) -> Option<ValueMatch> {
    value.parse().ok().filter(|port| *port > 0).map(ValueMatch::Port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_a_wildcard_at_one_end() {
        let of = |value| match text(value) {
            Some(ValueMatch::Text(text)) => Some(text.test),
            _ => None,
        };
        assert_eq!(of("*"), Some(TextTest::Present));
        assert_eq!(of("*/sa/x"), Some(TextTest::Suffix("/sa/x".into())));
        assert_eq!(of("a*"), Some(TextTest::Prefix("a".into())));
        assert_eq!((of("a*b"), of("")), (Some(TextTest::Exact("a*b".into())), None));
    }

    #[test]
    fn templates_networks_and_ports_are_checked() {
        assert_eq!(path("/a/{*}/b/{**}"), Some(ValueMatch::Template("/a/{*}/b/{**}".into())));
        assert_eq!((path("/a/{**}/{*}"), path("/a{*}"), path("/{**}/{**}"), path("a/{*}")), (None, None, None, None));
        assert!(path("/plain*").is_some());
        assert_eq!(network("10.0.0.7"), Some(ValueMatch::Network("10.0.0.7/32".parse().unwrap())));
        assert_eq!(network("10.0.0.7/8"), Some(ValueMatch::Network("10.0.0.0/8".parse().unwrap())));
        assert_eq!((network("10.0.0"), network("::1/129")), (None, None));
        assert_eq!(
            (port("80"), port("0"), port("65536"), port("http")),
            (Some(ValueMatch::Port(80)), None, None, None)
        );
    }
}
