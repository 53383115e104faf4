//! `application/grpc-web-text`: gRPC messages as base64.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::http::{Body, BodyStream, Frame, StreamError};

/// Bytes of a message's head: flags and length.
const HEAD: usize = 5;

/// Decodes a request's body on its way. What is no base64 breaks the body.
pub(super) struct Decoder {
    body: Body,
    /// Characters that are no block of four yet.
    rest: Vec<u8>,
}

impl Decoder {
    /// The decoded form of `body`.
    pub(super) fn wrap(body: Body) -> Body {
        Body::stream(Self { body, rest: Vec::new() })
    }

    /// Decodes the blocks that are complete; none when none is.
    fn take(&mut self, data: &[u8]) -> Result<Option<Bytes>, StreamError> {
        self.rest.extend_from_slice(data);
        let whole = self.rest.len() / 4 * 4;
        if whole == 0 {
            return Ok(None);
        }
        let decoded = STANDARD.decode(&self.rest[..whole]).map_err(|_| BROKEN)?;
        self.rest.drain(..whole);
        Ok(Some(decoded.into()))
    }
}

const BROKEN: StreamError = StreamError::Protocol("the body is no base64");

impl BodyStream for Decoder {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, StreamError>>> {
        loop {
            match ready!(self.body.poll_frame(cx)) {
                Some(Ok(Frame::Data(data))) => match self.take(&data) {
                    Ok(Some(decoded)) if decoded.is_empty() => {}
                    Ok(Some(decoded)) => return Poll::Ready(Some(Ok(Frame::Data(decoded)))),
                    Ok(None) => {}
                    Err(error) => return Poll::Ready(Some(Err(error))),
                },
                // Padding is not optional.
                None | Some(Ok(Frame::Trailers(_))) if !self.rest.is_empty() => return Poll::Ready(Some(Err(BROKEN))),
                other => return Poll::Ready(other),
            }
        }
    }
}

/// Encodes a response: each message is base64 of its own, with its padding.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    /// Head of the message that has begun, as far as it is here.
    head: Vec<u8>,
    /// Bytes that are still to come of a message whose head is here.
    left: usize,
    /// Bytes that are no block of three yet.
    block: Vec<u8>,
}

impl Encoder {
    /// The text of these bytes, as far as it is certain.
    pub(super) fn encode(&mut self, mut data: &[u8]) -> Bytes {
        let mut text = String::with_capacity(data.len() / 3 * 4 + 8);
        while !data.is_empty() {
            if self.left == 0 {
                let taken = (HEAD - self.head.len()).min(data.len());
                self.head.extend_from_slice(&data[..taken]);
                data = &data[taken..];
                let [_, a, b, c, d] = self.head[..] else { break };
                self.left = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                self.block = std::mem::take(&mut self.head);
            }
            let taken = self.left.min(data.len());
            self.block.extend_from_slice(&data[..taken]);
            data = &data[taken..];
            self.left -= taken;
            let whole = if self.left == 0 { self.block.len() } else { self.block.len() / 3 * 3 };
            STANDARD.encode_string(&self.block[..whole], &mut text);
            self.block.drain(..whole);
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message, in gRPC's framing.
    fn message(content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[0][..], &length, content].concat()
    }

    #[test]
    fn pieces_of_messages_make_the_same_text_as_the_whole() {
        let messages = [message(b"hello"), message(b""), message(b"you")];
        let expected: String = messages.iter().map(|message| STANDARD.encode(message)).collect();
        let bytes = messages.concat();
        for size in 1..bytes.len() {
            let mut encoder = Encoder::default();
            let text: Vec<u8> = bytes.chunks(size).flat_map(|piece| encoder.encode(piece)).collect();
            assert_eq!(String::from_utf8(text).unwrap(), expected, "in pieces of {size}");
        }
    }

    async fn decoded(pieces: &[&str]) -> Result<Bytes, StreamError> {
        let mut body = Decoder::wrap(crate::filters::http::testing::pieces(pieces));
        body.collect(100).await.map(|(bytes, _)| bytes)
    }

    #[tokio::test]
    async fn pieces_of_text_are_decoded() {
        assert_eq!(decoded(&["aGV", "sb", "G8="]).await.as_deref(), Ok(&b"hello"[..]));
        assert_eq!(decoded(&["aGVs", "bG8"]).await, Err(BROKEN));
        assert_eq!(decoded(&["aG!s"]).await, Err(BROKEN));
    }
}
