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
