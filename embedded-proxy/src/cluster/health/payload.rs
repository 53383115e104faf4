//! Bytes that a check sends and expects: `HealthCheck.Payload`.

use bytes::Bytes;

use crate::proto::Reader;

/// Reads one payload: hexadecimal text, or bytes.
pub(super) fn read(reader: &Reader<'_>) -> Option<Bytes> {
    match reader.choice("payload").as_deref() {
        Some("binary") => Some(reader.bytes("binary")),
        Some(_) => {
            let text = reader.text("text");
            let bytes = decode_hex(&text);
            if bytes.is_none() {
                reader.defect("text", format!("{text:?} is not hexadecimal"));
            }
            bytes
        }
        None => {
            reader.defect("payload", "must be set");
            None
        }
    }
}

fn decode_hex(text: &str) -> Option<Bytes> {
    if text.is_empty() || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>().map(Into::into)
}

/// Reads several.
pub(super) fn read_all(readers: &[Reader<'_>]) -> Vec<Bytes> {
    readers.iter().filter_map(read).collect()
}

/// Whether the expected parts stand in the data, one after the other, with anything between them.
pub(super) fn matches(expected: &[Bytes], data: &[u8]) -> bool {
    let mut rest = data;
    expected.iter().all(|part| {
        let found = (0..=rest.len().saturating_sub(part.len())).find(|at| rest[*at..].starts_with(part));
        found.is_some_and(|at| {
            rest = &rest[at + part.len()..];
            true
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_their_order() {
        let parts = [Bytes::from_static(b"ab"), Bytes::from_static(b"cd")];
        assert!(matches(&parts, b"xxabyycdzz"));
        assert!(!matches(&parts, b"cdab"));
        assert!(!matches(&parts, b"abc"));
        assert!(matches(&[], b""));
    }

    #[test]
    fn hexadecimal_is_read() {
        assert_eq!(decode_hex("000A").as_deref(), Some(&[0, 10][..]));
        assert!(decode_hex("0").is_none() && decode_hex("zz").is_none() && decode_hex("").is_none());
    }
}
