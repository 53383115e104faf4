//! The path of the request and its query parameters in operators.

use http::HeaderName;

use super::{FormatContext, Piece};
use crate::http::RequestHead;

const ORIGINAL: HeaderName = HeaderName::from_static("x-envoy-original-path");

/// `%PATH(WQ|NQ:ORIG|PATH|ORIG_OR_PATH)%`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathOperator {
    query: bool,
    original: bool,
    current: bool,
}

impl PathOperator {
    /// Reads the parameters; nothing is the same as `WQ:ORIG_OR_PATH`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (query, source) = text.split_once(':').unwrap_or((text, ""));
        let query = match query {
            "" | "WQ" => true,
            "NQ" => false,
            other => return Err(format!("PATH does not take {other:?}, only WQ or NQ")),
        };
        let (original, current) = match source {
            "" | "ORIG_OR_PATH" => (true, true),
            "ORIG" => (true, false),
            "PATH" => (false, true),
            other => return Err(format!("PATH does not take {other:?}, only ORIG, PATH or ORIG_OR_PATH")),
        };
        Ok(Self { query, original, current })
    }

    /// The path.
    pub(super) fn value<'c>(self, context: &FormatContext<'c>) -> Piece<'c> {
        let Some(head) = context.request else { return Piece::None };
        let original = if self.original { head.headers.text(&ORIGINAL) } else { None };
        let current = (self.current && !head.path.is_empty()).then_some(head.path.as_str());
        let path = original.or(current);
        let cut = |path: &'c str| path.split_once('?').map_or(path, |(path, _)| path);
        Piece::text(if self.query { path } else { path.map(cut) })
    }
}

/// The value of the first query parameter of that name, decoded.
pub(super) fn query_parameter(head: &RequestHead, name: &str) -> Option<String> {
    let pairs = head.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.into_iter().find(|(key, _)| decode(key) == name).map(|(_, value)| decode(value))
}

/// Undoes percent encoding; what is no valid escape stays.
pub fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
