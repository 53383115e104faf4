//! Which path does what, and who may change what.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize as _;
use serde_json::Value;

use super::{certs, clusters, config_dump, info, listeners, logging, page, stats};
use crate::services::Services;

/// What the command line said, for `/server_info`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminOptions {
    /// Version of the program, `1.2.3`.
    pub version: String,
    /// Path of the bootstrap file.
    pub config_path: String,
    /// Worker threads.
    pub concurrency: u32,
    /// Drain time of listeners.
    pub drain_time: Duration,
}

impl Default for AdminOptions {
    fn default() -> Self {
        let version = env!("CARGO_PKG_VERSION").to_string();
        Self { version, config_path: String::new(), concurrency: 1, drain_time: Duration::from_mins(10) }
    }
}

/// The admin interface of one proxy.
#[derive(Debug)]
pub struct Admin {
    /// What it shows.
    pub services: Arc<Services>,
    /// What the command line said.
    pub options: AdminOptions,
}

/// A request: method, path, query parameters (decoded; the last of a name counts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query parameters.
    pub query: BTreeMap<String, String>,
}

impl Call {
    /// Takes a request target apart.
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decode = |text: &str| crate::telemetry::format::percent_decode(text);
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        };
        Self { method: method.to_string(), path: path.to_string(), query: pairs.map(pair).collect() }
    }

    /// A query parameter; none when it is absent or empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a query parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.query.contains_key(name)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Status code.
    pub status: u16,
    /// Content type.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
}

impl Page {
    /// A text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=UTF-8", body: body.into() }
    }

    /// `OK`, for what changed something.
    pub fn ok() -> Self {
        Self::text(200, "OK\n")
    }

    /// JSON, indented by one space as Envoy has it.
    pub fn json(value: &Value) -> Self {
        let mut bytes = Vec::new();
        let indent = serde_json::ser::PrettyFormatter::with_indent(b" ");
        // Writing to memory cannot fail.
        let _ = super::info::whole(value.clone())
            .serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, indent));
        bytes.push(b'\n');
        Self::compact(String::from_utf8(bytes).unwrap_or_default())
    }

    /// JSON that is already text.
    pub fn compact(body: String) -> Self {
        Self { status: 200, content_type: "application/json", body }
    }
}

/// A path.
pub(super) struct Path {
    /// The path.
    pub target: &'static str,
    /// Whether it changes something and wants POST.
    pub changes: bool,
    /// One line for `/help`.
    pub help: &'static str,
    /// Query parameters with one line each.
    pub parameters: &'static [(&'static str, &'static str)],
    answer: fn(&Admin, &Call) -> Page,
}

const fn path(path: &'static str, help: &'static str, answer: fn(&Admin, &Call) -> Page) -> Path {
    Path { target: path, changes: false, help, parameters: &[], answer }
}

const fn change(path: &'static str, help: &'static str, answer: fn(&Admin, &Call) -> Page) -> Path {
    Path { target: path, changes: true, help, parameters: &[], answer }
}

impl Path {
    const fn with(mut self, parameters: &'static [(&'static str, &'static str)]) -> Self {
        self.parameters = parameters;
        self
    }
}

/// All paths, sorted.
pub(super) const PATHS: &[Path] = &[
    path("/", "this page for browsers", |_, _| page::home()),
    change("/allocprofiler", "an allocation profile, which the proxy does not write", |_, call| info::profiler(call))
        .with(&[("enable", "y or n")]),
    path("/certs", "certificates in use and when they end", certs::answer),
    path("/clusters", "clusters, their hosts and how these do", clusters::answer).with(&[
        ("filter", "only clusters in whose name this regular expression is found"),
        ("format", "text or json"),
    ]),
    path("/config_dump", "the configuration in use", config_dump::answer).with(&[
        ("resource", "only one repeated field of the dump, one configuration an element"),
        ("mask", "only these fields, joined by commas"),
        ("name_regex", "only configurations whose whole name matches this regular expression"),
        ("include_eds", "endpoints too"),
    ]),
    path("/contention", "waiting for locks, which is not measured", |_, _| info::contention()),
    change("/cpuprofiler", "a CPU profile, which the proxy does not write", |_, call| info::profiler(call))
        .with(&[("enable", "y or n")]),
    change("/drain_listeners", "stop accepting connections", info::drain_listeners).with(&[
        ("graceful", "ask connections to end over the drain time first"),
        ("inboundonly", "only listeners of inbound traffic"),
    ]),
    change("/heapprofiler", "a heap profile, which the proxy does not write", |_, _| {
        Page::text(501, "the proxy does not write heap profiles\n")
    }),
    change("/healthcheck/fail", "let health checks fail from now on", |admin, _| info::health(admin, true)),
    change("/healthcheck/ok", "let health checks succeed again", |admin, _| info::health(admin, false)),
    path("/help", "these lines", |_, _| Page::text(200, page::help("admin commands are:\n"))),
    path("/hot_restart_version", "compatibility of hot restarts, which the proxy does not do", |_, _| {
        Page::text(200, "disabled")
    }),
    path("/init_dump", "what start-up still waits for", |admin, _| info::init_dump(admin)),
    path("/listeners", "listeners and their addresses", listeners::answer).with(&[("format", "text or json")]),
    change("/logging", "read or change what is logged", |_, call| logging::answer(call)).with(&[
        ("paths", "name:level,name:level: change the levels of some components"),
        ("level", "change the level of all components"),
    ]),
    path("/memory", "memory of the process, bytes", |_, _| info::memory()),
    change("/quitquitquit", "end the process", |admin, _| info::quit(admin)),
    path("/ready", "whether the proxy takes traffic: 200 or 503", |admin, _| info::ready(admin)),
    change("/reopen_logs", "open the files of access logs again", |admin, _| info::reopen_logs(admin)),
    change("/reset_counters", "set all counters to 0", |admin, _| info::reset_counters(admin)),
    path("/runtime", "runtime values", |admin, _| info::runtime(admin)),
    change("/runtime_modify", "change runtime values, which the proxy does not do", |_, call| {
        if call.query.is_empty() {
            return Page::text(400, "usage: /runtime_modify?key=value\n");
        }
        Page::text(503, "No admin layer specified\n")
    }),
    path("/server_info", "version, state and options of the process", |admin, _| info::server_info(admin)),
    path("/stats", "counters, gauges and histograms", stats::answer).with(stats::PARAMETERS),
    path("/stats/prometheus", "stats in the text format of Prometheus", stats::prometheus).with(stats::PARAMETERS),
    path("/stats/recentlookups", "recent lookups of stats by name, which are not counted", |_, _| {
        Page::text(200, "Lookup tracking is not enabled. Use /stats/recentlookups/enable to enable.\n")
    }),
];

impl Admin {
    /// Answers a request. What a page has to compute runs on a thread that may take its time.
    pub async fn answer(self: &Arc<Self>, call: Call) -> Page {
        let own = self.clone();
        let answer = tokio::task::spawn_blocking(move || own.page(&call)).await;
        answer.unwrap_or_else(|_| Page::text(500, "the page could not be made\n"))
    }

    /// Answers a request.
    pub fn page(&self, call: &Call) -> Page {
        let Some(path) = PATHS.iter().find(|path| path.target == call.path) else {
            return Page::text(404, page::help("invalid path. admin commands are:\n"));
        };
        if path.changes && call.method != "POST" {
            tracing::warn!("admin path {:?} changes state and wants POST, not {}", path.target, call.method);
            return Page::text(405, format!("Method {} not allowed, POST required.", call.method));
        }
        (path.answer)(self, call)
    }
}

/// An expression that a caller gave; one that is wrong is answered with 400.
pub(super) fn regex(text: &str) -> Result<regex::Regex, Page> {
    let built = regex::RegexBuilder::new(text).size_limit(1 << 20).build();
    built.map_err(|_| Page::text(400, "Invalid re2 regex\n"))
}
