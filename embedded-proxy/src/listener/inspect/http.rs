//! Whether a client speaks HTTP, from its first bytes: a request line, or the preface of HTTP/2.

/// Most bytes of a request line that are looked at (Envoy: 64 KiB; no request with a longer line is served here).
pub const MAX_LINE: usize = 64 * 1024;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Methods of requests that count as HTTP: those of RFC 9110 and of WebDAV and its relatives, as in Envoy's parser.
const METHODS: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// What the bytes so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The beginning of something that may be HTTP.
    More,
    /// HTTP, as Envoy names the version: `http/1.0`, `http/1.1` or `h2c`.
    Http(&'static str),
    /// Something else.
    Other,
}

/// Looks at the first bytes of a connection.
pub fn inspect(bytes: &[u8]) -> Seen {
    if bytes.is_empty() {
        return Seen::More;
    }
    let preface = bytes.len().min(PREFACE.len());
    if bytes[..preface] == PREFACE[..preface] {
        return if preface == PREFACE.len() { Seen::Http("h2c") } else { Seen::More };
    }
    // Empty lines before a request are allowed.
    let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
    let Some(line) = start.map(|start| &bytes[start..]) else {
        return if bytes.len() < 64 { Seen::More } else { Seen::Other };
    };
    let Some(space) = line.iter().position(|byte| *byte == b' ') else {
        let begins = METHODS.iter().any(|method| method.as_bytes().starts_with(line));
        return if begins { Seen::More } else { Seen::Other };
    };
    if !METHODS.iter().any(|method| method.as_bytes() == &line[..space]) {
        return Seen::Other;
    }
    let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
        let printable = line.iter().all(|byte| *byte >= b' ' && *byte != 0x7f || *byte == b'\r');
        return if printable && line.len() < MAX_LINE { Seen::More } else { Seen::Other };
    };
    let line = line[..end].strip_suffix(b"\r").unwrap_or(&line[..end]);
    match line.rsplitn(2, |byte| *byte == b' ').next() {
        Some(b"HTTP/1.1") => Seen::Http("http/1.1"),
        Some(b"HTTP/1.0") => Seen::Http("http/1.0"),
        _ => Seen::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_told_byte_by_byte() {
        let cases: [(&[u8], &str); 5] = [
            (b"GET / HTTP/1.1\r\n", "http/1.1"),
            (b"M-SEARCH * HTTP/1.0\n", "http/1.0"),
            (b"\r\nPUT /a?b HTTP/1.1\r\n", "http/1.1"),
            (PREFACE, "h2c"),
            (b"PROPFIND /x HTTP/1.1\r\n", "http/1.1"),
        ];
        for (bytes, wanted) in cases {
            for end in 0..bytes.len() {
                assert_eq!(inspect(&bytes[..end]), Seen::More, "{:?}", &bytes[..end]);
            }
            assert_eq!(inspect(bytes), Seen::Http(wanted));
        }
    }

    #[test]
    fn other_bytes_are_not_http() {
        let cases =
            ["\x16\x03", "SSH-2.0", "GETT / HTTP/1.1", "GET / HTTP/3\r\n", "GET /\n", "get / HTTP/1.1", "\0", "*1\r\n"];
        for bytes in cases {
            assert_eq!(inspect(bytes.as_bytes()), Seen::Other, "{bytes:?}");
        }
        assert_eq!(inspect(&[b'\n'; 65]), Seen::Other, "empty lines do not go on for ever");
        let long = [b"GET /".to_vec(), vec![b'a'; MAX_LINE]].concat();
        assert_eq!(inspect(&long), Seen::Other);
        assert_eq!(inspect(b"GET /\x01"), Seen::Other);
    }
}
