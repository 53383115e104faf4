//! Response heads as upstream servers send them.

use std::mem::MaybeUninit;

use bytes::BytesMut;
use http::{StatusCode, header};

use super::decode::Framing;
use super::fields::{self, Coding, Hop, Limits, ROOM, Refusal, Span};
use crate::http::ResponseHead;

/// What of the request decides how its response is read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asked {
    /// HEAD: no body whatever the head says.
    pub head: bool,
    /// CONNECT: a tunnel when accepted.
    pub connect: bool,
    /// An upgrade: 101 accepts it.
    pub upgrade: bool,
}

/// A response head.
#[derive(Debug)]
pub(super) struct Parsed {
    pub head: ResponseHead,
    pub framing: Framing,
    /// Whether the connection may serve another request behind the body.
    pub keep: bool,
    /// The connection carries another protocol from here on.
    pub tunnel: bool,
}

/// Takes a response head from the bytes. None: it is not all there yet. Informational ones are skipped.
pub(super) fn parse(
    input: &mut BytesMut,
    spans: &mut Vec<Span>,
    limits: Limits,
    asked: Asked,
) -> Result<Option<Parsed>, Refusal> {
    loop {
        let Some(parsed) = one(input, spans, limits, asked)? else { return Ok(None) };
        if parsed.tunnel || !parsed.head.status.is_informational() {
            return Ok(Some(parsed));
        }
    }
}

fn one(input: &mut BytesMut, spans: &mut Vec<Span>, limits: Limits, asked: Asked) -> Result<Option<Parsed>, Refusal> {
    let Some((length, status, minor)) = lines(input, spans, limits)? else {
        return if input.len() > limits.bytes { Err(fields::TOO_LARGE) } else { Ok(None) };
    };
    let whole = input.split_to(length).freeze();
    if spans.len() > limits.fields {
        return Err(fields::TOO_MANY);
    }
    let mut hop = Hop::default();
    let mut headers = fields::collect(&whole, spans, &mut hop, false)?;
    if hop.bytes > limits.bytes {
        return Err(fields::TOO_LARGE);
    }
    let status = StatusCode::from_u16(status).map_err(|_| fields::CODEC_ERROR)?;
    let switching = status == StatusCode::SWITCHING_PROTOCOLS;
    if switching && !asked.upgrade {
        return Err(fields::CODEC_ERROR);
    }
    let tunnel = switching || asked.connect && status.is_success();
    if switching && let Some(protocol) = hop.protocol.take() {
        headers.add(header::UPGRADE, protocol);
    }
    if tunnel {
        // What would frame a body has no meaning in front of a tunnel.
        headers.remove(&header::CONTENT_LENGTH);
        let head = ResponseHead { status, headers };
        return Ok(Some(Parsed { head, framing: Framing::Raw, keep: false, tunnel: true }));
    }
    let mut head = ResponseHead { status, headers };
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        without_body(&hop, &mut head)?;
    }
    let framing = framing(&head, &hop, asked)?;
    let keep = if minor == 0 { hop.keep_alive && !hop.close } else { !hop.close };
    Ok(Some(Parsed { head, framing, keep: keep && framing != Framing::Raw && !asked.upgrade, tunnel: false }))
}

/// 1xx and 204 have no body: a length of zero is dropped, everything else that speaks of one is refused.
fn without_body(hop: &Hop, head: &mut ResponseHead) -> Result<(), Refusal> {
    if hop.coding != Coding::None {
        return Err(Refusal::Bad("http1.transfer_encoding_not_allowed"));
    }
    match hop.length {
        None => Ok(()),
        Some(0) => {
            head.headers.remove(&header::CONTENT_LENGTH);
            Ok(())
        }
        Some(_) => Err(Refusal::Bad("http1.content_length_not_allowed")),
    }
}

fn framing(head: &ResponseHead, hop: &Hop, asked: Asked) -> Result<Framing, Refusal> {
    match hop.coding {
        Coding::Other => return Err(Refusal::Bad("http1.invalid_transfer_encoding")),
        // Two lengths: whoever reads the other one sees another response.
        Coding::Chunked if hop.length.is_some() => {
            return Err(Refusal::Bad("http1.content_length_and_chunked_not_allowed"));
        }
        Coding::Chunked | Coding::None => {}
    }
    Ok(if asked.head || head.is_bodiless() {
        Framing::Empty
    } else if hop.coding == Coding::Chunked {
        Framing::Chunked
    } else {
        hop.length.map_or(Framing::Raw, Framing::Length)
    })
}

/// Length of the head, status code, minor version. None: incomplete.
fn lines(input: &[u8], spans: &mut Vec<Span>, limits: Limits) -> Result<Option<(usize, u16, u8)>, Refusal> {
    let mut room = [const { MaybeUninit::<httparse::Header<'_>>::uninit() }; ROOM];
    let config = httparse::ParserConfig::default();
    let mut response = httparse::Response::new(&mut []);
    let result = config.parse_response_with_uninit_headers(&mut response, input, &mut room);
    if result == Err(httparse::Error::TooManyHeaders) && limits.fields > ROOM {
        let mut room = vec![httparse::EMPTY_HEADER; limits.fields + 1];
        let mut response = httparse::Response::new(&mut room);
        let result = response.parse(input);
        return finish(input, result, &response, spans);
    }
    finish(input, result, &response, spans)
}

fn finish(
    input: &[u8],
    result: httparse::Result<usize>,
    response: &httparse::Response<'_, '_>,
    spans: &mut Vec<Span>,
) -> Result<Option<(usize, u16, u8)>, Refusal> {
    let httparse::Status::Complete(length) = result? else { return Ok(None) };
    fields::note(input, response.headers, spans);
    let (Some(code), Some(minor)) = (response.code, response.version) else { return Err(fields::CODEC_ERROR) };
    Ok(Some((length, code, minor)))
}
