//! Real Envoy on a bootstrap.

use std::collections::BTreeMap;
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
pub struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts Envoy on a bootstrap, with its files in `folder`. Waits until its listeners are as wanted; returns the port of
/// its admin interface and those of its listeners by name, too.
pub fn start(
    envoy: &Path,
    name: &str,
    bootstrap: &serde_json::Value,
    folder: &Path,
    wanted: impl Fn(&BTreeMap<String, u16>) -> bool,
) -> (Process, u16, BTreeMap<String, u16>) {
    let file = folder.join("bootstrap.json");
    std::fs::write(&file, bootstrap.to_string()).expect("written");
    let admin = folder.join("admin");
    let errors = std::fs::File::create(folder.join("stderr")).expect("created");
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
    let mut process = Process(child);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if let Some((admin, ports)) = listening(&admin).filter(|(_, ports)| wanted(ports)) {
            return (process, admin, ports);
        }
        if let Ok(Some(status)) = process.0.try_wait() {
            let errors = std::fs::read_to_string(folder.join("stderr")).unwrap_or_default();
            panic!("{name}: Envoy ended with {status}:\n{errors}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("{name}: Envoy did not listen within 30 s");
}

/// The ports of the admin interface and of the listeners, once the admin tells them.
fn listening(admin: &Path) -> Option<(u16, BTreeMap<String, u16>)> {
    let address = std::fs::read_to_string(admin).ok()?;
    let admin = address.rsplit(':').next()?.trim().parse().ok()?;
    let request = Request {
        path: "/listeners?format=json".into(),
        headers: vec!["connection: close".into()],
        ..Request::default()
    };
    let answer = client::ask(admin, &request).pop()?;
    let listeners: serde_json::Value = serde_json::from_str(&answer.body).ok()?;
    let port = |listener: &serde_json::Value| {
        let port = listener["local_address"]["socket_address"]["port_value"].as_u64()?;
        Some((listener["name"].as_str()?.to_string(), u16::try_from(port).ok()?))
    };
    Some((admin, listeners["listener_statuses"].as_array()?.iter().filter_map(port).collect()))
}

/// A running Envoy with a scenario.
pub struct Envoy {
    _process: Process,
    port: u16,
    log: PathBuf,
    no_logs: bool,
    _folder: tempfile::TempDir,
}

/// Starts Envoy on the scenario's bootstrap.
pub fn run(envoy: &Path, name: &str, scenario: &Scenario, origin: &Origin) -> Envoy {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("access.log");
    let bootstrap = scenario.bootstrap(origin.ports(), &log);
    let main = |ports: &BTreeMap<String, u16>| ports.contains_key("main");
    let (process, _, ports) = start(envoy, name, &bootstrap, folder.path(), main);
    Envoy { _process: process, port: ports["main"], log, no_logs: scenario.no_logs, _folder: folder }
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
