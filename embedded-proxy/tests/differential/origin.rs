//! An origin that tells what it received, and misbehaves when a header asks it to.
//!
//! It answers with `x-origin: NAME` and a body that lists method, target and fields as received, then the body.
//! `x-do: status=503`, `delay=200`, `close`, `reset`, `garbage`, `header=name:value`, `times=N` (fails the first N
//! requests of an `x-case` with 503), `body=N` (N bytes), `chunked`, `untilclose`, `upgrade` change that; several are divided by
//! semicolons.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Ports of all origins.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// The one called `one`.
    pub one: u16,
    /// The one called `two`.
    pub two: u16,
    /// The services that speak gRPC.
    pub grpc: u16,
}

/// Two origins with different names.
pub struct Origin {
    /// Port of the one called `one`.
    pub port: u16,
    /// Port of the one called `two`.
    pub other: u16,
    /// Port of the services that speak gRPC.
    pub grpc: u16,
    seen: [Seen; 2],
}

type Seen = Arc<Mutex<HashMap<String, usize>>>;

impl Origin {
    /// Starts both on ports that the system picks. They end with the process.
    pub fn start() -> Self {
        let seen = [Seen::default(), Seen::default()];
        let (port, other) = (listen("one", seen[0].clone()), listen("two", seen[1].clone()));
        Self { port, other, grpc: super::grpc::start(), seen }
    }

    /// The ports of all of them.
    pub fn ports(&self) -> Ports {
        Ports { one: self.port, two: self.other, grpc: self.grpc }
    }

    /// Forgets which requests it has seen: the next proxy's turn.
    pub fn forget(&self) {
        self.seen.iter().for_each(|seen| seen.lock().expect("not poisoned").clear());
    }
}

fn listen(name: &'static str, seen: Seen) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = seen.clone();
            std::thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                while matches!(serve(name, &stream, &seen), Ok(true)) {}
            });
        }
    });
    port
}

struct Heard {
    line: String,
    fields: Vec<(String, String)>,
    body: String,
}

impl Heard {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Reads one request and answers it. True: the connection goes on.
fn serve(name: &str, stream: &TcpStream, seen: &Seen) -> std::io::Result<bool> {
    let mut reader = BufReader::new(stream);
    let Some(heard) = hear(&mut reader)? else { return Ok(false) };
    let orders = heard.field("x-do").unwrap_or_default().to_string();
    let orders: Vec<(&str, &str)> = orders
        .split(';')
        .filter(|order| !order.is_empty())
        .map(|order| order.split_once('=').unwrap_or((order, "")))
        .collect();
    let order = |name: &str| orders.iter().find(|(order, _)| *order == name).map(|(_, value)| *value);
    let mut status = order("status").unwrap_or("200").to_string();
    if let Some(times) = order("times").and_then(|times| times.parse::<usize>().ok()) {
        let key = format!("{}/{}", heard.line, heard.field("x-case").unwrap_or_default());
        let mut seen = seen.lock().expect("not poisoned");
        let count = seen.entry(key).or_default();
        *count += 1;
        if *count <= times {
            status = order("fail").unwrap_or("503").to_string();
        }
    }
    if let Some(delay) = order("delay").and_then(|delay| delay.parse().ok()) {
        std::thread::sleep(Duration::from_millis(delay));
    }
    let mut out = stream;
    if order("close").is_some() {
        return Ok(false);
    }
    if order("garbage").is_some() {
        out.write_all(b"this is not HTTP\r\n\r\n")?;
        return Ok(false);
    }
    if order("upgrade").is_some() {
        out.write_all(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")?;
        let mut bytes = [0; 1024];
        loop {
            let count = reader.read(&mut bytes)?;
            if count == 0 {
                return Ok(false);
            }
            out.write_all(&bytes[..count])?;
        }
    }
    let body = match order("body").and_then(|length| length.parse().ok()) {
        Some(length) => "b".repeat(length),
        None => told(&heard),
    };
    let mut head = format!("HTTP/1.1 {status} Whatever\r\nx-origin: {name}\r\n");
    for (order, value) in &orders {
        if *order == "header" {
            let (name, value) = value.split_once(':').unwrap_or((value, ""));
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    if order("chunked").is_some() {
        head.push_str("transfer-encoding: chunked\r\n\r\n");
        out.write_all(head.as_bytes())?;
        for piece in body.as_bytes().chunks(50) {
            out.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
            out.write_all(piece)?;
            out.write_all(b"\r\n")?;
        }
        out.write_all(b"0\r\n\r\n")?;
        return Ok(true);
    }
    if order("untilclose").is_some() {
        head.push_str("\r\n");
        out.write_all(head.as_bytes())?;
        out.write_all(body.as_bytes())?;
        return Ok(false);
    }
    let bodiless = heard.line.starts_with("HEAD ") || status == "204" || status == "304";
    if !(status == "204" || status == "304") {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    out.write_all(head.as_bytes())?;
    if order("reset").is_some() {
        out.write_all(&body.as_bytes()[..body.len() / 2])?;
        return Ok(false);
    }
    if !bodiless {
        out.write_all(body.as_bytes())?;
    }
    Ok(true)
}

/// The request as text: what the proxy made of it.
fn told(heard: &Heard) -> String {
    let mut fields: Vec<String> = heard.fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    fields.sort();
    format!("{}\n{}\n{}", heard.line, fields.concat(), heard.body)
}

fn line(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<String>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_string()))
}

fn hear(reader: &mut BufReader<&TcpStream>) -> std::io::Result<Option<Heard>> {
    let Some(first) = line(reader)? else { return Ok(None) };
    let mut heard = Heard { line: first, fields: Vec::new(), body: String::new() };
    loop {
        let Some(field) = line(reader)? else { return Ok(None) };
        if field.is_empty() {
            break;
        }
        let (name, value) = field.split_once(':').unwrap_or((&field, ""));
        heard.fields.push((name.to_string(), value.trim().to_string()));
    }
    if heard.field("expect").is_some() {
        let mut stream = *reader.get_ref();
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    if heard.field("transfer-encoding").is_some() {
        loop {
            let Some(size) = line(reader)? else { return Ok(None) };
            let size = usize::from_str_radix(size.split(';').next().unwrap_or_default(), 16).unwrap_or(0);
            if size == 0 {
                while line(reader)?.is_some_and(|trailer| !trailer.is_empty()) {}
                break;
            }
            let mut piece = vec![0; size];
            reader.read_exact(&mut piece)?;
            body.extend(piece);
            line(reader)?;
        }
    } else if let Some(length) = heard.field("content-length").and_then(|length| length.parse().ok()) {
        body = vec![0; length];
        reader.read_exact(&mut body)?;
    }
    heard.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(heard))
}
