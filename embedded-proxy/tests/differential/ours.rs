//! This proxy on a bootstrap, in this process.

use std::path::PathBuf;
use std::time::Duration;

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::decide::{Decision, Question, decide};
use embedded_proxy::http::{Headers, RequestHead, Version};
use embedded_proxy::server::{Options, Server};
use embedded_proxy::stream::Connection;

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
    let bootstrap = scenario.bootstrap(origin.ports(), &log);
    let started = Bootstrap::from_json(&bootstrap).and_then(|bootstrap| Server::start(bootstrap, &Options::default()));
    let server = started.unwrap_or_else(|defects| {
        let defects: Vec<String> = defects.iter().map(ToString::to_string).collect();
        panic!("{name}: our proxy refuses the bootstrap:\n{}", defects.join("\n"))
    });
    server.initialised();
    let port = server.address("main").expect("the listener main is bound").port();
    Ours { server, port, log, no_logs: scenario.no_logs, _folder: folder }
}

impl Ours {
    /// Asks it.
    pub fn ask(&self, request: &Request) -> Vec<Answer> {
        client::ask(self.port, request)
    }

    /// What it says that it would do with the request; none when the question cannot be put.
    pub fn decide(&self, request: &Request) -> Option<Decision> {
        let services = self.server.services();
        let listener = services.listeners.all().into_iter().find(|view| &*view.config.name == "main")?;
        let address = |port| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let connection = Connection::plain(address(self.port), address(40_000));
        let question = Question { connection, head: Some(head(request)?), random: 1 };
        Some(decide(&listener.config, &services.clusters, &question))
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

/// The head of a request that is plain HTTP/1.1 without a body.
fn head(request: &Request) -> Option<RequestHead> {
    let visible = request.path.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || request.raw.is_some() || !request.parts.is_empty() || request.h2 || request.body.is_some() {
        return None;
    }
    let mut headers = Headers::new();
    for field in &request.headers {
        let (name, value) = field.split_once(':')?;
        let name: http::HeaderName = name.parse().ok()?;
        if name == http::header::CONNECTION || name == http::header::UPGRADE {
            return None;
        }
        headers.add(name, value.trim().parse().ok()?);
    }
    Some(RequestHead {
        method: request.method.as_deref().unwrap_or("GET").parse().ok()?,
        scheme: "http",
        authority: request.host.clone().unwrap_or_else(|| "test.local".into()),
        path: request.path.clone(),
        upgrade: None,
        version: Version::Http11,
        headers,
    })
}
