//! What a request asks for: the second word of its first line.

use http::Method;

use super::fields::{CODEC_ERROR, Refusal};

/// A request target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Path and query; empty for CONNECT.
    pub path: String,
    /// Host and port when the target names them.
    pub authority: Option<String>,
    /// Its length, for limits.
    pub size: usize,
}

const INVALID: Refusal = Refusal::Bad("http1.invalid_url");

/// Reads a target. `absolute`: URLs are taken apart; otherwise they are handed on as a path.
pub(super) fn read(method: &Method, target: &str, absolute: bool) -> Result<Target, Refusal> {
    let size = target.len();
    if !target.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) || target.is_empty() {
        return Err(CODEC_ERROR);
    }
    if *method == Method::CONNECT {
        return if is_host_port(target, true) {
            Ok(Target { path: String::new(), authority: Some(target.to_string()), size })
        } else {
            Err(INVALID)
        };
    }
    if target.starts_with('/') || target == "*" && *method == Method::OPTIONS {
        return Ok(Target { path: target.to_string(), authority: None, size });
    }
    if target.starts_with('*') {
        return Err(INVALID);
    }
    let (scheme, rest) = target.split_once("://").ok_or(CODEC_ERROR)?;
    if scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(CODEC_ERROR);
    }
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if !authority.bytes().all(is_authority) {
        return Err(CODEC_ERROR);
    }
    if !absolute {
        return Ok(Target { path: target.to_string(), authority: None, size });
    }
    // User and password are for the client's eyes.
    let host = authority.rsplit('@').next().unwrap_or_default();
    if !is_host_port(host, false) {
        return Err(INVALID);
    }
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(Refusal::Bad("http1.invalid_scheme"));
    }
    let path = if path.is_empty() { "/" } else { path };
    Ok(Target { path: path.to_string(), authority: Some(host.to_string()), size })
}

/// Whether the byte may stand in an authority (RFC 3986, user and port included).
pub(super) fn is_authority(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@[]".contains(&byte)
}

/// A host with a port, which only a URL may leave out.
fn is_host_port(text: &str, needs_port: bool) -> bool {
    let bracket = text.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match text[bracket..].rfind(':') {
        Some(colon) => (&text[..bracket + colon], Some(&text[bracket + colon + 1..])),
        None => (text, None),
    };
    let host_fits = !host.is_empty() && host.bytes().all(|byte| is_authority(byte) && byte != b'@');
    let port_fits = match port {
        None => !needs_port,
        Some(port) => port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok(),
    };
    host_fits && port_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(target: &str) -> Result<(Option<String>, String), Refusal> {
        read(&Method::GET, target, true).map(|target| (target.authority, target.path))
    }

    #[test]
    fn forms_of_targets() {
        assert_eq!(get("/a?b#c"), Ok((None, "/a?b#c".into())));
        assert_eq!(get("http://b/x?y"), Ok((Some("b".into()), "/x?y".into())));
        assert_eq!(get("HTTPS://u:p@b:1"), Ok((Some("b:1".into()), "/".into())));
        assert_eq!(get("http://[::1]:80/x"), Ok((Some("[::1]:80".into()), "/x".into())));
        assert_eq!(get("http://b?x=1"), Ok((Some("b".into()), "?x=1".into())));
        assert_eq!(get("ftp://b/x"), Err(Refusal::Bad("http1.invalid_scheme")));
        for invalid in ["*", "http:///x", "http://b:99999/x", "http://b:x/"] {
            assert_eq!(get(invalid), Err(INVALID), "{invalid}");
        }
        for error in ["foo", "/a\tb", "/\u{80}", "", "1://b/", "http://a b/"] {
            assert_eq!(get(error), Err(CODEC_ERROR), "{error}");
        }
        assert_eq!(read(&Method::OPTIONS, "*", true).unwrap().path, "*");
        assert_eq!(read(&Method::GET, "http://b/x", false).unwrap().path, "http://b/x");
    }

    #[test]
    fn connect_names_a_host_and_a_port() {
        let connect = |target| read(&Method::CONNECT, target, true);
        assert_eq!(connect("b:80").unwrap().authority.unwrap(), "b:80");
        assert_eq!(connect("[::1]:443").unwrap().path, "");
        for invalid in ["b", "/x", "http://b/", ":80", "b:", "b:99999", "u@b:80"] {
            assert_eq!(connect(invalid), Err(INVALID), "{invalid}");
        }
    }
}
