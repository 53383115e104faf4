//! What is cut off the host before routing: its port, its trailing dot.

use crate::proto::Reader;

/// Which parts of a host are cut off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HostRules {
    /// Every port.
    pub any_port: bool,
    /// The port when it is the one the client connected to.
    pub matching_port: bool,
    /// A dot at the end of the name.
    pub trailing_dot: bool,
}

impl HostRules {
    /// Reads the fields of `HttpConnectionManager`.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        Self {
            any_port: reader.flag("strip_any_host_port"),
            matching_port: reader.flag("strip_matching_host_port"),
            trailing_dot: reader.flag("strip_trailing_host_dot"),
        }
    }

    /// Cuts; `port` is the one the client connected to. CONNECT keeps its port: it is the target.
    pub fn apply(&self, authority: &mut String, connect: bool, port: Option<u16>) {
        if self.trailing_dot {
            let (host, rest) = split_port(authority);
            if let Some(bare) = host.strip_suffix('.') {
                *authority = format!("{bare}{rest}");
            }
        }
        if connect || !(self.any_port || self.matching_port) {
            return;
        }
        let (host, rest) = split_port(authority);
        let cut = match rest.strip_prefix(':').and_then(|digits| digits.parse::<u16>().ok()) {
            Some(given) => self.any_port || Some(given) == port,
            None => false,
        };
        if cut {
            authority.truncate(host.len());
        }
    }
}

/// Host and `:port` (empty without one); colons within brackets belong to the address.
fn split_port(authority: &str) -> (&str, &str) {
    let after_bracket = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    match authority[after_bracket..].rfind(':') {
        Some(colon) => authority.split_at(after_bracket + colon),
        None => (authority, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_dots_are_cut_as_told() {
        let cut = |rules: HostRules, host: &str, connect| {
            let mut authority = host.to_string();
            rules.apply(&mut authority, connect, Some(8080));
            authority
        };
        let any = HostRules { any_port: true, ..HostRules::default() };
        let matching = HostRules { matching_port: true, ..HostRules::default() };
        let dot = HostRules { trailing_dot: true, ..HostRules::default() };
        assert_eq!(cut(any, "a.b:1", false), "a.b");
        assert_eq!(cut(any, "[::1]:1", false), "[::1]");
        assert_eq!(cut(any, "[::1]", false), "[::1]");
        assert_eq!(cut(any, "a:1", true), "a:1");
        assert_eq!(cut(any, "a:x", false), "a:x");
        assert_eq!(cut(matching, "a:8080", false), "a");
        assert_eq!(cut(matching, "a:80", false), "a:80");
        assert_eq!(cut(dot, "a.b.:80", false), "a.b:80");
        assert_eq!(cut(dot, "a.b.", false), "a.b");
    }
}
