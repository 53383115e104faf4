//! What a session is remembered in: a cookie or a header field, which hold the address of the session's host.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};
use prost::Message;

use crate::http::{Headers, RequestHead};
use crate::proto::Reader;
use crate::route::cookie;

/// What the cookie holds.
#[derive(Clone, PartialEq, Eq, Message)]
struct Held {
    #[prost(string, tag = "1")]
    address: String,
    /// Seconds since 1970, 0 for no end.
    #[prost(uint64, tag = "2")]
    expires: u64,
}

/// Where a session is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SessionState {
    /// In a cookie.
    Cookie {
        /// Its name.
        name: String,
        /// Requests with other paths have no session.
        path: String,
        /// How long it is kept, zero for as long as the browser runs.
        ttl: Duration,
        /// What follows the value.
        attributes: String,
    },
    /// In a header field.
    Header(HeaderName),
}

impl SessionState {
    /// Reads the extension that `session_state` names.
    pub(super) fn read(kind: &str, config: &Reader<'_>) -> Option<Self> {
        match kind {
            "envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState" => {
                Self::read_cookie(&config.need("cookie")?)
            }
            "envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState" => {
                let name = config.need_text("name")?;
                let read = HeaderName::from_bytes(name.as_bytes()).ok();
                if read.is_none() {
                    config.defect("name", format!("{name:?} is not a name of a header field"));
                }
                read.map(Self::Header)
            }
            other => {
                config.defect("", format!("the proxy does not have the session state {other}"));
                None
            }
        }
    }

    fn read_cookie(reader: &Reader<'_>) -> Option<Self> {
        let name = reader.need_text("name");
        let ttl = reader.duration("ttl").unwrap_or_default();
        let path = reader.text("path");
        let attributes = reader.list("attributes");
        let attributes: Vec<_> =
            attributes.iter().map(|one| Some((one.need_text("name")?, one.text("value")))).collect();
        let attributes: Option<Vec<(String, String)>> = attributes.into_iter().collect();
        Some(Self::Cookie { name: name?, attributes: cookie::attributes(&path, &attributes?), path, ttl })
    }

    /// Whether the request can have a session at all.
    pub(super) fn covers(&self, head: &RequestHead) -> bool {
        match self {
            Self::Cookie { path, .. } => is_within(head.path_only(), path),
            Self::Header(_) => true,
        }
    }

    /// The address that the request brings, as a text.
    pub(super) fn address(&self, head: &RequestHead, now: SystemTime) -> Option<String> {
        let encoded = match self {
            Self::Cookie { name, .. } => cookie::value(&head.headers, name)?,
            Self::Header(name) => head.headers.get(name)?.as_bytes(),
        };
        let bytes = STANDARD.decode(encoded).ok().filter(|bytes| !bytes.is_empty())?;
        let plain = String::from_utf8_lossy(&bytes).into_owned();
        if matches!(self, Self::Header(_)) {
            return Some(plain);
        }
        match Held::decode(bytes.as_slice()) {
            Ok(held) if held.expires != 0 && held.expires < seconds(now) => None,
            Ok(held) => Some(held.address).filter(|address| !address.is_empty()),
            // Cookies of older versions hold the bare address.
            Err(_) => Some(plain),
        }
    }

    /// Tells the client the host that its session has now.
    pub(super) fn tell(&self, address: &str, headers: &mut Headers, now: SystemTime) {
        match self {
            Self::Header(name) => {
                if let Ok(value) = HeaderValue::try_from(STANDARD.encode(address)) {
                    headers.set(name.clone(), value);
                }
            }
            Self::Cookie { name, ttl, attributes, .. } => {
                let expires = if ttl.is_zero() { 0 } else { seconds(now) + ttl.as_secs() };
                let held = Held { address: address.to_string(), expires };
                let value = STANDARD.encode(held.encode_to_vec());
                if let Ok(value) = HeaderValue::try_from(cookie::set(name, &value, *ttl, attributes)) {
                    headers.add(header::SET_COOKIE, value);
                }
            }
        }
    }
}

fn seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Whether a path is that of a cookie or below it.
fn is_within(path: &str, cookie: &str) -> bool {
    match path.strip_prefix(cookie) {
        Some(rest) => cookie.is_empty() || cookie.ends_with('/') || rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::head;
    use super::*;

    fn cookie_state() -> SessionState {
        let (name, path, attributes) = ("s".into(), "/a".into(), "; Path=/a".into());
        SessionState::Cookie { name, path, ttl: Duration::from_secs(100), attributes }
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_cookie_is_told_and_understood_until_it_expires() {
        let state = cookie_state();
        let mut headers = Headers::new();
        state.tell("127.0.0.1:31912", &mut headers, at(1_795_539_167));
        let told = headers.text(&header::SET_COOKIE).unwrap();
        assert_eq!(told, "s=\"Cg8xMjcuMC4wLjE6MzE5MTIQw4KX2AY=\"; Max-Age=100; Path=/a; HttpOnly");
        let value = told.split(';').next().unwrap();
        let request = head("GET", "/a", &[("cookie", value)]);
        assert_eq!(state.address(&request, at(1_795_539_267)).as_deref(), Some("127.0.0.1:31912"));
        assert_eq!(state.address(&request, at(1_795_539_268)), None);
    }

    #[test]
    fn bare_addresses_are_understood_and_nonsense_is_not() {
        let address = |value: &str| cookie_state().address(&head("GET", "/a", &[("cookie", value)]), at(1));
        assert_eq!(address("s=MTAuMC4wLjE6MQ==").as_deref(), Some("10.0.0.1:1"));
        assert_eq!((address("s=???"), address("s="), address("t=MTAuMC4wLjE6MQ==")), (None, None, None));
    }

    #[test]
    fn sessions_of_a_cookie_are_within_its_path() {
        let covers = |path: &str| cookie_state().covers(&head("GET", path, &[]));
        assert!(covers("/a") && covers("/a/b") && covers("/a?x") && !covers("/ab") && !covers("/"));
    }
}
