//! A small HTTP/1.1 server for the admin interface: bounded in everything, so that no client of it costs the proxy much.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use super::{Admin, Call, Page};
use crate::listener::{Acceptor, Bind, Opened};
use crate::net::{Address, Io};

/// Largest request head and largest body that is read over, bytes.
const LARGEST: usize = 64 * 1024;
/// Most header fields.
const FIELDS: usize = 100;
/// Most connections at the same time.
const CONNECTIONS: usize = 256;
/// Time for one request to arrive, and for a connection without one.
const PATIENCE: Duration = Duration::from_mins(1);

/// Binds the admin interface and serves it on this runtime until the returned task is aborted. The address is the one
/// that the system gave for port 0.
pub fn serve(bind: &Bind, admin: Arc<Admin>) -> io::Result<(Address, tokio::task::JoinHandle<()>)> {
    let Opened { address, sockets, pipe } = bind.open(1)?;
    if address.ip().is_some_and(|ip| !ip.is_loopback()) {
        tracing::warn!("the admin interface listens on {address}: whoever reaches it can read and stop the proxy");
    }
    let socket = sockets.into_iter().next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let acceptor = Acceptor::new(socket)?;
    let accepting = async move {
        // The file of a unix socket goes with the task.
        let _pipe = pipe;
        accept(acceptor, admin).await;
    };
    Ok((address, tokio::spawn(accepting)))
}

async fn accept(listener: Acceptor, admin: Arc<Admin>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let admin = admin.clone();
                tokio::spawn(async move {
                    // A client that goes away in the middle is nobody's concern.
                    let _ = connection(stream, &admin).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!("the admin interface cannot accept: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(mut stream: Io, admin: &Arc<Admin>) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    loop {
        let read = tokio::time::timeout(PATIENCE, request(&mut stream, &mut bytes)).await;
        let Ok(read) = read else { return Ok(()) };
        match read? {
            Read::Closed => return Ok(()),
            Read::Bad => {
                let page = Page::text(400, "Bad Request");
                write(&mut stream, &page, false, true).await?;
                return Ok(());
            }
            Read::Request(request) => {
                let head = request.call.method == "HEAD";
                let page = admin.answer(request.call).await;
                write(&mut stream, &page, head, request.close).await?;
                if request.close {
                    return stream.shutdown().await;
                }
            }
        }
    }
}

enum Read {
    Closed,
    Bad,
    Request(Request),
}

struct Request {
    call: Call,
    close: bool,
}

/// Reads one request and throws its body away.
async fn request(stream: &mut Io, bytes: &mut BytesMut) -> io::Result<Read> {
    loop {
        match parse(bytes) {
            Parsed::Bad => return Ok(Read::Bad),
            Parsed::Done(request, head, body) => {
                bytes.advance(head);
                return Ok(if skip(stream, bytes, body).await? { Read::Request(request) } else { Read::Closed });
            }
            Parsed::More if bytes.len() > LARGEST => return Ok(Read::Bad),
            Parsed::More => {}
        }
        if stream.read_buf(bytes).await? == 0 {
            return Ok(Read::Closed);
        }
    }
}

async fn skip(stream: &mut Io, bytes: &mut BytesMut, mut body: usize) -> io::Result<bool> {
    loop {
        let here = body.min(bytes.len());
        bytes.advance(here);
        body -= here;
        if body == 0 {
            return Ok(true);
        }
        if stream.read_buf(bytes).await? == 0 {
            return Ok(false);
        }
    }
}

enum Parsed {
    More,
    Bad,
    /// The request, the length of its head and of its body.
    Done(Request, usize, usize),
}

fn parse(bytes: &[u8]) -> Parsed {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let head = match request.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Parsed::More,
        Err(_) => return Parsed::Bad,
    };
    let mut close = request.version == Some(0);
    let mut body = 0;
    for field in request.headers.iter() {
        let value = std::str::from_utf8(field.value).unwrap_or_default().trim();
        if field.name.eq_ignore_ascii_case("connection") {
            close |= value.eq_ignore_ascii_case("close");
        } else if field.name.eq_ignore_ascii_case("content-length") {
            match value.parse() {
                Ok(length) if length <= LARGEST => body = length,
                _ => return Parsed::Bad,
            }
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            // No path takes a body.
            return Parsed::Bad;
        }
    }
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    Parsed::Done(Request { call: Call::new(method, target), close }, head, body)
}

async fn write(stream: &mut Io, page: &Page, head: bool, close: bool) -> io::Result<()> {
    let status = http::StatusCode::from_u16(page.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let connection = if close { "connection: close\r\n" } else { "" };
    let mut out = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: {}\r\ncache-control: no-cache, max-age=0\r\nx-content-type-options: nosniff\r\n\
         content-length: {}\r\ndate: {}\r\nserver: envoy\r\n{connection}\r\n",
        page.status,
        status.canonical_reason().unwrap_or_default(),
        page.content_type,
        page.body.len(),
        httpdate::fmt_http_date(SystemTime::now()),
    );
    if !head {
        out.push_str(&page.body);
    }
    stream.write_all(out.as_bytes()).await?;
    stream.flush().await
}
