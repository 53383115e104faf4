//! DNS names, wildcard hosts, addresses and subnets, by the rules of Istio's validation (rule 2 and its users).

use std::net::IpAddr;

use super::Verdict;

/// Longest DNS label.
const LABEL_MAX: usize = 63;
/// Longest DNS name.
const NAME_MAX: usize = 255;

/// True for a DNS label: letters, digits and inner `-`, 1 to 63 characters. Istio allows capital letters.
pub fn is_dns_label(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric();
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    bytes.len() <= LABEL_MAX && word(*first) && word(*last) && bytes.iter().all(|b| word(*b) || *b == b'-')
}

/// A DNS label, named `what` in the message: `the subset`.
pub fn dns_label(what: &str, text: &str) -> Verdict {
    if is_dns_label(text) {
        return Ok(());
    }
    Err(format!("{what} {text:?} is no DNS label (letters, digits and `-` inside, at most {LABEL_MAX} characters)"))
}

/// A DNS name without wildcards; a dot at the end is allowed.
pub fn fqdn(name: &str) -> Verdict {
    length(name)?;
    labels(name, name)
}

/// A DNS name whose first label may be `*` or begin with `*`/`*-`, as hosts of VirtualServices are.
pub fn wildcard_host(name: &str) -> Verdict {
    length(name)?;
    if name == "*" {
        return Ok(());
    }
    match name.split_once('.') {
        Some((first, rest)) if is_wildcard_label(first) => labels(name, rest),
        None if is_wildcard_label(name) => Ok(()),
        _ => labels(name, name),
    }
}

/// As [`wildcard_host`], for VirtualServices on gateways: with SNI routes also names such as
/// `outbound_.80_.v1_.reviews.default.svc.cluster.local`, which Istio makes itself.
pub fn wildcard_host_on_gateway(sni: bool, name: &str) -> Verdict {
    if sni && let Some(rest) = name.strip_prefix("outbound_.") {
        let parts: Vec<&str> = rest.split("_.").collect();
        if let [port, subset, host] = parts[..] {
            if port.parse::<u16>().is_err() {
                return Err(format!("the port {port:?} in the server name {name:?} is no number"));
            }
            if !subset.is_empty() {
                dns_label("the subset", subset)?;
            }
            return wildcard_host(host);
        }
    }
    wildcard_host(name)
}

/// True for a first label with a wildcard: `*`, `*-suffix` or `*suffix`.
fn is_wildcard_label(label: &str) -> bool {
    match label.strip_prefix('*') {
        Some("") => true,
        Some(rest) => is_dns_label(rest.strip_prefix('-').unwrap_or(rest)),
        None => false,
    }
}

fn length(name: &str) -> Verdict {
    match name.len() {
        0 => Err("a host name must not be empty".to_owned()),
        n if n > NAME_MAX => Err(format!("the host name has {n} characters, a DNS name has at most {NAME_MAX}")),
        _ => Ok(()),
    }
}

/// Checks the labels of `part`, the wildcard-free part of `name`.
fn labels(name: &str, part: &str) -> Verdict {
    let part = part.strip_suffix('.').unwrap_or(part);
    for label in part.split('.') {
        if label.contains('*') {
            return Err(format!("{name:?} is no host name: `*` may only stand at its beginning"));
        }
        if !is_dns_label(label) {
            return Err(format!(
                "{name:?} is no DNS name: the label {label:?} must have 1 to {LABEL_MAX} letters, digits or inner `-`"
            ));
        }
    }
    let top = part.rsplit('.').next().unwrap_or_default();
    if part.contains('.') && top.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("{name:?} is no DNS name: its last label must not be a number"));
    }
    Ok(())
}

/// True for an IPv4 or IPv6 address.
pub fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// An IPv4 or IPv6 address.
pub fn ip(text: &str) -> Verdict {
    if is_ip(text) { Ok(()) } else { Err(format!("{text:?} is no IP address")) }
}

/// An address or a CIDR block.
pub fn subnet(text: &str) -> Verdict {
    if text.contains('/') {
        return text.parse::<ipnet::IpNet>().map(|_| ()).map_err(|_| format!("{text:?} is no CIDR block"));
    }
    ip(text)
}

/// A DNS name or an IP address.
pub fn fqdn_or_ip(text: &str) -> Verdict {
    if is_ip(text) {
        return Ok(());
    }
    fqdn(text).map_err(|_| format!("{text:?} is neither a DNS name nor an IP address"))
}

/// What follows `unix://`: an absolute path of a file, or an abstract socket `@name`.
pub fn unix_path(path: &str) -> Verdict {
    if path.starts_with('@') || (path.starts_with('/') && !path.ends_with('/')) {
        return Ok(());
    }
    Err(format!("{path:?} is no absolute path of a socket file"))
}

/// True when every host that `inner` stands for is also one that `outer` stands for (both may have wildcards).
pub fn is_within(inner: &str, outer: &str) -> bool {
    match (inner.strip_prefix('*'), outer.strip_prefix('*')) {
        (_, Some("")) => true,
        (None, None) => inner.eq_ignore_ascii_case(outer),
        (Some(_), None) => false,
        (inner_tail, Some(tail)) => ends_with(inner_tail.unwrap_or(inner), tail),
    }
}

/// True when some host is one that both stand for (both may have wildcards).
pub fn overlap(a: &str, b: &str) -> bool {
    is_within(a, b) || is_within(b, a)
}

fn ends_with(text: &str, tail: &str) -> bool {
    text.len() >= tail.len()
        && text.is_char_boundary(text.len() - tail.len())
        && text[text.len() - tail.len()..].eq_ignore_ascii_case(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_2_dns_names() {
        for fine in ["reviews", "reviews.default.svc.cluster.local", "a-b.C", "example.com.", "1.example.com"] {
            assert_eq!(fqdn(fine), Ok(()), "{fine}");
        }
        let long_label = format!("{}.com", "a".repeat(64));
        let long_name = vec!["abcdefghi"; 26].join(".");
        for bad in ["", "a..b", "-a", "a_b.com", "*.com", "foo.123", long_label.as_str(), long_name.as_str()] {
            assert!(fqdn(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rule_2_wildcards_stand_at_the_beginning() {
        for fine in ["*", "*.example.com", "*-api.example.com", "*api.example.com", "example.com"] {
            assert_eq!(wildcard_host(fine), Ok(()), "{fine}");
        }
        for bad in ["a.*", "a.*.com", "**.com", "*.", "*.*.com", "a*.com"] {
            assert!(wildcard_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn server_names_that_istio_makes() {
        let name = "outbound_.80_.v1_.reviews.default.svc.cluster.local";
        assert_eq!(wildcard_host_on_gateway(true, name), Ok(()));
        assert!(wildcard_host_on_gateway(false, name).is_err());
        assert!(wildcard_host_on_gateway(true, "outbound_.http_._.reviews").is_err());
    }

    #[test]
    fn addresses_and_subnets() {
        for fine in ["10.0.0.1", "10.0.0.0/8", "2001:db8::/32", "::1"] {
            assert_eq!(subnet(fine), Ok(()), "{fine}");
        }
        for bad in ["10.0.0.256", "10.0.0.0/33", "10.0.0.0/8/8", "host"] {
            assert!(subnet(bad).is_err(), "{bad}");
        }
        assert!(unix_path("relative").is_err() && unix_path("/dir/").is_err() && unix_path("@abstract").is_ok());
    }

    #[test]
    fn wildcards_cover_hosts() {
        assert!(is_within("a.example.com", "*.example.com"));
        assert!(is_within("*.a.example.com", "*.example.com"));
        assert!(is_within("anything", "*"));
        assert!(!is_within("*.example.com", "a.example.com"));
        assert!(!is_within("example.com", "*.example.com"));
        assert!(overlap("*", "a.b") && overlap("a.b", "*.b") && !overlap("*.a", "*.b"));
    }
}
