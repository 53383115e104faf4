//! `make soak`: minutes of mixed traffic through a proxy process while its configuration changes. It prints the memory of
//! the proxy and fails when the last third of the time needs more than 5 % over the first third, or when requests fail that
//! should not.
//!
//! `MESHCTL` is the binary under test (`target/release/meshctl`), `SOAK_SECONDS` how long (600), `SOAK_EVERY` seconds
//! between two looks (30).

#![allow(clippy::print_stdout, reason = "the bench talks to a terminal")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what is not as expected ends the bench")]
#![allow(clippy::disallowed_methods, reason = "settings from the environment, files of its own")]
#![allow(clippy::cast_precision_loss, reason = "figures to read")]

#[path = "soak/clients.rs"]
mod clients;
#[path = "soak/config.rs"]
mod config;
#[path = "soak/origin.rs"]
mod origin;

use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the clients count.
#[derive(Debug, Default)]
pub struct Counts {
    /// Exchanges that went as they should.
    pub good: AtomicU64,
    /// Those that did not.
    pub bad: AtomicU64,
}

impl Counts {
    /// Counts one; what went wrong is printed for the first few.
    pub fn note<T, E: std::fmt::Display>(&self, what: &str, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(value) => {
                self.good.fetch_add(1, Ordering::Relaxed);
                Some(value)
            }
            Err(error) => {
                if self.bad.fetch_add(1, Ordering::Relaxed) < 20 {
                    println!("failed: {what}: {error}");
                }
                None
            }
        }
    }
}

/// The proxy, ended with the bench.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Proxy {
    /// A line of `/proc/PID/status`, in KiB.
    fn memory(&self, line: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("the proxy runs");
        let line = status.lines().find_map(|seen| seen.strip_prefix(line)).expect("the line is there");
        line.trim_matches([':', ' ', '\t', 'k', 'B']).parse().expect("a number")
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0.id())).map_or(0, Iterator::count)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() -> ExitCode {
    let binary = std::env::var("MESHCTL").unwrap_or_else(|_| "target/release/meshctl".into());
    if !std::path::Path::new(&binary).exists() {
        println!("{binary} is not there: cargo build --release, or set MESHCTL");
        return ExitCode::FAILURE;
    }
    let (seconds, every) = (setting("SOAK_SECONDS", 600), setting("SOAK_EVERY", 30));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().expect("a directory");
    let origins = runtime.block_on(origin::start());
    let site = Arc::new(config::Site::write(folder.path(), origins));
    let proxy = Command::new(&binary)
        .args(["proxy", "run", "--config"])
        .arg(site.bootstrap())
        .stdout(Stdio::null())
        .spawn()
        .expect("the proxy starts");
    let proxy = Proxy(proxy);
    let counts = Arc::new(Counts::default());
    let samples = runtime.block_on(async {
        clients::until_open(site.plain).await;
        clients::start(&site, &counts);
        let begun = Instant::now();
        let mut samples = Vec::new();
        println!("{:>8} {:>10} {:>10} {:>8} {:>10} {:>6}", "seconds", "RSS KiB", "peak KiB", "fds", "good", "bad");
        while begun.elapsed() < Duration::from_secs(seconds) {
            tokio::time::sleep(Duration::from_secs(every)).await;
            let memory = proxy.memory("VmRSS");
            println!(
                "{:>8} {memory:>10} {:>10} {:>8} {:>10} {:>6}",
                begun.elapsed().as_secs(),
                proxy.memory("VmHWM"),
                proxy.descriptors(),
                counts.good.load(Ordering::Relaxed),
                counts.bad.load(Ordering::Relaxed)
            );
            samples.push(memory);
        }
        samples
    });
    tell_failures(&site.log());
    verdict(&samples, &counts)
}

/// Prints what failed upstream where no origin had been asked to reset.
fn tell_failures(log: &std::path::Path) {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    log.lines().filter(|line| !line.contains(" /reset ")).take(20).for_each(|line| println!("log: {line}"));
}

/// Compares the first third with the last.
fn verdict(samples: &[u64], counts: &Counts) -> ExitCode {
    let third = (samples.len() / 3).max(1);
    let mean = |part: &[u64]| part.iter().sum::<u64>() as f64 / part.len().max(1) as f64;
    let (first, last) = (mean(&samples[..third]), mean(&samples[samples.len() - third..]));
    let growth = (last / first - 1.0) * 100.0;
    println!("first third {first:.0} KiB, last third {last:.0} KiB: {growth:+.1} %");
    let bad = counts.bad.load(Ordering::Relaxed);
    if growth > 5.0 || bad > 0 {
        println!("FAILED: {bad} exchanges failed; at most +5.0 % of memory is allowed");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
