//! Environment variables that describe where meshctl runs. (Flags read theirs through clap, anstream reads the colour ones.)

#![allow(clippy::disallowed_methods, reason = "the place that reads the environment")]

use std::env;

/// Whether a CI system runs this: `CI` is set to anything but `false`, `0` or nothing.
pub fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
