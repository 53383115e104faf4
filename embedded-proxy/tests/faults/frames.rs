//! HTTP/2 by hand: peers that say exactly what a test wants, good or bad.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::support::connect;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;

/// `:status: 200`.
pub const OK: &[u8] = &[0x88];

/// GET http / with the authority `a`.
pub const GET: &[u8] = b"\x82\x86\x84\x41\x01a";

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame that came.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// The last stream and the code of a GOAWAY, the code of a reset.
    pub fn code(&self) -> u32 {
        let at = self.payload.len().min(if self.kind == GOAWAY { 8 } else { 4 });
        u32::from_be_bytes(self.payload[at - 4..at].try_into().unwrap())
    }
}

/// One end of a connection.
pub struct Peer(TcpStream);

impl Peer {
    /// The client's end: preface and empty settings are sent.
    pub fn client(to: SocketAddr) -> Self {
        let mut stream = connect(to);
        stream.write_all(PREFACE).unwrap();
        let mut peer = Self(stream);
        peer.send(SETTINGS, 0, 0, &[]).unwrap();
        peer
    }

    /// The server's end: the preface is taken, settings (identifier, value) are sent.
    pub fn server(mut stream: TcpStream, settings: &[(u16, u32)]) -> io::Result<Self> {
        stream.read_exact(&mut [0; PREFACE.len()])?;
        let mut peer = Self(stream);
        peer.settings(settings)?;
        Ok(peer)
    }

    pub fn settings(&mut self, settings: &[(u16, u32)]) -> io::Result<()> {
        let payload: Vec<u8> = settings
            .iter()
            .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        self.send(SETTINGS, 0, 0, &payload)
    }

    pub fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        self.0.write_all(&frame(kind, flags, stream, payload))
    }

    /// Many bytes at once.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// The next frame; none when the connection has ended.
    pub fn next(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).ok()?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let mut payload = vec![0; length];
        self.0.read_exact(&mut payload).ok()?;
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }

    /// The next frame of a kind; others are passed over, settings are acknowledged.
    pub fn until(&mut self, kind: u8) -> Option<Frame> {
        loop {
            let frame = self.next()?;
            if frame.kind == kind {
                return Some(frame);
            }
            if frame.kind == SETTINGS && frame.flags & ACK == 0 {
                self.send(SETTINGS, ACK, 0, &[]).ok()?;
            }
        }
    }

    /// Everything until the end; gives the codes of all GOAWAYs.
    pub fn end(&mut self) -> Vec<u32> {
        std::iter::from_fn(|| self.until(GOAWAY)).map(|frame| frame.code()).collect()
    }

    pub fn stream(&self) -> &TcpStream {
        &self.0
    }
}

/// A frame in bytes.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}
