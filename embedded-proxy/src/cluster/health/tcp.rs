//! Checks over TCP: bytes are sent and others expected, or the connection alone is the answer.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::net::Io;
use crate::proto::Reader;

use super::{Checked, payload};

/// Bytes looked at for an answer.
const MOST: usize = 64 << 10;

/// What is sent and expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpCheck {
    /// Bytes to send.
    pub send: Bytes,
    /// Parts to expect, in order; empty when the connection alone is the answer.
    pub receive: Vec<Bytes>,
}

impl TcpCheck {
    /// Reads `TcpHealthCheck`.
    #[allow(clippy::unnecessary_wraps)]
    pub(super) fn read(reader: &Reader<'_>) -> Option<Self> {
        Some(Self {
            send: reader.message("send").and_then(|send| payload::read(&send)).unwrap_or_default(),
            receive: payload::read_all(&reader.list("receive")),
        })
    }

    /// Whether connections are of no use after a check.
    pub(super) fn is_connect_only(&self) -> bool {
        self.receive.is_empty()
    }

    /// Asks over a connection; waits for the answer as long as the caller does.
    pub(super) async fn ask(&self, io: &mut Io) -> Checked {
        if !self.send.is_empty() && (io.write_all(&self.send).await.is_err() || io.flush().await.is_err()) {
            return Checked::Network;
        }
        let mut data = BytesMut::new();
        while !payload::matches(&self.receive, &data) {
            if data.len() > MOST {
                return Checked::Failed;
            }
            match io.read_buf(&mut data).await {
                Ok(0) | Err(_) => return Checked::Network,
                Ok(_) => {}
            }
        }
        Checked::Well
    }
}
