//! Processes under test: started on a core, watched through /proc, ended when dropped.

use std::error::Error;
use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::config::{self, Ports, Shape};

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Envoy 1.40.
    Envoy,
    /// HAProxy.
    HaProxy,
    /// This one.
    Ours,
}

impl Kind {
    /// For the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Envoy => "Envoy",
            Self::HaProxy => "HAProxy",
            Self::Ours => "meshctl",
        }
    }
}

/// Where a program is.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.push("/usr/sbin".into());
    places.into_iter().map(|place| place.join(name)).find(|place| place.is_file())
}

fn envoy() -> Option<PathBuf> {
    let place = match std::env::var_os("ENVOY") {
        Some(path) => PathBuf::from(path),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/envoy/envoy/_bin/envoy"),
    };
    place.is_file().then_some(place)
}

/// Processes that belong together.
#[derive(Debug)]
pub struct Running(Vec<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn spawn(core: u32, program: &Path, arguments: &[&str], log: &Path) -> Result<Child, Box<dyn Error>> {
    let errors = fs::File::create(log)?;
    let child = Command::new("taskset")
        .args(["-c", &core.to_string()])
        .arg(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()?;
    Ok(child)
}

impl Running {
    /// The origin, on the core of the load.
    pub fn origin(folder: &Path, ports: &Ports) -> Result<Self, Box<dyn Error>> {
        let file = folder.join("origin.cfg");
        fs::write(&file, config::origin(ports))?;
        let program = which("haproxy").ok_or("no haproxy")?;
        let origin =
            Self(vec![spawn(1, &program, &["-db", "-f", &file.display().to_string()], &folder.join("origin.log"))?]);
        Self::await_port(ports.origin)?;
        Ok(origin)
    }

    /// The proxies of a shape, on core 0. None: this kind cannot do it, or is not installed.
    pub fn proxy(folder: &Path, kind: Kind, shape: Shape, ports: &Ports) -> Result<Option<Self>, Box<dyn Error>> {
        let mut running = Self(Vec::new());
        if kind == Kind::HaProxy {
            let Some(files) = config::haproxy(shape, folder, ports) else { return Ok(None) };
            let program = which("haproxy").ok_or("no haproxy")?;
            for (index, text) in files.iter().enumerate() {
                let file = folder.join(format!("haproxy-{index}.cfg"));
                fs::write(&file, text)?;
                let log = folder.join(format!("haproxy-{index}.log"));
                running.0.push(spawn(0, &program, &["-db", "-f", &file.display().to_string()], &log)?);
            }
            return Ok(Some(running));
        }
        let program = match kind {
            Kind::Envoy => match envoy() {
                Some(envoy) => envoy,
                None => return Ok(None),
            },
            _ => PathBuf::from(env!("CARGO_BIN_EXE_meshctl")),
        };
        for (index, bootstrap) in config::bootstraps(shape, folder, ports).iter().enumerate() {
            let file = folder.join(format!("bootstrap-{index}.json"));
            fs::write(&file, bootstrap.to_string())?;
            let file = file.display().to_string();
            let log = folder.join(format!("{}-{index}.log", kind.name()));
            let arguments: Vec<&str> = match kind {
                Kind::Envoy => vec!["-c", &file, "--concurrency", "1", "-l", "error", "--use-dynamic-base-id"],
                _ => vec!["proxy", "run", "--config", &file, "--concurrency", "1"],
            };
            running.0.push(spawn(0, &program, &arguments, &log)?);
        }
        Ok(Some(running))
    }

    /// Waits until somebody listens on the port.
    pub fn await_port(port: u16) -> Result<(), Box<dyn Error>> {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                std::thread::sleep(Duration::from_millis(500));
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Err(format!("nothing listens on port {port}").into())
    }

    /// CPU seconds of all processes so far.
    pub fn cpu(&self) -> f64 {
        let ticks = |child: &Child| {
            let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
            let field = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
            field(11) + field(12)
        };
        self.0.iter().map(ticks).sum::<f64>() / 100.0
    }

    /// Resident memory of all processes, MB.
    pub fn memory(&self) -> f64 {
        let rss = |child: &Child| {
            let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0)
        };
        self.0.iter().map(rss).sum::<f64>() / 1024.0
    }
}
