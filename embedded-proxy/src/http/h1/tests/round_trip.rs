//! What is written is read back as it was, however the bytes are cut.

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;

use super::super::decode::{Decoder, Framing};
use super::super::encode::{self, Answering};
use super::super::fields::Limits;
use super::super::out::Out;
use super::super::response_head::{self, Asked};
use super::super::{fields, request_head};
use super::heads::{LIMITS, options};
use crate::http::{Body, Frame, Headers, RequestHead, ResponseHead, StreamError, Version};

const TRAILERS: Limits = Limits { trailers: true, ..LIMITS };

fn headers() -> impl Strategy<Value = Headers> {
    let field = ("x-[a-z0-9_-]{0,12}", "([!-~]([ -~]{0,20}[!-~])?)?");
    proptest::collection::vec(field, 0..12).prop_map(|fields| {
        fields
            .into_iter()
            .map(|(name, value)| {
                (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(&value).unwrap())
            })
            .collect()
    })
}

/// Reads a body whose bytes arrive in two parts.
fn decode(framing: Framing, bytes: &[u8], cut: usize) -> Result<(Vec<u8>, Option<Headers>, BytesMut), StreamError> {
    let mut decoder = Decoder::new(framing, TRAILERS);
    let mut input = BytesMut::new();
    let (mut body, mut trailers) = (Vec::new(), None);
    for part in [&bytes[..cut], &bytes[cut..]] {
        input.extend_from_slice(part);
        while let Some(frame) = decoder.next(&mut input)? {
            match frame {
                Frame::Data(data) => body.extend_from_slice(&data),
                Frame::Trailers(fields) => trailers = Some(fields),
            }
        }
    }
    decoder.end()?;
    Ok((body, trailers, input))
}

proptest! {
    #[test]
    fn request_heads(fields in headers(), path in "/[!-~]{0,30}", authority in "[a-z0-9.-]{1,12}(:[0-9]{1,4})?", post: bool) {
        let head = RequestHead {
            method: if post { Method::POST } else { Method::GET },
            scheme: "http",
            authority,
            path,
            upgrade: None,
            version: Version::Http11,
            headers: fields,
        };
        let mut out = Out::default();
        let body = if post { Body::Full(Bytes::from_static(b"body")) } else { Body::Empty };
        encode::request(&head, &body, &mut out, false);
        let mut input = BytesMut::from(&out.bytes[..]);
        let parsed = request_head::parse(&mut input, &mut Vec::new(), LIMITS, &options(), "http").unwrap().unwrap();
        prop_assert_eq!(parsed.head, head);
        prop_assert_eq!(parsed.framing, if post { Framing::Chunked } else { Framing::Empty });
        prop_assert!(input.is_empty() && parsed.keep_alive);
    }

    #[test]
    fn response_heads(fields in headers(), status in 200u16..600) {
        let head = ResponseHead { status: StatusCode::from_u16(status).unwrap(), headers: fields };
        let mut out = Out::default();
        encode::response(&head, &Body::Full(Bytes::from_static(b"body")), &mut out, Answering::default());
        let mut input = BytesMut::from(&out.bytes[..]);
        let parsed = response_head::parse(&mut input, &mut Vec::new(), LIMITS, Asked::default()).unwrap().unwrap();
        let bodiless = head.is_bodiless();
        prop_assert_eq!(parsed.head, head);
        prop_assert_eq!(parsed.framing, if bodiless { Framing::Empty } else { Framing::Chunked });
    }

    #[test]
    fn chunked_bodies_cut_at_every_byte(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..5),
        trailers in headers(),
    ) {
        let mut out = Out::default();
        let mut encoder = encode::response(
            &ResponseHead::new(StatusCode::OK),
            &Body::stream(Never),
            &mut out,
            Answering { trailers: true, ..Answering::default() },
        );
        out.bytes.clear();
        for piece in &pieces {
            prop_assert!(encoder.data(&mut out, Bytes::from(piece.clone())));
        }
        prop_assert!(encoder.end(&mut out, Some(&trailers)));
        out.bytes.extend_from_slice(b"next");
        for cut in 0..=out.bytes.len() {
            let (body, read, rest) = decode(Framing::Chunked, &out.bytes, cut).unwrap();
            prop_assert_eq!(&body, &pieces.concat());
            prop_assert_eq!(read.unwrap_or_default(), trailers.clone());
            prop_assert_eq!(&rest[..], b"next");
        }
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut input = BytesMut::from(&bytes[..]);
        let _ = request_head::parse(&mut input, &mut Vec::new(), LIMITS, &options(), "http");
        let mut input = BytesMut::from(&bytes[..]);
        let _ = response_head::parse(&mut input, &mut Vec::new(), LIMITS, Asked::default());
        let _ = decode(Framing::Chunked, &bytes, bytes.len() / 2);
        let _ = fields::trailers(&mut BytesMut::from(&bytes[..]), LIMITS);
    }
}

struct Never;

impl crate::http::BodyStream for Never {
    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame, StreamError>>> {
        std::task::Poll::Pending
    }
}

#[test]
fn chunks_as_they_may_and_may_not_be() {
    let long = format!("3;{}\r\nabc\r\n0\r\n\r\n", "e".repeat(5000));
    let zeros = format!("{}3\r\nabc\r\n0\r\n\r\n", "0".repeat(40));
    for (bytes, fine) in [
        ("3\r\nabc\r\n0\r\n\r\n", true),
        ("3 \r\nabc\r\n0\r\n\r\n", true),
        ("3;ext=1\r\nabc\r\n0\r\n\r\n", true),
        ("3 ; ext=\"a b\"\r\nabc\r\n0;last\r\n\r\n", true),
        (&zeros, true),
        ("3\r\nabc\r\n0\r\nt: 1\r\n\r\n", true),
        (" 3\r\nabc\r\n0\r\n\r\n", false),
        ("3;a\nb\r\nabc\r\n0\r\n\r\n", false),
        ("0x3\r\nabc\r\n0\r\n\r\n", false),
        ("g\r\nabc\r\n0\r\n\r\n", false),
        ("-3\r\nabc\r\n0\r\n\r\n", false),
        ("+3\r\nabc\r\n0\r\n\r\n", false),
        ("3\nabc\n0\n\n", false),
        ("3 4\r\nabc\r\n0\r\n\r\n", false),
        ("3\r\nabcde0\r\n\r\n", false),
        ("3\r\r\nabc\r\n0\r\n\r\n", false),
        ("fffffffffffffffff\r\nabc\r\n0\r\n\r\n", false),
        ("\r\nabc\r\n0\r\n\r\n", false),
        ("3\r\nabc\r\n0\r\nbad\r\n\r\n", false),
        ("3\r\nabc\r\n0\r\nt : 1\r\n\r\n", false),
        ("3\r\nabc\r\n0\r\nt: 1\0\r\n\r\n", false),
        ("3\r\nabc\r\n0\r\ncontent-length: 1\r\n\r\n", false),
        ("3\r\nabc\r\n0\r\ntransfer-encoding: chunked\r\n\r\n", false),
        (&long, false),
        // Envoy forgives what stands between a chunk and its line end.
        ("3\r\nabcX\r\n0\r\n\r\n", false),
        ("3\r\nabc\n0\r\n\r\n", false),
    ] {
        for cut in 0..=bytes.len() {
            let decoded = decode(Framing::Chunked, bytes.as_bytes(), cut);
            assert_eq!(decoded.is_ok(), fine, "{bytes:?} cut at {cut}: {decoded:?}");
            if let Ok((body, _, rest)) = decoded {
                assert_eq!((body.as_slice(), rest.len()), (&b"abc"[..], 0));
            }
        }
    }
    for cut in 0..13 {
        let whole = b"3\r\nabc\r\n0\r\n\r\n";
        let cut = &whole[..cut.min(whole.len() - 1)];
        assert!(decode(Framing::Chunked, cut, 0).is_err(), "an end in the middle is no end: {cut:?}");
    }
}
