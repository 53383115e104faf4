//! Server name and application protocols out of a TLS ClientHello, without ending TLS.
//!
//! The parser looks at as few bytes as it can, takes hellos that are split over records and over packets, and never
//! looks at more than [`MAX_HELLO`] bytes.

/// Most bytes of a hello (records included) that are looked at, as in Envoy.
pub const MAX_HELLO: usize = 16 * 1024;

/// What a hello says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hello {
    /// Server name, lower case.
    pub server_name: Option<String>,
    /// Application protocols in the client's order.
    pub protocols: Vec<String>,
}

/// What the bytes so far are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The beginning of a hello.
    More,
    /// A whole hello.
    Hello(Hello),
    /// The client does not speak TLS.
    Other,
    /// The hello is larger than the limit.
    TooLarge,
}

/// A part of a hello that ended too early or holds what it must not.
struct Malformed;

/// Reads fields from the front.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of `count` bytes, at most 3.
    fn number(&mut self, count: usize) -> Result<usize, Malformed> {
        Ok(self.take(count)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// Bytes behind their length, which has `count` bytes itself.
    fn block(&mut self, count: usize) -> Result<Fields<'b>, Malformed> {
        let length = self.number(count)?;
        self.take(length).map(Fields)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Looks at the first bytes of a connection. `limit` bounds the hello.
pub fn inspect(bytes: &[u8], limit: usize) -> Seen {
    let mut hello = Vec::new();
    let mut rest = bytes;
    let mut seen = 0;
    // Each round takes one record. The common hello is one whole record; others are put together.
    loop {
        let Some(header) = header(rest) else { return Seen::Other };
        let Header::Whole(length) = header else { return Seen::More };
        seen += 5 + length;
        let body = &rest[5..];
        let body = &body[..length.min(body.len())];
        let whole = body.len() == length;
        let piece = if hello.is_empty() && whole { message(body) } else { None };
        if let Some(piece) = piece {
            return piece;
        }
        hello.extend_from_slice(body);
        match message(&hello) {
            Some(piece) => return piece,
            None if size(&hello).is_some_and(|size| size > limit) || seen > limit && hello.len() + 4 > limit => {
                return Seen::TooLarge;
            }
            None if !whole => return Seen::More,
            None => rest = &rest[5 + length..],
        }
    }
}

enum Header {
    Part,
    Whole(usize),
}

/// The header of a handshake record; none when the bytes are something else.
fn header(bytes: &[u8]) -> Option<Header> {
    let fits = |at: usize, is: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| is(*byte));
    if !fits(0, |byte| byte == 22) || !fits(1, |byte| byte == 3) || !fits(2, |byte| byte <= 4) {
        return None;
    }
    let Some([high, low]) = bytes.get(3..5) else { return Some(Header::Part) };
    let length = usize::from(*high) << 8 | usize::from(*low);
    (1..=16 * 1024).contains(&length).then_some(Header::Whole(length))
}

/// Size that a handshake message says it has.
fn size(message: &[u8]) -> Option<usize> {
    Some(4 + Fields(message.get(1..4)?).number(3).ok()?)
}

/// What the handshake bytes are; none when more are needed.
fn message(bytes: &[u8]) -> Option<Seen> {
    if bytes.first().is_some_and(|kind| *kind != 1) {
        return Some(Seen::Other);
    }
    let body = bytes.get(4..size(bytes)?)?;
    Some(client_hello(&mut Fields(body)).map_or(Seen::Other, Seen::Hello))
}

fn client_hello(fields: &mut Fields<'_>) -> Result<Hello, Malformed> {
    fields.take(2 + 32)?;
    if fields.block(1)?.0.len() > 32 {
        return Err(Malformed);
    }
    let ciphers = fields.block(2)?;
    if ciphers.is_empty() || ciphers.0.len() % 2 == 1 || fields.block(1)?.is_empty() {
        return Err(Malformed);
    }
    let mut hello = Hello::default();
    if fields.is_empty() {
        return Ok(hello);
    }
    let mut extensions = fields.block(2)?;
    if !fields.is_empty() {
        return Err(Malformed);
    }
    while !extensions.is_empty() {
        let kind = extensions.number(2)?;
        let mut content = extensions.block(2)?;
        match kind {
            0 => hello.server_name = server_name(&mut content)?,
            16 => hello.protocols = protocols(&mut content)?,
            _ => {}
        }
    }
    Ok(hello)
}

fn server_name(content: &mut Fields<'_>) -> Result<Option<String>, Malformed> {
    let mut names = content.block(2)?;
    while !names.is_empty() {
        let kind = names.number(1)?;
        let name = names.block(2)?;
        if kind == 0 {
            let name = std::str::from_utf8(name.0).map_err(|_| Malformed)?;
            if name.is_empty() || name.contains('\0') {
                return Err(Malformed);
            }
            return Ok(Some(name.to_ascii_lowercase()));
        }
    }
    Ok(None)
}

fn protocols(content: &mut Fields<'_>) -> Result<Vec<String>, Malformed> {
    let mut list = content.block(2)?;
    let mut all = Vec::new();
    while !list.is_empty() {
        let name = list.block(1)?;
        if name.is_empty() {
            return Err(Malformed);
        }
        all.push(String::from_utf8_lossy(name.0).into_owned());
    }
    Ok(all)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(count: usize, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[4 - count..], content].concat()
    }

    fn extension(kind: u8, content: &[u8]) -> Vec<u8> {
        [vec![0, kind], block(2, content)].concat()
    }

    /// The handshake message of a hello, with `padding` bytes of an extension nobody knows.
    fn handshake(name: &str, protocols: &[&str], padding: usize) -> Vec<u8> {
        let mut extensions = extension(21, &vec![0; padding]);
        if !name.is_empty() {
            extensions.extend(extension(0, &block(2, &[vec![0], block(2, name.as_bytes())].concat())));
        }
        let list: Vec<u8> = protocols.iter().flat_map(|protocol| block(1, protocol.as_bytes())).collect();
        extensions.extend(extension(16, &block(2, &list)));
        let body =
            [vec![3, 3], vec![7; 32], block(1, &[9; 32]), block(2, &[0x13, 1]), block(1, &[0]), block(2, &extensions)];
        [vec![1], block(3, &body.concat())].concat()
    }

    /// Records of at most `size` bytes.
    pub(crate) fn records(name: &str, protocols: &[&str], padding: usize, size: usize) -> Vec<u8> {
        let message = handshake(name, protocols, padding);
        message.chunks(size).flat_map(|piece| [vec![22, 3, 1], block(2, piece)].concat()).collect()
    }

    #[test]
    fn a_hello_is_read_byte_by_byte_and_over_records() {
        for size in [1, 3, 50, 16384] {
            let bytes = records("A.Example.com", &["h2", "istio"], 100, size);
            for end in 0..bytes.len() {
                assert_eq!(inspect(&bytes[..end], MAX_HELLO), Seen::More, "{end} of records of {size}");
            }
            let Seen::Hello(hello) = inspect(&bytes, MAX_HELLO) else { panic!("records of {size}") };
            assert_eq!(
                (hello.server_name.as_deref(), hello.protocols),
                (Some("a.example.com"), vec!["h2".into(), "istio".into()])
            );
        }
        assert_eq!(inspect(&records("", &[], 0, 9999), MAX_HELLO), Seen::Hello(Hello::default()));
    }

    #[test]
    fn other_protocols_are_told_at_the_first_byte_that_tells() {
        for bytes in
            [&b"G"[..], b"PRI * HTTP/2.0", b"\x16\x02", b"\x16\x03\x09", b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\0\0"]
        {
            assert_eq!(inspect(bytes, MAX_HELLO), Seen::Other, "{bytes:?}");
        }
        // A handshake that begins with something else than a hello; an alert.
        assert_eq!(inspect(b"\x16\x03\x01\0\x01\x02", MAX_HELLO), Seen::Other);
        assert_eq!(inspect(b"\x15\x03\x01\0\x02\x02\x28", MAX_HELLO), Seen::Other);
    }

    #[test]
    fn large_hellos_are_refused_early() {
        // A length of 16 MB is believed at once.
        assert_eq!(inspect(b"\x16\x03\x01\x40\0\x01\xff\xff\xff", MAX_HELLO), Seen::TooLarge);
        let bytes = records("a.b", &["h2"], 1000, 16384);
        assert_eq!(
            inspect(&bytes, 300),
            Seen::Hello(Hello { server_name: Some("a.b".into()), protocols: vec!["h2".into()] })
        );
        assert_eq!(inspect(&bytes[..200], 300), Seen::TooLarge, "it will not fit");
    }

    #[test]
    fn broken_hellos_are_not_tls() {
        let good = records("a.example.com", &["h2"], 0, 16384);
        // Every length byte is set too large in turn; none may panic, and none may find another name.
        for at in 9..good.len() {
            let mut bad = good.clone();
            bad[at] = bad[at].wrapping_add(1);
            if let Seen::Hello(hello) = inspect(&bad, MAX_HELLO) {
                assert!(hello.server_name.is_none_or(|name| name.len() == "a.example.com".len()));
            }
        }
        assert_eq!(inspect(&records("\0", &[], 0, 99), MAX_HELLO), Seen::Other);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..600), tls in any::<bool>()) {
            if tls && bytes.len() > 6 {
                bytes[..3].copy_from_slice(&[22, 3, 1]);
                bytes[5] = 1;
            }
            let whole = inspect(&bytes, MAX_HELLO);
            // What is decided stays decided when more bytes come.
            let half = inspect(&bytes[..bytes.len() / 2], MAX_HELLO);
            prop_assert!(half == Seen::More || half == whole);
        }
    }
}
