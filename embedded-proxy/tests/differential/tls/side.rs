//! A proxy with all cases: Envoy or ours.

use std::collections::BTreeMap;
use std::path::Path;

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::server::{Options, Server};
use serde_json::Value;

use super::super::client;
use super::super::envoy::{self, Process};
use super::super::scenario::Request;

/// What keeps it running.
enum Running {
    Envoy(#[allow(dead_code, reason = "held until the end")] Process),
    Ours(Box<Server>),
}

/// A running proxy.
pub struct Side {
    running: Running,
    admin: u16,
    ports: BTreeMap<String, u16>,
}

impl Side {
    /// Envoy on a bootstrap.
    pub fn envoy(binary: &Path, bootstrap: &Value, folder: &Path) -> Self {
        let (process, admin, ports) = envoy::start(binary, "tls", bootstrap, folder, |ports| !ports.is_empty());
        Self { running: Running::Envoy(process), admin, ports }
    }

    /// Our proxy on a bootstrap.
    pub fn ours(bootstrap: &Value) -> Self {
        let server = Bootstrap::from_json(bootstrap).and_then(|all| Server::start(all, &Options::default()));
        let server = server.unwrap_or_else(|defects| panic!("our proxy refuses the bootstrap: {defects:?}"));
        server.initialised();
        let ports = server.addresses().into_iter().filter_map(|(name, all)| Some((name, all[0].port()?))).collect();
        let admin =
            server.admin().and_then(embedded_proxy::net::Address::port).expect("an admin interface with a port");
        Self { running: Running::Ours(Box::new(server)), admin, ports }
    }

    /// Port of a listener.
    pub fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    /// Counters under a prefix that are not 0, without it.
    pub fn stats(&self, prefix: &str) -> BTreeMap<String, String> {
        let request =
            Request { path: "/stats".into(), headers: vec!["connection: close".into()], ..Request::default() };
        let answer = client::ask(self.admin, &request).pop().expect("the admin answers");
        let lines = answer.body.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_string(), value.to_string())))
            .filter(|(_, value)| value != "0")
            .collect()
    }

    /// Ends it, so that its logs are whole.
    pub fn end(self) {
        if let Running::Ours(server) = self.running {
            server.shutdown();
        }
    }
}
