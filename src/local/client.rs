//! Requests of an application. With a proxy, the connection goes to its outbound listener and names the real destination in
//! the header of the PROXY protocol, as the kernel's redirection would.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::message::Outcome;
use super::pod::Pod;
use super::resolve::resolve;
use super::world::World;

/// Longest answer that is read.
const BODY: usize = 4 << 20;
/// Longest time for one request.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long bytes of an answer without framing are waited for.
const QUIET: Duration = Duration::from_millis(500);
/// The first bytes of version 2 of the PROXY protocol.
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// A request to send.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `http://HOST[:PORT][/PATH]` or `tcp://HOST:PORT`; without a scheme it is HTTP.
    pub url: String,
    /// The method.
    pub method: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// A URL in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    tcp: bool,
    host: String,
    port: u16,
    authority: String,
    path: String,
}

/// Sends a request as the application of a pod, and counts it.
pub async fn send(world: &World, pod: &Pod, request: &Request) -> Outcome {
    let begun = Instant::now();
    let target = Target::parse(&request.url);
    let done = match &target {
        Err(error) => Err(error.clone()),
        Ok(target) => match tokio::time::timeout(PATIENCE, exchange(world, pod, target, request)).await {
            Ok(done) => done,
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        },
    };
    let mut outcome = done.unwrap_or_else(|error| Outcome { error: Some(error), ..Outcome::default() });
    outcome.url.clone_from(&request.url);
    outcome.ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Ok(target) = &target {
        world.traffic.record(&pod.workload.key.name, &target.host, &outcome);
    }
    outcome
}

async fn exchange(world: &World, pod: &Pod, target: &Target, request: &Request) -> Result<Outcome, String> {
    let mesh = world.mesh();
    let to = resolve(&mesh, &pod.workload.key.namespace, &target.host, target.port, world.nameless);
    drop(mesh);
    let stream = connect(pod, to.address).await?;
    if target.tcp {
        return bytes(stream, &request.body).await;
    }
    requested(stream, target, request, to.http2).await
}

async fn connect(pod: &Pod, to: SocketAddr) -> Result<TcpStream, String> {
    let via = pod.outbound();
    let at = via.unwrap_or(to);
    let failed = |error: std::io::Error| format!("cannot connect to {at}: {error}");
    let mut stream = TcpStream::connect(at).await.map_err(failed)?;
    let _ = stream.set_nodelay(true);
    if via.is_some() {
        let from = stream.local_addr().map_or(0, |own| own.port());
        let header = proxy_header(SocketAddr::new(pod.address.into(), from), to);
        stream.write_all(&header).await.map_err(failed)?;
    }
    Ok(stream)
}

/// The header that tells a listener where a connection comes from and where it is going.
fn proxy_header(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    let mut addresses = Vec::new();
    let family = match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            addresses.extend(from.octets());
            addresses.extend(to.octets());
            0x11
        }
        (from, to) => {
            for ip in [from, to] {
                addresses.extend(match ip {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                    IpAddr::V6(ip) => ip.octets(),
                });
            }
            0x21
        }
    };
    addresses.extend(from.port().to_be_bytes());
    addresses.extend(to.port().to_be_bytes());
    let length = u16::try_from(addresses.len()).unwrap_or_default();
    let mut header = SIGNATURE.to_vec();
    header.extend([0x21, family]);
    header.extend(length.to_be_bytes());
    header.extend(addresses);
    header
}

async fn requested(stream: TcpStream, target: &Target, request: &Request, http2: bool) -> Result<Outcome, String> {
    let method = if request.method.is_empty() { "GET" } else { &request.method };
    let uri = if http2 { format!("http://{}{}", target.authority, target.path) } else { target.path.clone() };
    let mut built = http::Request::builder().method(method).uri(uri);
    let host = request.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
    if !http2 {
        built = built.header("host", host.map_or(&target.authority, |(_, value)| value));
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
        built = built.header(name, value);
    }
    let body = Full::new(Bytes::from(request.body.clone()));
    let message = built.body(body).map_err(|error| format!("this request cannot be sent: {error}"))?;
    let broken = |error: hyper::Error| format!("the connection broke: {}", cause(&error));
    let io = TokioIo::new(stream);
    // The connection is driven beside its one request, and dropped with it.

    if http2 {
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.map_err(broken)?;
        beside(connection, async { collect(sender.send_request(message).await.map_err(broken)?).await }).await
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(broken)?;
        beside(connection, async { collect(sender.send_request(message).await.map_err(broken)?).await }).await
    }
}

async fn beside<C: Future, R: Future>(connection: C, request: R) -> R::Output {
    let (mut connection, mut request) = (std::pin::pin!(connection), std::pin::pin!(request));
    tokio::select! {
        biased;
        done = &mut request => done,
        _ = &mut connection => request.await,
    }
}

fn cause(error: &hyper::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

async fn collect(response: http::Response<hyper::body::Incoming>) -> Result<Outcome, String> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, BODY).collect().await.map_err(|error| format!("the answer broke off: {error}"))?;
    let body = body.to_bytes();
    let mut outcome =
        Outcome { status: Some(head.status.as_u16()), headers: headers(&head.headers), ..Outcome::default() };
    match serde_json::from_slice(&body) {
        Ok(answer) => outcome.answer = Some(answer),
        Err(_) => outcome.body = String::from_utf8_lossy(&body).into_owned(),
    }
    Ok(outcome)
}

/// Headers as text; several of one name are joined by commas.
pub fn headers(map: &http::HeaderMap) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in map {
        let value = String::from_utf8_lossy(value.as_bytes());
        all.entry(name.to_string())
            .and_modify(|old| *old = format!("{old}, {value}"))
            .or_insert_with(|| value.into_owned());
    }
    all
}

/// Sends bytes, and gives what came back until it is quiet.
async fn bytes(mut stream: TcpStream, body: &str) -> Result<Outcome, String> {
    let broken = |error: std::io::Error| format!("the connection broke: {error}");
    stream.write_all(body.as_bytes()).await.map_err(broken)?;
    let (mut got, mut piece) = (Vec::new(), [0; 4096]);
    while got.len() < BODY {
        match tokio::time::timeout(QUIET, stream.read(&mut piece)).await {
            Err(_) | Ok(Ok(0)) => break,
            Ok(read) => got.extend_from_slice(&piece[..read.map_err(broken)?]),
        }
    }
    if got.is_empty() {
        return Err("the connection was closed without a byte".into());
    }
    Ok(Outcome { body: String::from_utf8_lossy(&got).into_owned(), ..Outcome::default() })
}

impl Target {
    fn parse(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let tcp = match scheme {
            "http" => false,
            "tcp" => true,
            other => return Err(format!("{url}: the scheme {other} is not one of http and tcp")),
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let uri: http::uri::Authority = authority.parse().map_err(|_| format!("{url}: {authority:?} is no host"))?;
        let port = match uri.port_u16() {
            Some(port) => port,
            None if tcp => return Err(format!("{url}: a port is missing")),
            None => 80,
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let host = uri.host().trim_matches(['[', ']']).to_owned();
        Ok(Self { tcp, host, port, authority: authority.to_owned(), path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_defaults() {
        let target = Target::parse("reviews:9080/reviews/0?x=1").unwrap();
        assert_eq!((&*target.host, target.port, &*target.path), ("reviews", 9080, "/reviews/0?x=1"));
        let target = Target::parse("http://a.b").unwrap();
        assert_eq!((target.port, &*target.path, &*target.authority), (80, "/", "a.b"));
        assert_eq!(Target::parse("http://a?x").unwrap().path, "/?x");
        assert!(Target::parse("tcp://db:3306").unwrap().tcp);
        for wrong in ["tcp://db", "ftp://x", "http://", "http://a b/"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_header_names_both_ends() {
        let (from, to) = ("127.7.0.1:4000".parse().unwrap(), "127.96.0.2:9080".parse().unwrap());
        let header = proxy_header(from, to);
        assert_eq!(header.len(), 28);
        assert_eq!(header[12..16], [0x21, 0x11, 0, 12]);
        assert_eq!(header[16..], [127, 7, 0, 1, 127, 96, 0, 2, 0x0f, 0xa0, 0x23, 0x78]);
        let wide = proxy_header(from, "[::1]:80".parse().unwrap());
        assert_eq!((wide.len(), wide[13], wide[15]), (52, 0x21, 36));
    }
}
