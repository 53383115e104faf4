//! From a host to a virtual host: exact names first, then the longest `*suffix`, the longest `prefix*`, and `*`.

use std::borrow::Cow;
use std::collections::HashMap;

/// Wildcards of one kind: by length of their fixed part, longest first.
type Wildcards = Vec<(usize, HashMap<Box<str>, u32>)>;

/// The domains of a table.
#[derive(Debug, Default)]
pub struct Domains {
    exact: HashMap<Box<str>, u32>,
    suffixes: Wildcards,
    prefixes: Wildcards,
    any: Option<u32>,
}

impl Domains {
    /// Adds a domain of virtual host `index`. False: the domain is there already.
    pub fn add(&mut self, domain: &str, index: u32) -> bool {
        let domain = domain.to_ascii_lowercase();
        if domain == "*" {
            return self.any.replace(index).is_none();
        }
        if let Some(suffix) = domain.strip_prefix('*') {
            return add_wildcard(&mut self.suffixes, suffix, index);
        }
        match domain.strip_suffix('*') {
            Some(prefix) => add_wildcard(&mut self.prefixes, prefix, index),
            None => self.exact.insert(domain.into(), index).is_none(),
        }
    }

    /// The virtual host of a host, whatever its case. Only the caller knows whether a port counts.
    pub fn find(&self, host: &str) -> Option<u32> {
        if self.exact.is_empty() && self.suffixes.is_empty() && self.prefixes.is_empty() {
            return self.any;
        }
        let host = lower(host);
        self.exact
            .get(host.as_ref())
            .copied()
            .or_else(|| longest(&self.suffixes, &host, |length| host.get(host.len() - length..)))
            .or_else(|| longest(&self.prefixes, &host, |length| host.get(..length)))
            .or(self.any)
    }
}

fn add_wildcard(wildcards: &mut Wildcards, part: &str, index: u32) -> bool {
    let place = match wildcards.binary_search_by(|(length, _)| part.len().cmp(length)) {
        Ok(place) => place,
        Err(place) => {
            wildcards.insert(place, (part.len(), HashMap::new()));
            place
        }
    };
    wildcards[place].1.insert(part.into(), index).is_none()
}

/// The star stands for at least one character.
fn longest<'h>(wildcards: &Wildcards, host: &str, part: impl Fn(usize) -> Option<&'h str>) -> Option<u32> {
    let mut fitting = wildcards.iter().filter(|(length, _)| *length < host.len());
    fitting.find_map(|(length, parts)| parts.get(part(*length)?).copied())
}

fn lower(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) { host.to_ascii_lowercase().into() } else { host.into() }
}

/// A host without its port.
pub fn without_port(host: &str) -> &str {
    match port_start(host) {
        Some(at) => &host[..at],
        None => host,
    }
}

/// Where `:port` begins in a host, if it has one; colons of a bare IPv6 address do not count.
pub fn port_start(host: &str) -> Option<usize> {
    let at = host.rfind(':')?;
    let port = &host[at + 1..];
    let bracketed = host.starts_with('[');
    let closed = host[..at].ends_with(']');
    let single = !host[..at].contains(':');
    (!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && if bracketed { closed } else { single })
        .then_some(at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(domains: &[&str]) -> Domains {
        let mut table = Domains::default();
        for (index, domain) in (0..).zip(domains) {
            assert!(table.add(domain, index), "{domain}");
        }
        table
    }

    #[test]
    fn the_most_exact_domain_wins() {
        let table = table(&["*", "www.foo.com", "*.foo.com", "*-bar.foo.com", "www.*", "www.foo.*", "*.com"]);
        let cases = [("www.foo.com", 1), ("WWW.Foo.com", 1), ("a.foo.com", 2), ("x-bar.foo.com", 3), ("foo.com", 6)];
        for (host, index) in cases {
            assert_eq!(table.find(host), Some(index), "{host}");
        }
        assert_eq!(table.find("www.foo.org"), Some(5));
        assert_eq!(table.find("www.x.org"), Some(4));
        assert_eq!(table.find("www."), Some(0));
        assert_eq!(table.find(".com"), Some(0));
    }

    #[test]
    fn a_domain_stands_once() {
        let mut table = table(&["a", "*.a"]);
        assert!(!table.add("A", 5) && !table.add("*.a", 5));
        assert_eq!(table.find("b"), None);
    }

    #[test]
    fn ports_are_told_from_addresses() {
        assert_eq!(without_port("a:80"), "a");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("::1"), "::1");
        assert_eq!(without_port("[::1]"), "[::1]");
        assert_eq!(without_port("a:"), "a:");
    }

    /// The rule as the documentation says it, without tables.
    fn oracle(domains: &[String], host: &str) -> Option<u32> {
        let host = host.to_ascii_lowercase();
        let rank = |domain: &str| -> Option<(u8, usize)> {
            if domain == "*" {
                return Some((0, 0));
            }
            if let Some(suffix) = domain.strip_prefix('*') {
                return (host.len() > suffix.len() && host.ends_with(suffix)).then_some((2, suffix.len()));
            }
            if let Some(prefix) = domain.strip_suffix('*') {
                return (host.len() > prefix.len() && host.starts_with(prefix)).then_some((1, prefix.len()));
            }
            (host == domain).then_some((3, 0))
        };
        let ranked =
            (0..).zip(domains).filter_map(|(index, domain)| Some((rank(&domain.to_ascii_lowercase())?, index)));
        ranked.max().map(|(_, index)| index)
    }

    proptest! {
        #[test]
        fn domains_rank_as_documented(
            domains in proptest::collection::hash_set("\\*|[ab.]{1,4}|\\*[ab.]{1,3}|[ab.]{1,3}\\*", 0..8),
            host in "[abA.]{0,6}",
        ) {
            let mut domains: Vec<String> = domains.into_iter().collect();
            domains.sort();
            let mut table = Domains::default();
            for (index, domain) in (0..).zip(&domains) {
                prop_assert!(table.add(domain, index));
            }
            prop_assert_eq!(table.find(&host), oracle(&domains, &host));
        }
    }
}
