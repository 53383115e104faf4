//! `to` of a rule (rules 60, 62 and 63): ports and path templates.

use super::no_empty_value;
use crate::analyzers::schema::shared::{Report, Verdict};
use crate::dialects::istio::types::{AuthorizationOperation, RuleTo};
use crate::schema::{List, Text};

fn lists(operation: &AuthorizationOperation) -> [(&'static str, &List<Text>); 8] {
    [
        ("hosts", &operation.hosts),
        ("notHosts", &operation.not_hosts),
        ("ports", &operation.ports),
        ("notPorts", &operation.not_ports),
        ("methods", &operation.methods),
        ("notMethods", &operation.not_methods),
        ("paths", &operation.paths),
        ("notPaths", &operation.not_paths),
    ]
}

/// Reports everything wrong with one operation.
pub fn check(report: &mut Report<'_>, to: &RuleTo) {
    let Some(operation) = &to.operation else {
        report.error(to.place.span(), "an item of `to` needs an `operation`");
        return;
    };
    if lists(operation).iter().all(|(_, list)| !list.is_set()) {
        report
            .error(operation.place.entry(), "`operation` must not be empty")
            .help("name methods, paths, hosts or ports; leave out `to` to match every operation");
    }
    for (name, list) in lists(operation) {
        no_empty_value(report, list, name);
    }
    for list in [&operation.ports, &operation.not_ports] {
        report.each(list.iter().filter(|port| !port.is_empty()), port);
    }
    for list in [&operation.paths, &operation.not_paths] {
        report.each(list, path);
    }
}

/// A port as text: digits, without a wildcard.
pub fn port(text: &str) -> Verdict {
    match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(()),
        _ => Err(format!("{text:?} is no port from 1 to 65535")),
    }
}

/// Rule 63: a path with braces is a template of `{*}` (one segment) and at the end `{**}` (any rest); its other segments
/// are literals. A path without braces is compared as it is, with `*` at one end.
fn path(text: &str) -> Verdict {
    if !text.contains(['{', '}']) {
        return Ok(());
    }
    if !text.contains("{*}") && !text.contains("{**}") {
        return Err(format!("{text:?} holds braces and is no template: only {{*}} and {{**}} stand in braces"));
    }
    let mut rest_seen = false;
    for segment in text.split('/') {
        match segment {
            "{**}" if rest_seen => return Err(format!("{text:?} holds more than one {{**}}")),
            "{**}" => rest_seen = true,
            "{*}" if rest_seen => return Err(format!("{text:?}: {{**}} must be the last operator")),
            "{*}" => {}
            literal if literal.contains(['{', '}']) => {
                return Err(format!(
                    "{text:?}: {{*}} and {{**}} stand for whole segments, and nothing else is in braces"
                ));
            }
            literal if literal.contains('*') => {
                return Err(format!("{text:?}: a template takes no plain `*`, write {{*}}"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_63_path_templates() {
        for fine in ["/a", "/a/*", "*", "/a/{*}", "/a/{*}/b/{**}", "/{**}/end", "/{*}/{*}"] {
            assert_eq!(path(fine), Ok(()), "{fine}");
        }
        for bad in ["/a/{id}", "/{**}/{*}", "/{**}/{**}", "/a{*}", "/a/{*}b", "/{*}/*", "/{***}", "/a/}", "/{*}/{x}"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn rule_62_ports_are_numbers() {
        assert!(port("8080").is_ok());
        for bad in ["0", "http", "80*", "65536", "-1", ""] {
            assert!(port(bad).is_err(), "{bad}");
        }
    }
}
