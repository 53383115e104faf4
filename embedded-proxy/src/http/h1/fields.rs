//! Header fields: read without copying their values, and what those of one hop say.

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, header};

use crate::http::{Headers, StreamError};

/// Limits of a head or of trailers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Bytes of names and values (and of the target).
    pub bytes: usize,
    /// Number of fields.
    pub fields: usize,
    /// Whether trailers are passed on.
    pub trailers: bool,
}

/// Fields that the parser has room for before it asks for memory.
pub(super) const ROOM: usize = 128;

/// Where a name and its value lie in the head.
pub(super) type Span = [u32; 4];

/// Why a head is refused, by Envoy's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400
    Bad(&'static str),
    /// 426
    OldVersion,
    /// 431
    TooLarge(&'static str),
    /// 501
    NotImplemented(&'static str),
}

/// The bytes are not HTTP.
pub(super) const CODEC_ERROR: Refusal = Refusal::Bad("http1.codec_error");

/// More fields than allowed.
pub(super) const TOO_MANY: Refusal = Refusal::TooLarge("http1.too_many_headers");

/// More bytes than allowed.
pub(super) const TOO_LARGE: Refusal = Refusal::TooLarge("http1.headers_too_large");

impl From<httparse::Error> for Refusal {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::HeaderValue => Self::Bad("http1.invalid_characters"),
            httparse::Error::TooManyHeaders => TOO_MANY,
            _ => CODEC_ERROR,
        }
    }
}

/// Notes where the fields lie in `whole`, which they were parsed from.
pub(super) fn note(whole: &[u8], fields: &[httparse::Header<'_>], spans: &mut Vec<Span>) {
    let start = whole.as_ptr().addr();
    let at = |part: &[u8]| u32::try_from(part.as_ptr().addr().wrapping_sub(start)).unwrap_or(0);
    let length = |part: &[u8]| u32::try_from(part.len()).unwrap_or(0);
    spans.clear();
    spans.extend(fields.iter().map(|field| {
        let name = field.name.as_bytes();
        [at(name), length(name), if field.value.is_empty() { 0 } else { at(field.value) }, length(field.value)]
    }));
}

/// The transfer coding of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Coding {
    /// Not said.
    #[default]
    None,
    /// `chunked`, once.
    Chunked,
    /// Something else, or more than once.
    Other,
}

/// What the fields of this hop say. They are not among the headers that are passed on.
#[derive(Debug, Default)]
pub(super) struct Hop {
    /// `content-length` (passed on).
    pub length: Option<u64>,
    /// `transfer-encoding`
    pub coding: Coding,
    /// `connection: close`
    pub close: bool,
    /// `connection: keep-alive`
    pub keep_alive: bool,
    /// `connection: upgrade`
    pub upgrade: bool,
    /// All of `connection`, when it nominates other fields.
    pub nominated: Option<HeaderValue>,
    /// `upgrade`
    pub protocol: Option<HeaderValue>,
    /// `host`: repeated ones are joined.
    pub host: Option<HeaderValue>,
    /// `te: trailers` (passed on).
    pub trailers: bool,
    /// `expect: 100-continue`
    pub expect: bool,
    /// Bytes of names and values.
    pub bytes: usize,
}

/// Reads the fields whose places are known. A response's `host` is a header like others.
pub(super) fn collect(head: &Bytes, spans: &[Span], hop: &mut Hop, request: bool) -> Result<Headers, Refusal> {
    let mut headers = Headers::with_capacity(spans.len() + 8);
    for &[name, name_length, value, value_length] in spans {
        let name = head.get(name as usize..(name + name_length) as usize).ok_or(CODEC_ERROR)?;
        let name = HeaderName::from_bytes(name).map_err(|_| CODEC_ERROR)?;
        let value = head.slice(value as usize..(value + value_length) as usize);
        hop.bytes += name.as_str().len() + value.len();
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| Refusal::Bad("http1.invalid_characters"))?;
        match hop.take(&name, &value, request)? {
            Pass::Yes => headers.add(name, value),
            Pass::Trailers => headers.add(name, HeaderValue::from_static("trailers")),
            Pass::No => {}
        }
    }
    Ok(headers)
}

/// Whether a field is passed on.
enum Pass {
    Yes,
    No,
    /// Only what it says of trailers.
    Trailers,
}

impl Hop {
    /// Notes a field and says whether it is passed on.
    fn take(&mut self, name: &HeaderName, value: &HeaderValue, request: bool) -> Result<Pass, Refusal> {
        if name == header::CONTENT_LENGTH {
            let repeated = self.length.replace(length(value.as_bytes()).ok_or(CODEC_ERROR)?).is_some();
            return if repeated { Err(CODEC_ERROR) } else { Ok(Pass::Yes) };
        }
        if name == header::TRANSFER_ENCODING {
            let chunked = self.coding == Coding::None && value.as_bytes().eq_ignore_ascii_case(b"chunked");
            self.coding = if chunked { Coding::Chunked } else { Coding::Other };
        } else if name == header::CONNECTION {
            self.connection(value);
        } else if name == header::UPGRADE {
            self.protocol = Some(value.clone());
        } else if request && name == header::HOST {
            self.host = Some(match self.host.take() {
                None => value.clone(),
                Some(first) => {
                    let both = [first.as_bytes(), b",", value.as_bytes()].concat();
                    HeaderValue::from_maybe_shared(Bytes::from(both)).map_err(|_| CODEC_ERROR)?
                }
            });
        } else if request && name == header::TE {
            let trailers = tokens(value.as_bytes()).any(|token| token.eq_ignore_ascii_case(b"trailers"));
            if trailers && !std::mem::replace(&mut self.trailers, true) {
                return Ok(Pass::Trailers);
            }
        } else if request && name == header::EXPECT && value.as_bytes().eq_ignore_ascii_case(b"100-continue") {
            self.expect = true;
        } else if !matches!(name.as_str(), "keep-alive" | "proxy-connection") {
            return Ok(Pass::Yes);
        }
        Ok(Pass::No)
    }

    fn connection(&mut self, value: &HeaderValue) {
        let mut nominates = self.nominated.is_some();
        for token in tokens(value.as_bytes()) {
            if token.eq_ignore_ascii_case(b"close") {
                self.close = true;
            } else if token.eq_ignore_ascii_case(b"keep-alive") {
                self.keep_alive = true;
            } else if token.eq_ignore_ascii_case(b"upgrade") {
                self.upgrade = true;
            } else if !token.eq_ignore_ascii_case(b"http2-settings") {
                nominates = true;
            }
        }
        if nominates {
            let joined = match self.nominated.take() {
                None => Some(value.clone()),
                Some(first) => {
                    let both = [first.as_bytes(), b",", value.as_bytes()].concat();
                    HeaderValue::from_maybe_shared(Bytes::from(both)).ok()
                }
            };
            self.nominated = joined;
        }
    }
}

/// The parts of a list that commas separate, without blanks around them, empty ones left out.
pub(super) fn tokens(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|token| !token.is_empty())
}

/// A length: digits only, no sign, no list.
fn length(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Takes trailers and the empty line behind them from the bytes. None: they are not all there yet.
pub(super) fn trailers(bytes: &mut BytesMut, limits: Limits) -> Result<Option<Headers>, StreamError> {
    const BAD: StreamError = StreamError::Protocol("http1.codec_error");
    const LARGE: StreamError = StreamError::Protocol("http1.headers_too_large");
    if bytes.starts_with(b"\r\n") {
        let _ = bytes.split_to(2);
        return Ok(Some(Headers::new()));
    }
    // Bare line ends are not accepted here: what follows could be read as another request.
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return if bytes.len() > limits.bytes { Err(LARGE) } else { Ok(None) };
    };
    let block = bytes.split_to(end + 4).freeze();
    let mut room = vec![httparse::EMPTY_HEADER; limits.fields];
    let mut spans = Vec::new();
    match httparse::parse_headers(&block, &mut room) {
        Ok(httparse::Status::Complete((used, fields))) if used == block.len() => note(&block, fields, &mut spans),
        Err(httparse::Error::TooManyHeaders) => return Err(StreamError::Protocol("http1.too_many_headers")),
        Err(httparse::Error::HeaderValue) => return Err(StreamError::Protocol("http1.invalid_characters")),
        _ => return Err(BAD),
    }
    let mut hop = Hop::default();
    let trailers = collect(&block, &spans, &mut hop, false).map_err(|_| BAD)?;
    // Framing has no place here: a peer that sends it tries to be read twice.
    if hop.bytes > limits.bytes || hop.length.is_some() || hop.coding != Coding::None {
        return Err(if hop.bytes > limits.bytes { LARGE } else { BAD });
    }
    Ok(Some(trailers))
}
