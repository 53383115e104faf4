//! The clients: each kind goes on for ever at its own pace.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;

use super::Counts;
use super::config::Site;

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Waits until something listens.
pub async fn until_open(to: SocketAddr) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(to).await
            && get(&mut stream, "/").await.is_ok()
        {
            return;
        }
        sleep(millis(50)).await;
    }
}

/// Starts all of them, and what changes the configuration.
pub fn start(site: &Arc<Site>, counts: &Arc<Counts>) {
    for _ in 0..4 {
        tokio::spawn(kept(site.clone(), counts.clone(), false));
        tokio::spawn(kept(site.clone(), counts.clone(), true));
    }
    tokio::spawn(multiplexed(site.clone(), counts.clone(), false));
    tokio::spawn(multiplexed(site.clone(), counts.clone(), true));
    tokio::spawn(bytes_both_ways(site.tcp, counts.clone()));
    tokio::spawn(rude(site.clone()));
    let site = site.clone();
    tokio::spawn(async move {
        for number in 1.. {
            sleep(millis(3000)).await;
            site.change(number);
            if number % 10 == 0 {
                site.rotate();
            }
        }
    });
}

async fn connect(site: &Site, tls: bool, alpn: &[u8]) -> io::Result<Box<dyn Stream>> {
    if !tls {
        return Ok(Box::new(TcpStream::connect(site.plain).await?));
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add(site.root()).map_err(io::Error::other)?;
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from("a").map_err(io::Error::other)?;
    let tcp = TcpStream::connect(site.tls).await?;
    Ok(Box::new(TlsConnector::from(Arc::new(config)).connect(name, tcp).await?))
}

/// Reads a response whose length is given.
async fn response(stream: &mut (impl Stream + ?Sized)) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(head)
}

async fn get(stream: &mut (impl Stream + ?Sized), path: &str) -> io::Result<()> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes()).await?;
    expect(stream, path).await
}

async fn expect(stream: &mut (impl Stream + ?Sized), path: &str) -> io::Result<()> {
    let head = response(stream).await?;
    let wanted = if path == "/reset" { "HTTP/1.1 503 " } else { "HTTP/1.1 200 " };
    if head.starts_with(wanted) { Ok(()) } else { Err(io::Error::other(format!("{path}: {head}"))) }
}

/// HTTP/1: some requests on a connection, then a new one.
async fn kept(site: Arc<Site>, counts: Arc<Counts>, tls: bool) {
    loop {
        let Some(mut stream) = counts.note("connect", connect(&site, tls, b"http/1.1").await) else {
            sleep(millis(500)).await;
            continue;
        };
        for number in 0..60 {
            let path = ["/", "/large", "/", "/slow", "/reset"][number % 5];
            let asked = if number % 7 == 3 { post(&mut *stream, 20_000).await } else { get(&mut *stream, path).await };
            if counts.note("HTTP/1", asked).is_none() {
                break;
            }
            sleep(millis(20)).await;
        }
    }
}

async fn post(stream: &mut (impl Stream + ?Sized), size: usize) -> io::Result<()> {
    let head = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&vec![b'b'; size]).await?;
    expect(stream, "/").await
}

/// HTTP/2: streams side by side, some of which are given up.
async fn multiplexed(site: Arc<Site>, counts: Arc<Counts>, tls: bool) {
    loop {
        let _ = counts.note("HTTP/2", one_connection(&site, &counts, tls).await);
        sleep(millis(20)).await;
    }
}

async fn one_connection(
    site: &Site,
    counts: &Counts,
    tls: bool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = connect(site, tls, b"h2").await?;
    let (mut sender, connection) = h2::client::handshake(stream).await?;
    let driver = tokio::spawn(connection);
    for round in 0..40 {
        let mut answers = Vec::new();
        for path in ["/", "/large", "/slow", "/", "/"] {
            let request = http::Request::get(format!("http://a{path}")).body(())?;
            sender = sender.ready().await?;
            let (answer, _) = sender.send_request(request, true)?;
            answers.push(answer);
        }
        if round % 4 == 0 {
            // Dropped: the stream is reset.
            drop(answers.pop());
        }
        let request = http::Request::post("http://a/").body(())?;
        let (answer, mut body) = sender.send_request(request, false)?;
        body.send_data(Bytes::from_static(&[b'b'; 5000]), true)?;
        answers.push(answer);
        for answer in answers {
            let mut body = counts.note("HTTP/2", ok(answer.await?)).ok_or("no 200")?;
            while let Some(data) = body.data().await {
                body.flow_control().release_capacity(data?.len())?;
            }
        }
        sleep(millis(60)).await;
    }
    drop(sender);
    driver.await??;
    Ok(())
}

fn ok(answer: http::Response<h2::RecvStream>) -> Result<h2::RecvStream, String> {
    if answer.status() == 200 { Ok(answer.into_body()) } else { Err(answer.status().to_string()) }
}

/// Bytes to the echo and back.
async fn bytes_both_ways(to: SocketAddr, counts: Arc<Counts>) {
    for number in 0_u64.. {
        let echoed = async {
            let mut stream = TcpStream::connect(to).await?;
            let mut bytes = vec![b'x'; 50_000];
            stream.write_all(&bytes).await?;
            if number % 3 == 0 {
                // Goes with a reset while bytes are on their way.
                SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            stream.shutdown().await?;
            stream.read_exact(&mut bytes).await?;
            io::Result::Ok(())
        };
        let _ = counts.note("TCP", echoed.await);
        sleep(millis(50)).await;
    }
}

/// Clients that leave in the middle of everything.
async fn rude(site: Arc<Site>) {
    let texts: [&[u8]; 5] = [
        b"GET /slow HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nabc",
        b"GET / HT",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x05\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01",
    ];
    for number in 0.. {
        for to in [site.plain, site.tls] {
            if let Ok(mut stream) = TcpStream::connect(to).await {
                let _ = stream.write_all(texts[number % texts.len()]).await;
                sleep(millis(5)).await;
                if number % 2 == 0 {
                    let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
                }
            }
        }
        sleep(millis(40)).await;
    }
}
