//! A local mesh of one test.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::repository;

/// A running mesh. It is ended when this is dropped.
pub struct Mesh {
    pub directory: tempfile::TempDir,
    child: Child,
}

impl Mesh {
    /// The mesh of examples/mesh, in a directory that the test may change.
    pub fn up() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("mesh");
        std::fs::create_dir(&files).unwrap();
        for name in ["bookinfo.yaml", "traffic.yaml"] {
            std::fs::copy(repository(&format!("examples/mesh/{name}")), files.join(name)).unwrap();
        }
        let child = meshctl()
            .args(["local", "up", "-f"])
            .arg(&files)
            .arg("--state")
            .arg(directory.path().join("state"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mesh = Self { directory, child };
        let end = Instant::now() + Duration::from_secs(60);
        while !mesh.directory.path().join("state/control.sock").exists() {
            assert!(Instant::now() < end, "the mesh did not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        mesh
    }

    /// Id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Runs a command against it: exit code, output, errors.
    pub fn run(&self, args: &[&str]) -> (i32, String, String) {
        let output =
            meshctl().arg("local").args(args).arg("--state").arg(self.directory.path().join("state")).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    /// Sends requests from a workload: what came of each.
    pub fn call(&self, from: &str, url: &str, more: &[&str]) -> Vec<Value> {
        let mut args = vec!["call", "--from", from, url, "-o", "json"];
        args.extend(more);
        let (_, out, err) = self.run(&args);
        let value: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
        match value {
            Value::Array(all) => all,
            one => vec![one],
        }
    }

    /// Waits for the end of the process.
    pub fn ended(&mut self) -> bool {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.child.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn meshctl() -> Command {
    Command::new(env!("CARGO_BIN_EXE_meshctl"))
}
