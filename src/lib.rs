//! meshctl: checks, explains and runs service meshes. The binary is a thin shell around this library.

/// One file per analyzer: pure functions from the input to findings.
pub mod analyzers;
/// The command line: argument tree, dispatch, and the last line of defence for errors and panics.
pub mod cli;
/// One file per command.
pub mod commands;
/// Environment variables and meshctl.yaml.
pub mod config;
/// What every command is given: writers and global flags.
pub mod context;
/// Serves the mesh to its proxies.
pub mod control_plane;
/// Findings: codes, places, fixes, and how they are shown.
pub mod diagnostics;
/// The vocabularies and their kinds.
pub mod dialects;
/// Exit codes.
pub mod exit;
/// The error that a command ends with.
pub mod failure;
/// The model of the mesh that dialects lower to.
pub mod ir;
/// The mesh on one machine, without Kubernetes.
pub mod local;
/// Manifests as kubectl reads them.
pub mod manifests;
/// The near name of a word that does not exist.
pub mod near;
/// Everything that reaches the terminal: writers, colour, progress, JSON and YAML.
pub mod output;
/// Typed manifests: declaration macros, reading, structural rules.
pub mod schema;
/// What happens to a request, without sending it.
pub mod simulate;
/// The configuration of proxies, made from the model.
pub mod xds;
