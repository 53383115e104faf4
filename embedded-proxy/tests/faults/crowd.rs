//! Ten thousand connections at once. A process may have 20,000 files open here, so the clients live in a process of their
//! own: this test binary, started again for the one test below that plays them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::config::{bootstrap, hcm, listener};
use super::support::*;

/// Where the clients connect to; without it there is nothing to play.
const TO: &str = "FAULTS_CROWD_TO";

/// How many connections, where not ten thousand.
const COUNT: &str = "FAULTS_CROWD";

fn count() -> usize {
    std::env::var(COUNT).ok().and_then(|count| count.parse().ok()).unwrap_or(10_000)
}

/// One exchange on a connection that stays.
fn exchange(connection: &mut TcpStream) -> bool {
    let mut answer = [0; 4096];
    let asked = connection.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    asked.is_ok() && connection.read(&mut answer).is_ok_and(|read| answer[..read].starts_with(b"HTTP/1.1 200"))
}

#[test]
fn clients_of_the_crowd() {
    let Ok(to) = std::env::var(TO) else { return };
    let to: SocketAddr = to.parse().unwrap();
    let mut connections: Vec<TcpStream> = (0..count()).map(|_| connect(to)).collect();
    let mut words = std::io::stdin().lines();
    // Each word is answered with how many connections are well after an exchange on each.
    while let Some(Ok(_)) = words.next() {
        let well = connections.iter_mut().map(exchange).filter(|well| *well).count();
        println!("\nwell: {well}");
        std::io::stdout().flush().unwrap();
    }
}

/// The other process.
struct Crowd {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Crowd {
    fn start(to: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["faults::crowd::clients_of_the_crowd", "--exact", "--nocapture", "--test-threads=1"])
            .env(TO, to.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Lets each connection have an exchange; gives how many were well.
    fn exchange(&mut self) -> usize {
        self.child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
        let mut line = String::new();
        while !line.starts_with("well: ") {
            line.clear();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "the clients have ended");
        }
        line["well: ".len()..].trim().parse().unwrap()
    }

    /// All connections are closed.
    fn leave(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// Memory of this process, KiB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn ten_thousand_connections_stay_and_go() {
    let files = std::fs::read_to_string("/proc/self/limits").unwrap();
    let files = files.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let files: usize = files.split_whitespace().next().unwrap().parse().unwrap_or(usize::MAX);
    let count = count();
    assert!(files > count + 1000, "{files} files are too few for {count} connections: ulimit -n, or {COUNT}");
    let server = start(&bootstrap(&[listener("main", &hcm(&json!({}), &json!({})))], origin(friendly)));
    let (began, before) = (Instant::now(), memory());
    let mut crowd = Crowd::start(server.address("main").unwrap());
    assert_eq!(crowd.exchange(), count);
    assert_eq!(stat(&server, "listener.main.downstream_cx_active"), i64::try_from(count).unwrap());
    let open = memory();
    assert_eq!(crowd.exchange(), count, "no connection is lost while it idles");
    assert_eq!(stat(&server, "listener.main.downstream_cx_total"), i64::try_from(count).unwrap());
    crowd.leave();
    let left = Instant::now();
    while stat(&server, "listener.main.downstream_cx_active") > 0 {
        assert!(left.elapsed() < Duration::from_secs(30), "connections stay after their clients have gone");
        std::thread::sleep(Duration::from_millis(20));
    }
    emptied(&server, "main");
    serves(server.address("main").unwrap());
    println!(
        "{count} connections in {:.1} s: {} bytes each; {before} KiB before, {open} KiB open, {} KiB after",
        began.elapsed().as_secs_f64(),
        open.saturating_sub(before) * 1024 / count,
        memory()
    );
    server.shutdown();
}
