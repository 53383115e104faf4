//! The PROXY protocol, versions 1 and 2: whom a load balancer speaks for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// First bytes of version 2.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// First bytes of version 1.
const WORD: &[u8] = b"PROXY ";
/// Longest header of version 1, line end included.
const MAX_LINE: usize = 108;

/// A header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// 1 or 2.
    pub version: u8,
    /// Bytes that the header takes.
    pub length: usize,
    /// Client and destination; none when the balancer speaks for itself (`LOCAL`, `UNKNOWN`, not TCP).
    pub addresses: Option<(SocketAddr, SocketAddr)>,
    /// Types and values that follow the addresses in version 2, in order.
    pub tlvs: Vec<(u8, Vec<u8>)>,
}

/// What the bytes so far are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The beginning of a header.
    More,
    /// A header.
    Header(Header),
    /// No header.
    Other,
    /// A header that is broken; why.
    Broken(&'static str),
}

/// Looks at the first bytes of a connection.
pub fn inspect(bytes: &[u8]) -> Seen {
    let begins = |word: &[u8]| {
        let length = bytes.len().min(word.len());
        bytes[..length] == word[..length]
    };
    if begins(SIGNATURE) {
        if bytes.len() < 16 { Seen::More } else { version_2(bytes) }
    } else if begins(WORD) {
        if bytes.len() < WORD.len() { Seen::More } else { version_1(bytes) }
    } else {
        Seen::Other
    }
}

fn version_1(bytes: &[u8]) -> Seen {
    let head = &bytes[..bytes.len().min(MAX_LINE)];
    let Some(end) = head.windows(2).position(|pair| pair == b"\r\n") else {
        return if head.len() < MAX_LINE { Seen::More } else { Seen::Broken("the line is too long") };
    };
    let Ok(line) = std::str::from_utf8(&head[..end]) else { return Seen::Broken("the line is not text") };
    let words: Vec<&str> = line.split(' ').collect();
    let header = |addresses| Seen::Header(Header { version: 1, length: end + 2, addresses, tlvs: Vec::new() });
    match words[1..] {
        ["UNKNOWN", ..] => header(None),
        [family @ ("TCP4" | "TCP6"), source, destination, from, to] => {
            match (address(family, source, from), address(family, destination, to)) {
                (Some(source), Some(destination)) => header(Some((source, destination))),
                _ => Seen::Broken("the line holds a wrong address or port"),
            }
        }
        _ => Seen::Broken("the line has other words than a family, two addresses and two ports"),
    }
}

fn address(family: &str, ip: &str, port: &str) -> Option<SocketAddr> {
    let ip: IpAddr = ip.parse().ok()?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (digits && ip.is_ipv4() == (family == "TCP4")).then_some(SocketAddr::new(ip, port.parse().ok()?))
}

fn version_2(bytes: &[u8]) -> Seen {
    let length = usize::from(u16::from_be_bytes([bytes[14], bytes[15]]));
    if bytes[12] >> 4 != 2 {
        return Seen::Broken("the version is not 2");
    }
    let Some(body) = bytes.get(16..16 + length) else { return Seen::More };
    let header = |addresses, tlvs| Seen::Header(Header { version: 2, length: 16 + length, addresses, tlvs });
    match bytes[12] & 0xf {
        // The balancer's own connection (a health check): the addresses are to be ignored.
        0 => return header(None, Vec::new()),
        1 => {}
        _ => return Seen::Broken("the command is neither LOCAL nor PROXY"),
    }
    let (size, addresses) = match bytes[13] {
        0x11 => (12, v4(body)),
        0x21 => (36, v6(body)),
        // Unspecified, UDP or Unix sockets: a TCP connection keeps its own addresses.
        _ => return header(None, Vec::new()),
    };
    let Some(addresses) = addresses else { return Seen::Broken("the addresses are cut off") };
    match tlvs(&body[size..]) {
        Some(tlvs) => header(Some(addresses), tlvs),
        None => Seen::Broken("a TLV is cut off"),
    }
}

fn array<const N: usize>(body: &[u8], at: usize) -> Option<[u8; N]> {
    body.get(at..at + N)?.try_into().ok()
}

fn v4(body: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let end = |ip, port| Some((Ipv4Addr::from(array::<4>(body, ip)?), u16::from_be_bytes(array(body, port)?)).into());
    Some((end(0, 8)?, end(4, 10)?))
}

fn v6(body: &[u8]) -> Option<(SocketAddr, SocketAddr)> {
    let end = |ip, port| Some((Ipv6Addr::from(array::<16>(body, ip)?), u16::from_be_bytes(array(body, port)?)).into());
    Some((end(0, 32)?, end(16, 34)?))
}

fn tlvs(mut rest: &[u8]) -> Option<Vec<(u8, Vec<u8>)>> {
    let mut all = Vec::new();
    while !rest.is_empty() {
        let length = usize::from(u16::from_be_bytes(array(rest, 1)?));
        all.push((rest[0], rest.get(3..3 + length)?.to_vec()));
        rest = &rest[3 + length..];
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version_2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[0x20 | command, family], &length, body].concat()
    }

    #[test]
    fn headers_are_read_byte_by_byte() {
        let ends = |a: &str, b: &str| Some((a.parse().unwrap(), b.parse().unwrap()));
        let v4 = [1, 2, 3, 4, 5, 6, 7, 8, 0, 80, 1, 187];
        let v6 = [&[0; 15][..], &[1], &[0; 15], &[2], &[0, 1, 0, 2]].concat();
        let tlv = [&v4[..], &[0xea, 0, 2, b'h', b'i', 4, 0, 0]].concat();
        let cases = [
            (b"PROXY TCP4 1.2.3.4 5.6.7.8 80 443\r\n".to_vec(), ends("1.2.3.4:80", "5.6.7.8:443"), vec![]),
            (b"PROXY TCP6 ::1 ::2 1 2\r\n".to_vec(), ends("[::1]:1", "[::2]:2"), vec![]),
            (b"PROXY UNKNOWN\r\n".to_vec(), None, vec![]),
            (version_2(1, 0x11, &v4), ends("1.2.3.4:80", "5.6.7.8:443"), vec![]),
            (version_2(1, 0x21, &v6), ends("[::1]:1", "[::2]:2"), vec![]),
            (version_2(1, 0x11, &tlv), ends("1.2.3.4:80", "5.6.7.8:443"), vec![(0xea, b"hi".to_vec()), (4, vec![])]),
            (version_2(0, 0, &[]), None, vec![]),
        ];
        for (bytes, addresses, tlvs) in cases {
            for end in 0..bytes.len() {
                assert_eq!(inspect(&bytes[..end]), Seen::More, "{end} of {bytes:?}");
            }
            let Seen::Header(header) = inspect(&[&bytes[..], b"GET"].concat()) else { panic!("{bytes:?}") };
            assert_eq!((header.length, header.addresses, header.tlvs), (bytes.len(), addresses, tlvs));
        }
    }

    #[test]
    fn broken_headers_are_told_from_none() {
        assert_eq!(inspect(b"GET / HTTP/1.1"), Seen::Other);
        assert_eq!(inspect(b"PROXIMA"), Seen::Other);
        let long = [b"PROXY ".to_vec(), vec![b'x'; 200]].concat();
        let cut = version_2(1, 0x11, &[1, 2, 3]);
        let cases: [&[u8]; 5] = [
            b"PROXY TCP4 ::1 ::2 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 5.6.7.8 80 99999\r\n",
            b"PROXY TCP4 1.2.3.4\r\n",
            &long,
            &cut,
        ];
        for bytes in cases {
            assert!(matches!(inspect(bytes), Seen::Broken(_)), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(tail in prop::collection::vec(any::<u8>(), 0..80), second in any::<bool>()) {
            let start = if second { SIGNATURE } else { WORD };
            let _ = inspect(&[start, &tail].concat());
        }
    }
}
