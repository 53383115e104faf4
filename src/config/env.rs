//! Environment variables. (clap reads those of flags, anstream the colour ones.)

#![allow(clippy::disallowed_methods, reason = "the place that reads the environment")]

use std::env;

/// The value of a variable, when it is set and UTF-8.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Whether a CI system runs this: `CI` is set to anything but `false`, `0` or nothing.
pub fn is_ci() -> bool {
    variable("CI").is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// Whether the terminal shows more than ASCII. The first locale variable that is set decides (POSIX, XBD 8.2); without
/// any, as in most containers, the output goes to a log that is read as UTF-8.
pub fn has_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(variable).find(|value| !value.is_empty());
    locale.is_none_or(|locale| names_utf8(&locale))
}

fn names_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::names_utf8;

    #[test]
    fn the_encoding_is_a_part_of_the_locale() {
        assert!(names_utf8("de_DE.UTF-8") && names_utf8("C.utf8"));
        assert!(!names_utf8("C") && !names_utf8("de_DE.ISO-8859-1"));
    }
}
