//! Real Envoy takes everything that the control plane makes of every fixture: nothing is refused and nothing is left waiting.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use meshctl::control_plane::ads::blame;
use meshctl::ir::{Enrolment, Workload};
use meshctl::xds::Kind;
use serde_json::{Value, json};

use crate::control_plane::plane::Plane;

/// Secrets come from the proxy's own identity client, which Envoy does not have: listeners wait 15 s for them.
const PATIENCE: Duration = Duration::from_secs(60);
/// At most so many workloads of a fixture.
const WORKLOADS: usize = 3;

fn binary() -> Option<PathBuf> {
    let place = match std::env::var_os("ENVOY") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/envoy/envoy/_bin/envoy"),
    };
    place.is_file().then_some(place)
}

struct Envoy {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Envoy {
    fn start(binary: &Path, bootstrap: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bootstrap.json");
        std::fs::write(&file, bootstrap.to_string()).unwrap();
        let errors = std::fs::File::create(folder.path().join("stderr")).unwrap();
        let child = Command::new(binary)
            .args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "warn"])
            .arg("--admin-address-path")
            .arg(folder.path().join("admin"))
            .arg("-c")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .unwrap();
        Self { child, folder }
    }

    /// A page of its admin interface, once it answers.
    fn page(&self, path: &str) -> Option<String> {
        let address = std::fs::read_to_string(self.folder.path().join("admin")).ok()?;
        let address: SocketAddr = address.trim().parse().ok()?;
        let mut stream = TcpStream::connect(address).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some(if head.to_ascii_lowercase().contains("chunked") { unchunk(body) } else { body.to_owned() })
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// What is not as it should be.
    fn unsettled(&self, listeners: usize) -> Option<String> {
        let Some(dump) = self.page("/config_dump").and_then(|page| serde_json::from_str::<Value>(&page).ok()) else {
            return Some("its admin interface does not answer".into());
        };
        let active = dump.to_string().matches("\"active_state\"").count();
        let mut found = Vec::new();
        look(&dump, "", &mut found);
        if active != listeners {
            found.push(format!("it has {active} listeners and not {listeners}"));
        }
        (!found.is_empty()).then(|| found.join("\n"))
    }
}

/// A body without the lengths of its chunks.
fn unchunk(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((length, more)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        let Some(chunk) = more.get(..length).filter(|chunk| !chunk.is_empty()) else { break };
        body.push_str(chunk);
        rest = more.get(length + 2..).unwrap_or_default();
    }
    body
}

/// Everything that is refused or waits.
fn look(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if ["error_state", "warming_state", "dynamic_warming_clusters"].contains(&name.as_str()) {
                    let name_of = fields.get("name").and_then(Value::as_str).unwrap_or_default();
                    let details = value.get("details").cloned().unwrap_or_default();
                    found.push(format!("{at}/{name} {name_of} {details}"));
                } else {
                    look(value, &format!("{at}/{name}"), found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| look(item, at, found)),
        _ => {}
    }
}

fn bootstrap(plane: SocketAddr, workload: &Workload, delta: bool) -> Value {
    let kind = if workload.enrolment == Enrolment::Gateway { "router" } else { "sidecar" };
    let (namespace, name) = (&*workload.key.namespace, &*workload.key.name);
    let address = workload.addresses.iter().next().map_or("10.0.0.1".to_owned(), ToString::to_string);
    let http2 = json!({ "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": { "http2_protocol_options": {} } } });
    let loopback = |port: u16| json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } });
    let ads = json!({ "ads": {}, "resource_api_version": "V3" });
    json!({
        "node": { "id": format!("{kind}~{address}~{name}.{namespace}~{namespace}.svc.cluster.local"), "cluster": name,
            "metadata": { "NAMESPACE": namespace, "WORKLOAD_NAME": name } },
        "admin": { "address": loopback(0) },
        "dynamic_resources": {
            "ads_config": { "api_type": if delta { "DELTA_GRPC" } else { "GRPC" }, "transport_api_version": "V3",
                "grpc_services": [{ "envoy_grpc": { "cluster_name": "control" } }] },
            "cds_config": ads, "lds_config": ads },
        "static_resources": { "clusters": [{ "name": "control", "type": "STATIC", "connect_timeout": "5s",
            "typed_extension_protocol_options": http2,
            "load_assignment": { "cluster_name": "control", "endpoints": [{ "lb_endpoints": [
                { "endpoint": { "address": loopback(plane.port()) } }] }] } }] },
    })
}

/// Runs one workload's proxy until it is settled; what is wrong with it otherwise.
fn try_one(binary: &Path, plane: &Plane, workload: &Workload, delta: bool) -> Option<String> {
    let envoy = Envoy::start(binary, &bootstrap(plane.address, workload, delta));
    let begun = Instant::now();
    let mut last = None;
    while begun.elapsed() < PATIENCE {
        let refused = refusals(plane, workload);
        if !refused.is_empty() {
            return Some(refused.join("\n"));
        }
        last = match listeners(plane, workload) {
            Some(listeners) => envoy.unsettled(listeners),
            None => Some("it is not connected".into()),
        };
        last.as_ref()?;
        std::thread::sleep(Duration::from_millis(200));
    }
    last.map(|last| format!("{last}\n{}", envoy.log()))
}

/// How many listeners the proxy is to have, once it is connected.
fn listeners(plane: &Plane, workload: &Workload) -> Option<usize> {
    let streams = plane.ads.registry().all();
    let served = streams.iter().map(|stream| stream.served.lock().clone());
    let mut own = served.filter(|served| served.node.workload.key == workload.key);
    own.next().map(|served| served.count(Kind::Listener))
}

/// What the proxy refused.
fn refusals(plane: &Plane, workload: &Workload) -> Vec<String> {
    let mut all = Vec::new();
    for stream in plane.ads.registry().all() {
        let served = stream.served.lock().clone();
        if served.node.workload.key != workload.key {
            continue;
        }
        for (kind, subscription) in stream.session.lock().kinds() {
            // Some fixtures have words where a certificate would be.
            let words = |error: &str| *kind == Kind::Secret && error.contains("Failed to load");
            if let Some(refusal) = subscription.refusal.as_ref().filter(|refusal| !words(&refusal.error)) {
                all.push(format!("{}: {}", kind.short(), blame(*kind, refusal, &served)));
            }
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_takes_the_configuration_of_every_fixture() {
    let Some(binary) = binary() else {
        eprintln!("SKIP Envoy on the mesh's fixtures: no Envoy; run scripts/envoy.sh");
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mesh");
    let mut fixtures: Vec<PathBuf> =
        std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    fixtures.sort();
    let mut planes = Vec::new();
    let mut failures = Vec::new();
    for fixture in fixtures {
        let name = fixture.file_name().unwrap().to_string_lossy().into_owned();
        match Plane::of(tempfile::tempdir().unwrap(), vec![fixture], true).await {
            Ok(plane) => planes.push((name, plane)),
            Err(error) => failures.push(format!("{name}: {error}: {error:?}")),
        }
    }
    let results = tokio::task::block_in_place(|| {
        std::thread::scope(|scope| {
            let mut running = Vec::new();
            for (name, plane) in &planes {
                let mesh = plane.engine.state().mesh.clone();
                let proxies = mesh.workloads.values().filter(|workload| workload.enrolment != Enrolment::Outside);
                let (gateways, sidecars): (Vec<_>, Vec<_>) =
                    proxies.cloned().partition(|workload| workload.enrolment == Enrolment::Gateway);
                let chosen = sidecars.into_iter().take(WORKLOADS - 1).chain(gateways.into_iter().take(1));
                for (at, workload) in chosen.enumerate() {
                    let binary = &binary;
                    running.push(scope.spawn(move || {
                        let wrong = try_one(binary, plane, &workload, at % 2 == 0);
                        wrong.map(|wrong| format!("{name}, {}: {wrong}", workload.key))
                    }));
                }
            }
            eprintln!("{} proxies", running.len());
            running.into_iter().filter_map(|one| one.join().unwrap()).collect::<Vec<_>>()
        })
    });
    failures.extend(results);
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
