//! `/logging`: levels of the proxy's own log, by component, while it runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Call, Page};
use crate::telemetry::log;

/// Levels by name in Envoy's words, and in those of the log.
const LEVELS: &[(&str, &str)] = &[
    ("trace", "trace"),
    ("debug", "debug"),
    ("info", "info"),
    ("warning", "warn"),
    ("warn", "warn"),
    ("error", "error"),
    ("critical", "error"),
    ("off", "off"),
];

/// Components under Envoy's names, and the modules that they stand for.
const COMPONENTS: &[(&str, &[&str])] = &[
    ("admin", &["embedded_proxy::admin"]),
    ("config", &["embedded_proxy::bootstrap", "embedded_proxy::xds", "embedded_proxy::proto"]),
    ("conn_handler", &["embedded_proxy::listener"]),
    ("connection", &["embedded_proxy::net", "embedded_proxy::tls"]),
    ("dns", &["embedded_proxy::cluster::discovery::dns"]),
    ("file", &["embedded_proxy::telemetry::access_log"]),
    ("filter", &["embedded_proxy::filters"]),
    ("grpc", &["embedded_proxy::grpc"]),
    ("hc", &["embedded_proxy::cluster::health"]),
    ("http", &["embedded_proxy::hcm", "embedded_proxy::http::h1"]),
    ("http2", &["embedded_proxy::http::h2"]),
    ("main", &["embedded_proxy::server"]),
    ("pool", &["embedded_proxy::cluster::pool"]),
    ("rbac", &["embedded_proxy::rbac"]),
    ("router", &["embedded_proxy::route", "embedded_proxy::filters::http::router"]),
    ("secret", &["embedded_proxy::identity", "embedded_proxy::tls::secret"]),
    ("stats", &["embedded_proxy::telemetry::stats"]),
    ("tracing", &["embedded_proxy::telemetry::trace"]),
    ("upstream", &["embedded_proxy::cluster"]),
];

/// Shows levels, or changes them: `level=L`, `paths=a:L,b:L`, `COMPONENT=L`.
pub(super) fn answer(call: &Call) -> Page {
    match call.query.iter().next() {
        None => Page::text(200, shown(&log::level())),
        Some((name, value)) => match change(name, value, &log::level()).and_then(|filter| {
            log::set(&filter)?;
            Ok(filter)
        }) {
            Ok(filter) => Page::text(200, shown(&filter)),
            Err(error) => Page::text(400, format!("error: {error}\n\n{USAGE}{}", shown(&log::level()))),
        },
    }
}

const USAGE: &str = "usage: /logging?<name>=<level> (change single level)\n\
    usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n\
    usage: /logging?level=<level> (change all levels)\n\
    levels: trace debug info warning error critical off \n";

/// The level of the program as a whole, in Envoy's words.
pub(super) fn level() -> String {
    let filter = log::level();
    envoy_word(general(&filter)).to_string()
}

/// The filter that a request makes of the one that is in force.
fn change(name: &str, value: &str, filter: &str) -> Result<String, String> {
    let level = |word: &str| {
        let level = LEVELS.iter().find(|(envoy, _)| *envoy == word).map(|(_, own)| *own);
        level.ok_or_else(|| "unknown logger level".to_string())
    };
    match name {
        "level" => Ok(level(value)?.to_string()),
        "paths" => {
            let pairs = value.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
                let (name, word) = pair.rsplit_once(':').ok_or("a path is NAME:LEVEL")?;
                Ok((name, level(word)?))
            });
            with(filter, &pairs.collect::<Result<Vec<_>, String>>()?)
        }
        name => with(filter, &[(name, level(value)?)]),
    }
}

/// The filter with some components changed.
fn with(filter: &str, changes: &[(&str, &str)]) -> Result<String, String> {
    let mut own = modules(filter);
    for (name, level) in changes {
        let Some((_, targets)) = COMPONENTS.iter().find(|(known, _)| known == name) else {
            return Err("unknown logger name".into());
        };
        for target in *targets {
            own.insert((*target).to_string(), (*level).to_string());
        }
    }
    let modules = own.iter().map(|(module, level)| format!(",{module}={level}"));
    Ok(format!("{}{}", general(filter), modules.collect::<String>()))
}

/// The directive without a module.
fn general(filter: &str) -> &str {
    let mut directives = filter.split(',').filter(|directive| !directive.contains('='));
    directives.next().filter(|directive| !directive.is_empty()).unwrap_or("off")
}

fn modules(filter: &str) -> BTreeMap<String, String> {
    let pairs = filter.split(',').filter_map(|directive| directive.split_once('='));
    pairs.map(|(module, level)| (module.to_string(), level.to_string())).collect()
}

fn envoy_word(own: &str) -> &str {
    LEVELS.iter().find(|(_, word)| *word == own).map_or("off", |(envoy, _)| envoy)
}

/// Components with their levels, under a filter.
fn shown(filter: &str) -> String {
    let own = modules(filter);
    let mut out = "active loggers:\n".to_string();
    for (name, targets) in COMPONENTS {
        // The longest module that the component lies in says.
        let level = targets.first().and_then(|target| {
            let inside = own.iter().filter(|(module, _)| target.starts_with(module.as_str()));
            inside.max_by_key(|(module, _)| module.len()).map(|(_, level)| level.as_str())
        });
        let _ = writeln!(out, "  {name}: {}", envoy_word(level.unwrap_or_else(|| general(filter))));
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_change_one_by_one_and_all_at_once() {
        let one = change("upstream", "trace", "info").unwrap();
        assert_eq!(one, "info,embedded_proxy::cluster=trace");
        assert!(shown(&one).contains("  upstream: trace\n") && shown(&one).contains("  admin: info\n"));
        assert!(shown(&one).contains("  pool: trace\n"), "what lies inside goes along");
        let two = change("paths", "http2:debug,upstream:warning", &one).unwrap();
        assert_eq!(two, "info,embedded_proxy::cluster=warn,embedded_proxy::http::h2=debug");
        assert_eq!(change("level", "critical", &two).unwrap(), "error");
    }

    #[test]
    fn unknown_names_and_levels_are_errors() {
        assert_eq!(change("level", "loud", "info").unwrap_err(), "unknown logger level");
        assert_eq!(change("nope", "info", "info").unwrap_err(), "unknown logger name");
        assert!(change("paths", "http", "info").is_err());
    }
}
