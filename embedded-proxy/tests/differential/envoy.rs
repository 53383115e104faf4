//! Real Envoy on a bootstrap.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::client::{self, Answer};
use super::origin::Origin;
use super::scenario::{Request, Scenario};

/// Envoy's binary: `ENVOY` names it, otherwise it is where `scripts/envoy.sh` puts it.
pub fn binary() -> Option<PathBuf> {
    let place = match std::env::var_os("ENVOY") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/envoy/envoy/_bin/envoy"),
    };
    place.is_file().then_some(place)
}

/// A running Envoy; it ends when this is dropped.
pub struct Envoy {
    child: Child,
    port: u16,
    log: PathBuf,
    no_logs: bool,
    folder: tempfile::TempDir,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts Envoy on the scenario's bootstrap.
pub fn run(envoy: &Path, name: &str, scenario: &Scenario, origin: &Origin) -> Envoy {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let bootstrap = scenario.bootstrap(origin.ports(), &log);
    let file = folder.path().join("bootstrap.json");
    std::fs::write(&file, bootstrap.to_string()).expect("written");
    let admin = folder.path().join("admin");
    let errors = std::fs::File::create(folder.path().join("stderr")).expect("created");
    let child = Command::new(envoy)
        .args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warn", "--file-flush-interval-msec", "50"])
        .arg("--admin-address-path")
        .arg(&admin)
        .arg("-c")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .expect("Envoy starts");
    let mut envoy = Envoy { child, port: 0, log, no_logs: scenario.no_logs, folder };
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if let Some(port) = listening(&admin) {
            envoy.port = port;
            return envoy;
        }
        if let Ok(Some(status)) = envoy.child.try_wait() {
            let errors = std::fs::read_to_string(envoy.folder.path().join("stderr")).unwrap_or_default();
            panic!("{name}: Envoy ended with {status}:\n{errors}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{name}: Envoy did not listen within 30 s");
}

/// The port of the listener `main`, once the admin tells it.
fn listening(admin: &Path) -> Option<u16> {
    let address = std::fs::read_to_string(admin).ok()?;
    let port = address.rsplit(':').next()?.trim().parse().ok()?;
    let request = Request {
        path: "/listeners?format=json".into(),
        headers: vec!["connection: close".into()],
        ..Request::default()
    };
    let answer = client::ask(port, &request).pop()?;
    let listeners: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    let listener = listeners["listener_statuses"].as_array()?.iter().find(|listener| listener["name"] == "main")?;
    u16::try_from(listener["local_address"]["socket_address"]["port_value"].as_u64()?).ok()
}

impl Envoy {
    /// Asks it.
    pub fn ask(&self, request: &Request) -> Vec<Answer> {
        client::ask(self.port, request)
    }

    /// Its access log, after it was written.
    pub fn finish(self) -> Option<String> {
        if self.no_logs {
            return None;
        }
        std::thread::sleep(Duration::from_millis(150));
        std::fs::read_to_string(&self.log).ok()
    }
}
