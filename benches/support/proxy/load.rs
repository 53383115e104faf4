//! Load, and what it cost.

use std::error::Error;
use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

use super::config::{Ports, Shape};
use super::subject::Running;

/// A load.
#[derive(Debug, Clone, Copy)]
pub enum Load {
    /// As fast as it goes, over HTTP/1.
    Wrk {
        /// Connections.
        connections: u32,
        /// Duration.
        seconds: u32,
    },
    /// As fast as it goes, over HTTP/2, small gRPC messages.
    Grpc {
        /// Connections.
        clients: u32,
        /// Streams on each.
        streams: u32,
        /// Duration.
        seconds: u32,
    },
    /// Connections that made one request and then wait.
    Idle {
        /// Connections.
        connections: usize,
    },
    /// A fixed rate over HTTP/1, whatever the proxy does.
    Rate {
        /// Connections.
        clients: u32,
        /// Requests a second on each.
        rate: u32,
        /// Duration.
        seconds: u32,
    },
}

/// What was seen. Missing figures are zero.
#[derive(Debug, Default)]
pub struct Figures {
    rate: f64,
    cpu: f64,
    p50: f64,
    p99: f64,
    memory: f64,
}

impl Figures {
    /// These against others: more than one is more.
    pub fn ratio(&self, other: &Self) -> String {
        let share = |mine: f64, theirs: f64| {
            if mine > 0.0 && theirs > 0.0 { format!("{:.2}", mine / theirs) } else { String::new() }
        };
        format!(
            "{:>9} {:>11} {:>9} {:>9} {:>9}",
            share(self.rate, other.rate),
            share(self.cpu, other.cpu),
            share(self.p50, other.p50),
            share(self.p99, other.p99),
            share(self.memory, other.memory)
        )
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = |value: f64, unit: &str, digits: usize| {
            if value > 0.0 { format!("{value:.digits$} {unit}").trim().to_string() } else { "-".into() }
        };
        write!(
            f,
            "{:>9} {:>11} {:>9} {:>9} {:>9}",
            some(self.rate, "", 0),
            some(self.cpu, "us", 1),
            some(self.p50, "ms", 2),
            some(self.p99, "ms", 2),
            some(self.memory, "MB", 1)
        )
    }
}

/// Puts the load on and reads the figures.
pub fn run(load: Load, ports: &Ports, shape: Shape, proxy: &Running) -> Result<Figures, Box<dyn Error>> {
    match load {
        Load::Wrk { connections, seconds } => {
            wrk(ports.proxy, connections, 1)?;
            wrk_measured(ports.proxy, connections, seconds, proxy)
        }
        Load::Grpc { clients, streams, seconds } => grpc(ports.proxy, clients, streams, seconds, proxy),
        Load::Idle { connections } => idle(ports.proxy, connections, shape, proxy),
        Load::Rate { clients, rate, seconds } => fixed(ports.proxy, clients, rate, seconds, proxy),
    }
}

fn on_load_core(program: &str, arguments: &[String]) -> Result<String, Box<dyn Error>> {
    let output = Command::new("taskset").args(["-c", "1", program]).args(arguments).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() { Ok(text) } else { Err(format!("{program} failed: {text}").into()) }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_string).collect()
}

fn wrk(port: u16, connections: u32, seconds: u32) -> Result<String, Box<dyn Error>> {
    on_load_core("wrk", &words(&format!("-t1 -c{connections} -d{seconds}s --latency http://127.0.0.1:{port}/")))
}

fn wrk_measured(port: u16, connections: u32, seconds: u32, proxy: &Running) -> Result<Figures, Box<dyn Error>> {
    let before = proxy.cpu();
    let text = wrk(port, connections, seconds)?;
    let cpu = proxy.cpu() - before;
    let field = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let requests =
        text.lines().find(|line| line.contains("requests in")).and_then(|line| line.split_whitespace().next());
    let requests: f64 = requests.ok_or("wrk printed no requests")?.parse()?;
    if let Some(errors) = text.lines().find(|line| line.contains("Non-2xx") || line.contains("Socket errors")) {
        eprintln!("  {}", errors.trim());
    }
    Ok(Figures {
        rate: field("Requests/sec:").and_then(|rate| rate.parse().ok()).unwrap_or(0.0),
        cpu: cpu * 1e6 / requests,
        p50: field("50%").map_or(0.0, milliseconds),
        p99: field("99%").map_or(0.0, milliseconds),
        memory: proxy.memory(),
    })
}

/// `1.23ms`, `456.00us`, `2.00s` as milliseconds.
fn milliseconds(text: &str) -> f64 {
    let split = text.find(|character: char| character.is_ascii_alphabetic()).unwrap_or(text.len());
    let value: f64 = text[..split].parse().unwrap_or(0.0);
    match &text[split..] {
        "us" => value / 1000.0,
        "s" => value * 1000.0,
        _ => value,
    }
}

fn grpc(port: u16, clients: u32, streams: u32, seconds: u32, proxy: &Running) -> Result<Figures, Box<dyn Error>> {
    let body = tempfile::NamedTempFile::new()?;
    std::fs::write(body.path(), b"\0\0\0\0\x05hello")?;
    let mut arguments = words(&format!("-t1 -c{clients} -m{streams} -D{seconds} --warm-up-time=1"));
    arguments.extend(["-H".into(), "content-type: application/grpc".into(), "-H".into(), "te: trailers".into()]);
    arguments.extend([
        "-d".into(),
        body.path().display().to_string(),
        format!("http://127.0.0.1:{port}/bench.Bench/Say"),
    ]);
    let before = proxy.cpu();
    let text = on_load_core("h2load", &arguments)?;
    let cpu = proxy.cpu() - before;
    let rate: f64 = finished(&text)?;
    let total = rate * f64::from(seconds + 1);
    Ok(Figures { rate, cpu: cpu * 1e6 / total, memory: proxy.memory(), ..Figures::default() })
}

/// Requests a second that h2load saw: `finished in 6.00s, 12345.67 req/s, ...`.
fn finished(text: &str) -> Result<f64, Box<dyn Error>> {
    let line = text.lines().find(|line| line.starts_with("finished in")).ok_or("h2load printed no result")?;
    let rate = line.split(", ").nth(1).and_then(|rate| rate.strip_suffix(" req/s")).ok_or("h2load printed no rate")?;
    Ok(rate.parse()?)
}

fn idle(port: u16, connections: usize, _shape: Shape, proxy: &Running) -> Result<Figures, Box<dyn Error>> {
    let mut held = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.write_all(b"GET / HTTP/1.1\r\nhost: bench\r\n\r\n")?;
        let mut bytes = [0; 1024];
        if stream.read(&mut bytes)? == 0 {
            return Err("the proxy closed a connection".into());
        }
        held.push(stream);
    }
    Ok(Figures { memory: proxy.memory(), ..Figures::default() })
}

fn fixed(port: u16, clients: u32, rate: u32, seconds: u32, proxy: &Running) -> Result<Figures, Box<dyn Error>> {
    let log = tempfile::NamedTempFile::new()?;
    let requests = clients * rate * seconds;
    let mut arguments = words(&format!("--h1 -t1 -c{clients} -n{requests} --rps={rate}"));
    arguments.push(format!("--log-file={}", log.path().display()));
    arguments.push(format!("http://127.0.0.1:{port}/"));
    let before = proxy.cpu();
    let text = on_load_core("h2load", &arguments)?;
    let cpu = proxy.cpu() - before;
    let lines = std::fs::read_to_string(log.path())?;
    let mut times: Vec<f64> = lines.lines().filter_map(|line| line.split('\t').nth(2)?.parse().ok()).collect();
    times.sort_by(f64::total_cmp);
    let share = |share: f64| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let index = (times.len() as f64 * share) as usize;
        times.get(index).map_or(0.0, |micros| micros / 1000.0)
    };
    Ok(Figures {
        rate: finished(&text)?,
        cpu: cpu * 1e6 / f64::from(requests),
        p50: share(0.5),
        p99: share(0.99),
        memory: proxy.memory(),
    })
}
