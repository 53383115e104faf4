//! The keys of `when`.

use super::authz_value::{self as value, Parse};
use crate::ir::{Attribute, Name};

/// The attribute of a key, and how its values read. Nothing for a key that is none.
pub fn attribute(key: &str) -> Option<(Attribute, Parse)> {
    Some(match key {
        "source.ip" => (Attribute::SourceIp, value::network),
        "remote.ip" => (Attribute::RemoteIp, value::network),
        "source.namespace" => (Attribute::Namespace, value::text),
        "source.principal" => (Attribute::Principal, value::text),
        "source.serviceAccount" => (Attribute::ServiceAccount, value::text),
        "source.trustDomain" => (Attribute::TrustDomain, value::text),
        "request.auth.principal" => (Attribute::RequestPrincipal, value::text),
        "request.auth.audiences" => (Attribute::Audience, value::text),
        "request.auth.presenter" => (Attribute::Presenter, value::text),
        "destination.ip" => (Attribute::DestinationIp, value::network),
        "destination.port" => (Attribute::DestinationPort, value::port),
        "connection.sni" => (Attribute::ServerName, value::text),
        _ => return with_names(key),
    })
}

/// Keys with names in brackets.
fn with_names(key: &str) -> Option<(Attribute, Parse)> {
    let (root, rest) = key.split_at(key.find('[')?);
    let inner = rest.strip_prefix('[')?.strip_suffix(']')?;
    let names: Vec<Name> = inner.split("][").map(Name::from).collect();
    if names.iter().any(|name| name.is_empty() || name.contains(['[', ']'])) {
        return None;
    }
    let attribute = match root {
        "request.headers" if names.len() == 1 => Attribute::Header(names[0].to_ascii_lowercase().into()),
        "request.auth.claims" => Attribute::Claim(names),
        _ => {
            let filter = root.strip_prefix("experimental.").filter(|filter| filter.starts_with("envoy.filters."))?;
            Attribute::FilterMetadata(filter.into(), names)
        }
    };
    let parse: Parse = if matches!(attribute, Attribute::FilterMetadata(..)) { listed } else { value::text };
    Some((attribute, parse))
}

/// Values of filters may be written `[value]`: one of a list.
fn listed(text: &str) -> Option<crate::ir::ValueMatch> {
    let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    value::text(inner.unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_attributes() {
        let of = |key| attribute(key).map(|(attribute, _)| attribute);
        assert_eq!(of("request.headers[X-Version]"), Some(Attribute::Header("x-version".into())));
        assert_eq!(of("request.auth.claims[a][b.c]"), Some(Attribute::Claim(vec!["a".into(), "b.c".into()])));
        let filter = Attribute::FilterMetadata("envoy.filters.network.mysql_proxy".into(), vec!["db.t".into()]);
        assert_eq!(of("experimental.envoy.filters.network.mysql_proxy[db.t]"), Some(filter));
        assert_eq!(of("remote.ip"), Some(Attribute::RemoteIp));
        for key in
            ["request.headers", "request.headers[]", "request.headers[a", "request.headers[a][b]", "x[y]", "", "["]
        {
            assert_eq!(of(key), None, "{key}");
        }
    }
}
