//! The one integration-test binary: each more would link everything again. Every test file is reachable from the `mod`
//! lines here (`house::every_test_file_is_run` fails otherwise).
//!
//! - `analyzers.rs`: the fixtures of every code.
//! - `bench.rs`: the input that `make bench` generates.
//! - `cel.rs`: CEL texts of rules against their Rust tests.
//! - `ci.rs`: the GitHub action and the pre-commit hook.
//! - `cli/`: the real binary, its output and exit code.
//! - `control_plane/`: the discovery service with a client of its own, with the embedded proxy and with Envoy.
//! - `corpus.rs`: istioctl's own cases.
//! - `docs.rs`: links and the table of contents.
//! - `examples.rs`: the examples give the findings that are planted in them.
//! - `fix.rs`: the edits of findings, tried on every fixture.
//! - `generated.rs`: checked-in files that are made from the code are up to date (`make generate` rewrites them).
//! - `guide.rs`: the defects of the user's guide, line by line.
//! - `house.rs`: the house rules that a compiler does not check.
//! - `local/`: a mesh on this machine, with real requests.
//! - `mesh_envoy.rs`: Envoy takes the configuration of every fixture.
//! - `registry.rs`: analyzers and codes are complete.
//! - `render/`: the output formats.
//! - `support/`: what the others share.

#![allow(clippy::disallowed_methods, reason = "tests set up files and environments of their own")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says why")]
#![allow(clippy::cast_possible_wrap, reason = "line numbers are small")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is a failed test")]

mod analyzers;
mod bench;
mod cel;
mod ci;
mod cli;
mod control_plane;
mod corpus;
mod docs;
mod examples;
mod fix;
mod generated;
mod guide;
mod house;
mod local;
mod mesh_envoy;
mod registry;
mod render;
mod support;
