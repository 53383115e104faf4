//! Full names of hosts.

use std::borrow::Cow;

/// The full name of a host as an object in `namespace` means it: a name without dots is a Service of that namespace.
pub fn full_name<'h>(host: &'h str, namespace: &str, domain: &str) -> Cow<'h, str> {
    if host.contains('.') || host.starts_with('*') || host.parse::<std::net::IpAddr>().is_ok() {
        return Cow::Borrowed(host.strip_suffix('.').unwrap_or(host));
    }
    Cow::Owned(format!("{host}.{namespace}.svc.{domain}"))
}
