//! Seeds for the fuzz targets, made of the scenarios: `SEEDS=fuzz/corpus cargo test -p embedded-proxy --test runner seeds`.

use std::path::{Path, PathBuf};

use embedded_proxy::bootstrap::Bootstrap;
use embedded_proxy::proto::from_json;
use prost::Message as _;
use serde_json::Value;

use super::origin::Ports;
use super::scenarios;

/// What inspectors see besides HTTP: both versions of the PROXY protocol, and the beginning of a client's hello.
const FIRST_BYTES: [(&str, &[u8]); 3] = [
    ("proxy1", b"PROXY TCP4 10.0.0.1 10.0.0.2 1000 80\r\nGET / HTTP/1.1\r\n\r\n"),
    ("proxy2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\0\0\x01\x0a\0\0\x02\x03\xe8\0\x50GET / HTTP/1.1\r\n\r\n"),
    ("hello", b"\x16\x03\x01\0\x3e\x01\0\0\x3a\x03\x03abcdefghijklmnopqrstuvwxyz012345\0\0\x02\x13\x01\x01\0\0\x0f\0\0\0\x0b\0\x09\0\0\x06a.test"),
];

struct Seeds(PathBuf);

impl Seeds {
    fn put(&self, target: &str, name: &str, bytes: &[u8]) {
        let folder = self.0.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    }

    /// Resources of a list, as the target for resources takes them: a byte for the type, then the message.
    fn resources(&self, scenario: &str, kind: u8, message: &str, list: &Value) {
        for (number, resource) in list.as_array().into_iter().flatten().enumerate() {
            if let Ok(message) = from_json(message, resource) {
                let bytes = [vec![kind], message.encode_to_vec()].concat();
                self.put("proxy_resources", &format!("{scenario}-{kind}-{number}"), &bytes);
            }
        }
    }

    /// Formats of access logs and of header values, wherever they stand.
    fn formats(&self, scenario: &str, value: &Value) {
        match value {
            Value::String(text) if text.contains('%') => {
                let name = format!("{scenario}-{}", text.len());
                self.put("proxy_format", &name, text.as_bytes());
            }
            Value::Array(items) => items.iter().for_each(|item| self.formats(scenario, item)),
            Value::Object(entries) => entries.values().for_each(|item| self.formats(scenario, item)),
            _ => {}
        }
    }
}

#[test]
fn seeds_for_the_fuzzer() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("SEEDS").map_or(temporary.path().to_path_buf(), |folder| {
        // Tests run in the folder of their crate.
        Path::new("..").join(folder)
    });
    let seeds = Seeds(folder);
    for (name, bytes) in FIRST_BYTES {
        seeds.put("proxy_inspectors", name, bytes);
    }
    for (name, scenario) in scenarios() {
        let bootstrap = scenario.bootstrap(Ports { one: 1, two: 2, grpc: 3 }, Path::new("/dev/null"));
        assert!(Bootstrap::from_json(&bootstrap).is_ok(), "{name} is a seed that goes deep");
        seeds.put("proxy_bootstrap", &name, bootstrap.to_string().as_bytes());
        let resources = &bootstrap["static_resources"];
        seeds.resources(&name, 0, "envoy.config.listener.v3.Listener", &resources["listeners"]);
        seeds.resources(&name, 1, "envoy.config.cluster.v3.Cluster", &resources["clusters"]);
        seeds.formats(&name, &bootstrap);
        for (number, raw) in scenario.requests.iter().filter_map(|request| request.raw.as_ref()).enumerate() {
            for target in ["proxy_http1", "proxy_inspectors"] {
                seeds.put(target, &format!("{name}-{number}"), raw.as_bytes());
            }
        }
    }
    for target in ["proxy_bootstrap", "proxy_format", "proxy_http1", "proxy_inspectors", "proxy_resources"] {
        let count = std::fs::read_dir(seeds.0.join(target)).unwrap().count();
        assert!(count > 3, "{target}: {count} seeds");
    }
}
