//! Whole proxies and what configures them: control planes over unix sockets and mutual TLS, secrets from services and
//! files, and certificates that are signed while the proxy runs.

mod agent;
mod files;
mod identity;
mod mtls;
mod plane;
mod support;
