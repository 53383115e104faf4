//! Where a body ends, and what its pieces are.

use bytes::{Bytes, BytesMut};

use super::fields::{self, Limits};
use crate::http::{Frame, StreamError};

/// Longest line with a chunk's size, extensions included.
const CHUNK_LINE: usize = 4 * 1024;

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none.
    Empty,
    /// So many bytes.
    Length(u64),
    /// Chunks, each with its size.
    Chunked,
    /// All that comes until the peer ends its side.
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Length(u64),
    Size,
    Chunk(u64),
    ChunkEnd,
    Trailers,
    Raw,
    Done,
}

/// Takes a body apart as its bytes arrive.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    limits: Limits,
}

impl Decoder {
    pub fn new(framing: Framing, limits: Limits) -> Self {
        let state = match framing {
            Framing::Empty | Framing::Length(0) => State::Done,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Size,
            Framing::Raw => State::Raw,
        };
        Self { state, limits }
    }

    /// Whether the body is over.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Whether it ends with the connection.
    pub fn is_raw(&self) -> bool {
        self.state == State::Raw
    }

    /// Bytes still to come, when known.
    pub fn size(&self) -> Option<u64> {
        match self.state {
            State::Length(left) => Some(left),
            State::Done => Some(0),
            _ => None,
        }
    }

    /// The next frame from the bytes at hand. None: more bytes are needed, or the body is over.
    pub fn next(&mut self, bytes: &mut BytesMut) -> Result<Option<Frame>, StreamError> {
        loop {
            match self.state {
                State::Done => return Ok(None),
                State::Raw => return Ok((!bytes.is_empty()).then(|| Frame::Data(bytes.split().freeze()))),
                State::Length(left) => {
                    let Some((data, left)) = take(bytes, left) else { return Ok(None) };
                    self.state = if left == 0 { State::Done } else { State::Length(left) };
                    return Ok(Some(Frame::Data(data)));
                }
                State::Chunk(left) => {
                    let Some((data, left)) = take(bytes, left) else { return Ok(None) };
                    self.state = if left == 0 { State::ChunkEnd } else { State::Chunk(left) };
                    return Ok(Some(Frame::Data(data)));
                }
                State::ChunkEnd => {
                    if bytes.len() < 2 {
                        return if b"\r\n".starts_with(bytes) { Ok(None) } else { Err(BAD_CHUNK) };
                    }
                    if &bytes.split_to(2)[..] != b"\r\n" {
                        return Err(BAD_CHUNK);
                    }
                    self.state = State::Size;
                }
                State::Size => match chunk_size(bytes)? {
                    None => return Ok(None),
                    Some((0, line)) => {
                        let _ = bytes.split_to(line);
                        self.state = State::Trailers;
                    }
                    Some((size, line)) => {
                        let _ = bytes.split_to(line);
                        self.state = State::Chunk(size);
                    }
                },
                State::Trailers => {
                    let Some(trailers) = fields::trailers(bytes, self.limits)? else { return Ok(None) };
                    self.state = State::Done;
                    // Without `enable_trailers` they are read and forgotten.
                    return Ok((self.limits.trailers && !trailers.is_empty()).then_some(Frame::Trailers(trailers)));
                }
            }
        }
    }

    /// The peer ended its side: whether the body may end so.
    pub fn end(&mut self) -> Result<(), StreamError> {
        match self.state {
            State::Done | State::Raw => {
                self.state = State::Done;
                Ok(())
            }
            _ => Err(StreamError::Disconnected),
        }
    }
}

const BAD_CHUNK: StreamError = StreamError::Protocol("http1.codec_error");

/// Up to `left` bytes, and how many are left then. None: there are no bytes.
fn take(bytes: &mut BytesMut, left: u64) -> Option<(Bytes, u64)> {
    if bytes.is_empty() {
        return None;
    }
    let count = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    Some((bytes.split_to(count).freeze(), left - count as u64))
}

/// The size in a chunk's first line and the length of that line. The size is hexadecimal digits at once; blanks and
/// extensions may follow; the line ends with CR LF and nothing else may look like a line end.
fn chunk_size(bytes: &[u8]) -> Result<Option<(u64, usize)>, StreamError> {
    let mut size: u64 = 0;
    let mut digits = 0;
    for byte in bytes {
        let Some(digit) = char::from(*byte).to_digit(16) else { break };
        if size >> 60 != 0 {
            return Err(BAD_CHUNK);
        }
        size = size << 4 | u64::from(digit);
        digits += 1;
    }
    let rest = &bytes[digits..];
    if rest.first().is_some_and(|byte| digits == 0 || !matches!(byte, b' ' | b'\t' | b';' | b'\r')) {
        return Err(BAD_CHUNK);
    }
    match rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        _ if digits > CHUNK_LINE || rest.len() > CHUNK_LINE && !rest[..CHUNK_LINE].contains(&b'\r') => Err(BAD_CHUNK),
        Some(end) if rest[end] == b'\n' => Err(BAD_CHUNK),
        Some(end) => match rest.get(end + 1) {
            None => Ok(None),
            Some(b'\n') => {
                let extension = rest[..end].trim_ascii_start();
                if extension.is_empty() || extension[0] == b';' {
                    Ok(Some((size, digits + end + 2)))
                } else {
                    Err(BAD_CHUNK)
                }
            }
            Some(_) => Err(BAD_CHUNK),
        },
        None => Ok(None),
    }
}
