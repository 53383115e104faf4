//! The one test binary of the proxy crate.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic in a test is a failed test")]
#![allow(clippy::print_stdout, reason = "what a suite compared and what it skipped")]
#![allow(clippy::disallowed_methods, reason = "tests read their own settings from the environment")]

mod admin;
mod descriptors;
mod differential;
mod faults;
mod hbone;
mod planes;
mod redirect;
