//! Which names a peer's certificate must hold: `SubjectAltNameMatcher`, and the rules of SPIFFE.

use super::facts::{CertificateFacts, Name};
use crate::matching::{StringMatcher, TextPattern};
use crate::proto::Reader;

/// Kinds of alternative names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Email,
    Dns,
    Uri,
    Ip,
}

/// A matcher of alternative names of one kind.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NameMatcher {
    kind: Kind,
    matcher: StringMatcher,
}

impl NameMatcher {
    /// Reads `match_typed_subject_alt_names` and `match_subject_alt_names` of a validation context. None: a defect was
    /// noted.
    pub fn read_all(reader: &Reader<'_>) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        for typed in reader.list("match_typed_subject_alt_names") {
            let kind = match typed.word("san_type").as_str() {
                "EMAIL" => Kind::Email,
                "DNS" => Kind::Dns,
                "URI" => Kind::Uri,
                "IP_ADDRESS" => Kind::Ip,
                other => {
                    typed.defect("san_type", format!("the proxy does not match names of the kind {other}"));
                    return None;
                }
            };
            all.push(Self { kind, matcher: StringMatcher::read(&typed.need("matcher")?)? });
        }
        for untyped in reader.list("match_subject_alt_names") {
            let matcher = StringMatcher::read(&untyped)?;
            all.extend(
                [Kind::Email, Kind::Dns, Kind::Uri, Kind::Ip].map(|kind| Self { kind, matcher: matcher.clone() }),
            );
        }
        Some(all)
    }

    /// Whether a name satisfies it.
    pub fn matches(&self, name: &Name) -> bool {
        match (self.kind, name) {
            // An exact DNS name is met by a wildcard of the certificate.
            (Kind::Dns, Name::Dns(dns)) => match self.matcher.pattern() {
                TextPattern::Exact(wanted) => dns_matches(dns, wanted),
                _ => self.matcher.matches(dns),
            },
            (Kind::Uri, Name::Uri(uri)) => self.matcher.matches(uri),
            (Kind::Email, Name::Email(email)) => self.matcher.matches(email),
            (Kind::Ip, Name::Ip(ip)) => self.matcher.matches(ip.to_string()),
            _ => false,
        }
    }
}

/// Whether a DNS name of a certificate stands for `wanted`: the same without regard to case, or a wildcard for its first
/// label.
pub(super) fn dns_matches(certified: &str, wanted: &str) -> bool {
    if certified.eq_ignore_ascii_case(wanted) {
        return true;
    }
    let Some(parent) = certified.strip_prefix("*.") else { return false };
    let rest = wanted.split_once('.').filter(|(first, _)| !first.is_empty()).map(|(_, rest)| rest);
    parent.contains('.') && rest.is_some_and(|rest| rest.eq_ignore_ascii_case(parent))
}

/// Whether a certificate holds a host name or an address.
pub(super) fn holds(facts: &CertificateFacts, wanted: &str) -> bool {
    let ip = wanted.parse().ok();
    facts.names.iter().any(|name| match name {
        Name::Dns(dns) => dns_matches(dns, wanted),
        Name::Ip(address) => Some(*address) == ip,
        _ => false,
    })
}

/// A certificate with a SPIFFE id must be an X.509 SVID: one URI name, with a trust domain, and no authority. Others do
/// not claim to be one, and only matchers decide about them.
pub(super) fn check_spiffe(facts: &CertificateFacts) -> Result<(), &'static str> {
    let is_spiffe = |uri: &str| uri.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("spiffe:"));
    if !facts.uris().any(is_spiffe) {
        return Ok(());
    }
    if facts.uris().count() != 1 {
        return Err("a certificate with a SPIFFE id must hold one URI name only");
    }
    if facts.is_ca {
        return Err("a certificate with a SPIFFE id must not be an authority");
    }
    let id = facts.uris().next().unwrap_or_default();
    if is_id(id) { Ok(()) } else { Err("the SPIFFE id is malformed") }
}

/// `spiffe://TRUST_DOMAIN/PATH` as the SPIFFE standard has it: a lower case trust domain without port or user, path
/// segments of letters, digits, `.`, `-` and `_`, none empty or relative.
pub(crate) fn is_id(id: &str) -> bool {
    let Some(rest) = id.strip_prefix("spiffe://").filter(|_| id.len() <= 2048) else { return false };
    let (domain, path) = rest.split_once('/').map_or((rest, None), |(domain, path)| (domain, Some(path)));
    let domain_letter = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b".-_".contains(&letter);
    let path_letter = |letter: u8| letter.is_ascii_alphanumeric() || b".-_".contains(&letter);
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(path_letter);
    (1..=255).contains(&domain.len())
        && domain.bytes().all(domain_letter)
        && path.is_none_or(|path| path.split('/').all(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(names: Vec<Name>, is_ca: bool) -> CertificateFacts {
        let empty = String::new;
        CertificateFacts {
            names,
            subject: empty(),
            issuer: empty(),
            serial: empty(),
            valid: (0, 0),
            is_ca,
            common_name: None,
        }
    }

    #[test]
    fn wildcards_stand_for_one_label() {
        assert!(dns_matches("A.example.com", "a.EXAMPLE.com") && dns_matches("*.example.com", "a.example.com"));
        for (certified, wanted) in [
            ("*.example.com", "a.b.example.com"),
            ("*.example.com", "example.com"),
            ("*.com", "a.com"),
            ("*.example.com", ".example.com"),
            ("a*.example.com", "ab.example.com"),
        ] {
            assert!(!dns_matches(certified, wanted), "{certified} {wanted}");
        }
    }

    #[test]
    fn spiffe_ids_are_strict() {
        for good in ["spiffe://td", "spiffe://cluster.local/ns/default/sa/a-b_c.D", "spiffe://1.2/x"] {
            assert!(is_id(good), "{good}");
        }
        let bad = [
            "spiffe://",
            "spiffe:///ns/a",
            "spiffe://TD/a",
            "spiffe://td:1/a",
            "spiffe://u@td/a",
            "spiffe://td/",
            "spiffe://td//a",
            "spiffe://td/../a",
            "spiffe://td/a%20",
            "spiffe://td/a?b",
            "spiffe://td/a#b",
            "SPIFFE://td/a",
            "https://td/a",
        ];
        for bad in bad {
            assert!(!is_id(bad), "{bad}");
        }
    }

    #[test]
    fn an_svid_has_one_uri_and_is_no_authority() {
        let uri = |uri: &str| Name::Uri(uri.into());
        assert!(check_spiffe(&facts(vec![uri("spiffe://td/a"), Name::Dns("a".into())], false)).is_ok());
        assert!(check_spiffe(&facts(vec![uri("https://a"), uri("https://b")], true)).is_ok(), "no SPIFFE id at all");
        for (names, is_ca) in [
            (vec![uri("spiffe://td/a"), uri("spiffe://td/b")], false),
            (vec![uri("https://a"), uri("spiffe://td/b")], false),
            (vec![uri("spiffe://td/a")], true),
            (vec![uri("Spiffe://td/a")], false),
        ] {
            assert!(check_spiffe(&facts(names.clone(), is_ca)).is_err(), "{names:?}");
        }
    }
}
