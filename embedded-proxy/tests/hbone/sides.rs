//! A proxy of ours, or Envoy, on a bootstrap.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use embedded_proxy::server::Server;
use serde_json::Value;

use crate::differential::envoy_binary;
use crate::faults::start;

/// A running proxy; it ends when this is dropped.
pub enum Side {
    /// Ours.
    #[allow(dead_code, reason = "it only has to live")]
    Ours(Server),
    /// Envoy, with the folder of its files.
    Envoy(Child, #[allow(dead_code, reason = "it only has to live")] tempfile::TempDir),
}

impl Drop for Side {
    fn drop(&mut self) {
        if let Self::Envoy(child, _) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Side {
    /// Starts it and waits until it listens at `address`. None: there is no Envoy.
    pub fn start(envoy: bool, bootstrap: &Value, address: SocketAddr) -> Option<Self> {
        let side = if envoy {
            let Some(binary) = envoy_binary() else {
                println!("SKIP: no Envoy; run scripts/envoy.sh");
                return None;
            };
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("bootstrap.json");
            std::fs::write(&file, bootstrap.to_string()).unwrap();
            let child = Command::new(binary)
                .args(["--use-dynamic-base-id", "--concurrency", "1", "-l", "error", "-c"])
                .arg(&file)
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            Self::Envoy(child, folder)
        } else {
            Self::Ours(start(bootstrap))
        };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "nobody listens at {address}");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(side)
    }
}
