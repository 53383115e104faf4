//! This proxy on a bootstrap, in this process.

use std::path::PathBuf;
use std::time::Duration;

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::server::{Options, Server};

use super::client::{self, Answer};
use super::origin::Origin;
use super::scenario::{Request, Scenario};

/// A running proxy.
pub struct Ours {
    server: Server,
    port: u16,
    log: PathBuf,
    no_logs: bool,
    _folder: tempfile::TempDir,
}

/// Starts the proxy on the scenario's bootstrap.
pub fn run(name: &str, scenario: &Scenario, origin: &Origin) -> Ours {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let bootstrap = scenario.bootstrap(origin.port, origin.other, &log);
    let started = Bootstrap::from_json(&bootstrap).and_then(|bootstrap| Server::start(bootstrap, &Options::default()));
    let server = started.unwrap_or_else(|defects| {
        let defects: Vec<String> = defects.iter().map(ToString::to_string).collect();
        panic!("{name}: our proxy refuses the bootstrap:\n{}", defects.join("\n"))
    });
    server.initialised();
    let port = server.addresses().get("main").expect("the listener main is bound")[0].port();
    Ours { server, port, log, no_logs: scenario.no_logs, _folder: folder }
}

impl Ours {
    /// Asks it.
    pub fn ask(&self, request: &Request) -> Vec<Answer> {
        client::ask(self.port, request)
    }

    /// Its access log, after it was written.
    pub fn finish(self) -> Option<String> {
        std::thread::sleep(Duration::from_millis(150));
        self.server.shutdown();
        if self.no_logs {
            return None;
        }
        std::fs::read_to_string(&self.log).ok()
    }
}
