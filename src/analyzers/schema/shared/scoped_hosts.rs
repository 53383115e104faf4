//! Hosts with a namespace in front, `namespace/host`, as Gateways and the egress lists of Sidecars have them.

use super::Verdict;
use super::names::{is_dns_label, is_ip, wildcard_host};

/// A host of a Gateway server: a full name, a wildcard or an IP address; a namespace, `.` or `*` in front is optional.
pub fn gateway_host(text: &str) -> Verdict {
    let Some((namespace, host)) = text.split_once('/') else { return full_host(text, true) };
    if !(namespace == "*" || namespace == "." || is_dns_label(namespace)) {
        return Err(format!(
            "{namespace:?} in the host {text:?} is no namespace: use a name, `.` (the own one) or `*`"
        ));
    }
    full_host(host, true)
}

/// A host of a Sidecar: a namespace, `.`, `*` or `~` (none), a slash, and a full name or wildcard.
pub fn sidecar_host(text: &str) -> Verdict {
    let Some((namespace, host)) = text.split_once('/') else {
        return Err(format!("the host {text:?} must have its namespace in front: `./{text}` means the own one"));
    };
    let name = namespace.strip_prefix('~').unwrap_or(namespace);
    let fits = if namespace.is_empty() { false } else { matches!(name, "" | "*" | ".") || is_dns_label(name) };
    if !fits {
        return Err(format!(
            "{namespace:?} in the host {text:?} is no namespace: use a name, `.` (the own one), `*` or `~` (none)"
        ));
    }
    full_host(host, false)
}

/// A name with a dot, or a whole-label wildcard.
fn full_host(host: &str, ip_allowed: bool) -> Verdict {
    if host == "*" || (ip_allowed && is_ip(host)) {
        return Ok(());
    }
    wildcard_host(host)?;
    if !host.contains('.') {
        return Err(format!(
            "{host:?} is a short name: write the full one, such as `{host}.default.svc.cluster.local`"
        ));
    }
    if host.starts_with('*') && !host.starts_with("*.") {
        return Err(format!(
            "{host:?} has a wildcard for a part of a label: only `*` or `*.` and a domain are possible"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_38_gateway_hosts() {
        for fine in ["*", "*.example.com", "example.com", "prod/*.example.com", "./*", "*/example.com", "10.0.0.1"] {
            assert_eq!(gateway_host(fine), Ok(()), "{fine}");
        }
        for bad in ["", "reviews", "prod/", "/example.com", "a b/example.com", "*foo.com", "~/example.com"] {
            assert!(gateway_host(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rule_52_sidecar_hosts() {
        for fine in ["./*", "*/*", "~/*", "prod/api.example.com", "istio-system/*", "~prod/*"] {
            assert_eq!(sidecar_host(fine), Ok(()), "{fine}");
        }
        for bad in ["", "*", "reviews", "./reviews", "/x.com", "10.0.0.1", "./10.0.0.1"] {
            assert!(sidecar_host(bad).is_err(), "{bad}");
        }
    }
}
