//! Cookies: those of a request, and those that responses set.

use std::fmt::Write as _;
use std::time::Duration;

use http::header;

use crate::http::Headers;

/// The value of the first cookie of that name, without quotes around it.
pub(crate) fn value<'h>(headers: &'h Headers, name: &str) -> Option<&'h [u8]> {
    let cookies = headers.iter().filter(|(field, _)| **field == header::COOKIE).map(|(_, value)| value.as_bytes());
    for cookie in cookies.flat_map(|value| value.split(|byte| *byte == b';')) {
        let cookie = cookie.trim_ascii_start();
        let Some(at) = cookie.iter().position(|byte| *byte == b'=') else { continue };
        if &cookie[..at] == name.as_bytes() {
            return Some(unquoted(cookie[at + 1..].trim_ascii_end()));
        }
    }
    None
}

/// What follows the value of a new cookie: its path, and attributes in order.
pub(crate) fn attributes(path: &str, more: &[(String, String)]) -> String {
    let mut text = String::new();
    if !path.is_empty() {
        // Writing to a text does not fail.
        let _ = write!(text, "; Path={path}");
    }
    for (name, value) in more {
        let equals = if value.is_empty() { "" } else { "=" };
        let _ = write!(text, "; {name}{equals}{value}");
    }
    text
}

/// `set-cookie` for a value; it ends with the browser when `ttl` is zero.
pub(crate) fn set(name: &str, value: &str, ttl: Duration, attributes: &str) -> String {
    let age = match ttl.as_secs() {
        0 => String::new(),
        seconds => format!("; Max-Age={seconds}"),
    };
    format!("{name}=\"{value}\"{age}{attributes}; HttpOnly")
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value {
        [b'"', inner @ .., b'"'] => inner,
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let headers: Headers = ["a=1; bc=\"2\"", "d=3;e=4"]
            .into_iter()
            .map(|value| (header::COOKIE, HeaderValue::from_static(value)))
            .collect();
        assert_eq!(value(&headers, "bc"), Some(b"2".as_slice()));
        assert_eq!(value(&headers, "e"), Some(b"4".as_slice()));
        assert_eq!(value(&headers, "c"), None);
    }
}
