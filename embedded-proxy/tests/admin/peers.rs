//! Envoy and this proxy on the same bootstrap, asked over their admin interfaces.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::server::{Options, Server};
use serde_json::Value;

use crate::differential::client::{self, Answer};
use crate::differential::scenario::Request;

/// Longest wait for a proxy to be ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// What runs the bootstrap.
enum Engine {
    Envoy(Child),
    Ours(Option<Server>),
}

/// One of the two proxies. It ends when this is dropped.
pub struct Peer {
    engine: Engine,
    /// Port of the admin interface.
    pub admin: u16,
    /// Ports of listeners by name.
    pub ports: BTreeMap<String, u16>,
    folder: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        match &mut self.engine {
            Engine::Envoy(child) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Engine::Ours(server) => drop(server.take()),
        }
    }
}

/// A request to an admin interface.
pub fn request(method: &str, target: &str) -> Request {
    let headers = vec!["connection: close".to_string()];
    Request { method: Some(method.into()), path: target.into(), headers, ..Request::default() }
}

impl Peer {
    /// Envoy on the bootstrap.
    pub fn envoy(binary: &Path, bootstrap: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (file, admin) = (folder.path().join("bootstrap.json"), folder.path().join("admin"));
        std::fs::write(&file, bootstrap.to_string()).unwrap();
        let errors = std::fs::File::create(folder.path().join("stderr")).unwrap();
        let child = Command::new(binary)
            .args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warn", "--drain-time-s", "2"])
            .arg("--admin-address-path")
            .arg(&admin)
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut peer = Self { engine: Engine::Envoy(child), admin: 0, ports: BTreeMap::new(), folder };
        let began = Instant::now();
        while peer.admin == 0 {
            let written = std::fs::read_to_string(&admin).unwrap_or_default();
            peer.admin = written.rsplit(':').next().and_then(|port| port.trim().parse().ok()).unwrap_or(0);
            let errors = std::fs::read_to_string(peer.folder.path().join("stderr")).unwrap_or_default();
            assert!(began.elapsed() < PATIENCE, "Envoy does not start: {errors}");
            std::thread::sleep(Duration::from_millis(20));
        }
        peer.wait();
        peer
    }

    /// This proxy on the bootstrap.
    pub fn ours(bootstrap: &Value) -> Self {
        let options = Options { drain_time: Duration::from_secs(2), ..Options::default() };
        let server = Bootstrap::from_json(bootstrap).and_then(|bootstrap| Server::start(bootstrap, &options));
        let server = server.unwrap_or_else(|defects| panic!("the bootstrap is refused: {defects:?}"));
        let admin = server.admin().unwrap().port().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut peer = Self { engine: Engine::Ours(Some(server)), admin, ports: BTreeMap::new(), folder };
        peer.wait();
        peer
    }

    /// Waits until it is live and notes where it listens.
    fn wait(&mut self) {
        let began = Instant::now();
        while self.ask("GET", "/ready").status != 200 {
            assert!(began.elapsed() < PATIENCE, "not ready: {:?}", self.ask("GET", "/ready"));
            std::thread::sleep(Duration::from_millis(20));
        }
        let listeners = self.json("/listeners?format=json");
        for listener in listeners["listener_statuses"].as_array().cloned().unwrap_or_default() {
            let port = listener["local_address"]["socket_address"]["port_value"].as_u64().unwrap();
            self.ports.insert(listener["name"].as_str().unwrap().into(), u16::try_from(port).unwrap());
        }
    }

    /// Asks the admin interface.
    pub fn ask(&self, method: &str, target: &str) -> Answer {
        client::ask(self.admin, &request(method, target)).remove(0)
    }

    /// A page that is JSON.
    pub fn json(&self, target: &str) -> Value {
        let answer = self.ask("GET", target);
        serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{target}: {error}: {answer:?}"))
    }

    /// Asks a listener.
    pub fn traffic(&self, listener: &str, path: &str) -> u16 {
        let request = Request { path: path.into(), headers: vec!["connection: close".into()], ..Request::default() };
        client::ask(self.ports[listener], &request).remove(0).status
    }

    /// The value of a counter or gauge.
    pub fn stat(&self, name: &str) -> Option<i64> {
        let page = self.ask("GET", &format!("/stats?filter=^{}$", name.replace('.', "%5C.")));
        page.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok())
    }

    /// Waits until something holds.
    pub fn eventually(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < PATIENCE, "does not happen: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until a counter or gauge has a value.
    pub fn wait_for(&self, name: &str, value: i64) {
        let began = Instant::now();
        while self.stat(name) != Some(value) {
            assert!(began.elapsed() < PATIENCE, "{name} is {:?}, not {value}", self.stat(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
