//! `make bench`: one hop, an mTLS pair, gRPC, TCP, idle connections and latency at a fixed rate, for this proxy, Envoy and
//! HAProxy in the same run on the same machine.
//!
//! The proxy under test has one worker and core 0 to itself; the origin (HAProxy, which answers without looking) and the
//! load (wrk, h2load) share core 1. CPU time and memory of the proxy's processes come from /proc. Envoy and this proxy read
//! the same file. What is not installed is left out with a word.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the bench talks to a terminal")]
#![allow(clippy::disallowed_methods, reason = "files of its own in a temporary directory")]
#![allow(clippy::cast_precision_loss, reason = "rates and shares")]

#[path = "support/proxy/certs.rs"]
mod certs;
#[path = "support/proxy/config.rs"]
mod config;
#[path = "support/proxy/load.rs"]
mod load;
#[path = "support/proxy/subject.rs"]
mod subject;

use std::error::Error;

use config::{Ports, Shape};
use load::Load;
use subject::{Kind, Running};

/// A row of the table: what is configured, and what load it gets.
const ROWS: [(&str, Shape, Load); 8] = [
    ("HTTP/1, 64 connections", Shape::Http1, Load::Wrk { connections: 64, seconds: 6 }),
    ("HTTP/1, full filter chain", Shape::Filters, Load::Wrk { connections: 64, seconds: 6 }),
    ("HTTP/1, 64 KiB responses", Shape::Http1Large, Load::Wrk { connections: 16, seconds: 4 }),
    ("mTLS HTTP/2 pair", Shape::Pair, Load::Wrk { connections: 64, seconds: 6 }),
    ("gRPC (h2c), 8 x 16 streams", Shape::Grpc, Load::Grpc { clients: 8, streams: 16, seconds: 6 }),
    ("TCP", Shape::Tcp, Load::Wrk { connections: 64, seconds: 6 }),
    ("1,000 idle connections", Shape::Http1, Load::Idle { connections: 1000 }),
    ("HTTP/1 at 8,000/s", Shape::Http1, Load::Rate { clients: 32, rate: 250, seconds: 8 }),
];

fn main() -> Result<(), Box<dyn Error>> {
    let only = std::env::args().nth(1).filter(|word| !word.starts_with("--")).unwrap_or_default();
    let folder = tempfile::tempdir()?;
    certs::write(folder.path())?;
    for tool in ["haproxy", "wrk", "h2load", "taskset"] {
        if subject::which(tool).is_none() {
            println!("make bench needs {tool}: apt-get install haproxy wrk nghttp2-client util-linux");
            return Ok(());
        }
    }
    println!("{:<28} {:<9} {:>9} {:>11} {:>9} {:>9} {:>9}", "", "", "req/s", "CPU/req", "p50", "p99", "memory");
    for (title, shape, load) in ROWS.iter().filter(|(title, ..)| title.contains(&only)) {
        let mut envoy = None;
        for kind in [Kind::Envoy, Kind::HaProxy, Kind::Ours] {
            let Some(figures) = measure(folder.path(), kind, *shape, *load)? else { continue };
            println!("{title:<28} {:<9} {figures}", kind.name());
            match kind {
                Kind::Envoy => envoy = Some(figures),
                Kind::HaProxy => {}
                Kind::Ours => {
                    if let Some(envoy) = &envoy {
                        println!("{:<28} {:<9} {}", "", "ratio", figures.ratio(envoy));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Starts origin and proxy, puts the load on and reads what it cost. None: this kind has no such configuration.
fn measure(
    folder: &std::path::Path,
    kind: Kind,
    shape: Shape,
    load: Load,
) -> Result<Option<load::Figures>, Box<dyn Error>> {
    let ports = Ports::pick()?;
    let origin = Running::origin(folder, &ports)?;
    let Some(proxy) = Running::proxy(folder, kind, shape, &ports)? else { return Ok(None) };
    Running::await_port(ports.proxy)?;
    let figures = load::run(load, &ports, shape, &proxy)?;
    drop((proxy, origin));
    Ok(Some(figures))
}
