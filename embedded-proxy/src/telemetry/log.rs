//! The proxy's own log: lines on stderr, with a level that can be changed while it runs.

use std::io;
use std::sync::OnceLock;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt};

static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// Starts logging, once a process: `level` is one of `trace`, `debug`, `info`, `warn`, `error` and `off`, or a list of
/// `module=level`. Without a call nothing is logged.
pub fn start(level: &str) {
    let (filter, handle) = reload::Layer::new(EnvFilter::new(level));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    // A program that already logs its own way keeps it.
    if tracing_subscriber::registry().with(filter).with(lines).try_init().is_ok() {
        let _ = FILTER.set(handle);
    }
}

/// Changes what is logged; the text is like the one of [`start`].
pub fn set(level: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(level).map_err(|error| format!("{level:?} is no log level: {error}"))?;
    match FILTER.get() {
        Some(handle) => handle.reload(filter).map_err(|error| error.to_string()),
        None => Err("this process does not log".into()),
    }
}

/// What is logged now; `off` when nothing is.
pub fn level() -> String {
    FILTER.get().and_then(|handle| handle.with_current(ToString::to_string).ok()).unwrap_or_else(|| "off".into())
}
