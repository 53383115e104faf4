//! Serves a connection in the version of HTTP that its connection manager, ALPN or the client's first bytes say.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncReadExt as _;

use super::{Version, h1, h2};
use crate::hcm::{Codec, ConnectionCount, Hcm};
use crate::net::{Drain, Io};
use crate::stream::Connection;

/// What a client of HTTP/2 sends first (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves the connection to its end.
pub async fn serve(io: Io, connection: Arc<Connection>, hcm: Arc<Hcm>, mut drain: Drain) {
    let (io, http2) = match hcm.codec {
        Codec::Http1 => (io, false),
        Codec::Http2 => (io, true),
        Codec::Auto => match negotiated(&connection) {
            Some(http2) => (io, http2),
            None => {
                let sniffed = tokio::select! {
                    sniffed = sniff(io, &hcm) => sniffed,
                    () = drain.closed() => None,
                };
                let Some(sniffed) = sniffed else { return };
                sniffed
            }
        },
    };
    let version = if http2 { Version::Http2 } else { Version::Http11 };
    let (_counted, io) = ConnectionCount::begin(&hcm, version, &connection, io);
    if http2 {
        Box::pin(h2::serve(io, connection, hcm, drain)).await;
    } else {
        h1::serve(io, connection, hcm, drain).await;
    }
}

/// What ALPN settled: true for HTTP/2. None without TLS or ALPN.
fn negotiated(connection: &Connection) -> Option<bool> {
    let alpn = connection.tls.as_ref()?.alpn.as_deref()?;
    Some(alpn == "h2")
}

/// Reads until the bytes are a preface or cannot become one, and puts them back. None: the connection ended or said
/// nothing for the idle timeout.
async fn sniff(mut io: Io, hcm: &Hcm) -> Option<(Io, bool)> {
    let mut seen = BytesMut::with_capacity(4096);
    let read = async {
        loop {
            match io.read_buf(&mut seen).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            let length = seen.len().min(PREFACE.len());
            if seen[..length] != PREFACE[..length] {
                return Some(false);
            }
            if length == PREFACE.len() {
                return Some(true);
            }
        }
    };
    let http2 = match hcm.timeouts.idle {
        Some(idle) => tokio::time::timeout(idle, read).await.ok().flatten(),
        None => read.await,
    }?;
    Some((Io::replay(seen.freeze(), io), http2))
}
