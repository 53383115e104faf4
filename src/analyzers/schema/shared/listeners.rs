//! Where a listener listens: address or `unix://` path.

use super::names::{ip, unix_path};
use super::{Report, Verdict};
use crate::schema::Text;

/// Beginning of a socket path.
pub const UNIX: &str = "unix://";

/// True when the listener is a socket file.
pub fn is_unix(bind: Option<&Text>) -> bool {
    bind.is_some_and(|bind| bind.as_str().starts_with(UNIX))
}

/// An IP address, or `unix://` and a path.
pub fn address_or_socket(text: &str) -> Verdict {
    match text.strip_prefix(UNIX) {
        Some(path) => unix_path(path),
        None => ip(text),
    }
}

/// Checks a `bind` that is set; the empty one counts as not set.
pub fn bind(report: &mut Report<'_>, bind: Option<&Text>, check: impl Fn(&str) -> Verdict) {
    report.text(bind.filter(|bind| !bind.as_str().is_empty()), check);
}
