//! What a connection manager writes on every response: `server`, `date`, `via`, `x-request-id`.

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use http::{HeaderValue, header};

use super::request_id::{REQUEST_ID, RequestIds};
use crate::http::{Headers, RequestHead};
use crate::proto::Reader;

/// What happens to a `server` field of the upstream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Server {
    #[default]
    Overwrite,
    AppendIfAbsent,
    PassThrough,
}

/// Fields that are the same for all responses.
#[derive(Debug, Clone)]
pub struct ResponseRules {
    name: HeaderValue,
    server: Server,
    /// `via` entry of this proxy, on requests and responses.
    pub via: Option<HeaderValue>,
}

impl ResponseRules {
    /// Reads the fields of `HttpConnectionManager`. The server name is `envoy` unless configured: what reads the field
    /// (dashboards, clients' tests) expects the field's own name.
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        let value = |field: &str| {
            let text = reader.opt_text(field)?;
            let value = HeaderValue::try_from(text);
            if value.is_err() {
                reader.defect(field, "is no value of a header field");
            }
            value.ok()
        };
        let server = match reader.word("server_header_transformation").as_str() {
            "APPEND_IF_ABSENT" => Server::AppendIfAbsent,
            "PASS_THROUGH" => Server::PassThrough,
            _ => Server::Overwrite,
        };
        let name = value("server_name").unwrap_or(HeaderValue::from_static("envoy"));
        Self { name, server, via: value("via") }
    }

    /// Adds this proxy's entry to `via`.
    pub fn add_via(&self, headers: &mut Headers) {
        let Some(via) = &self.via else { return };
        let value = match headers.joined(&header::VIA) {
            Some(earlier) => {
                let mut value = earlier.into_owned();
                value.extend_from_slice(b", ");
                value.extend_from_slice(via.as_bytes());
                HeaderValue::from_maybe_shared(bytes::Bytes::from(value)).unwrap_or_else(|_| via.clone())
            }
            None => via.clone(),
        };
        headers.set(header::VIA, value);
    }

    /// Writes the fields.
    pub fn apply(&self, headers: &mut Headers, request: &RequestHead, ids: RequestIds) {
        if !headers.has(&header::DATE) {
            headers.add(header::DATE, date());
        }
        match self.server {
            Server::Overwrite => headers.set(header::SERVER, self.name.clone()),
            Server::AppendIfAbsent if !headers.has(&header::SERVER) => {
                headers.set(header::SERVER, self.name.clone());
            }
            Server::AppendIfAbsent | Server::PassThrough => {}
        }
        if ids.in_response
            && let Some(id) = request.headers.get(&REQUEST_ID)
        {
            headers.set(REQUEST_ID, id.clone());
        }
        self.add_via(headers);
    }
}

thread_local! {
    /// The second that was formatted last, and its text.
    static DATE: RefCell<(u64, HeaderValue)> = const { RefCell::new((0, HeaderValue::from_static("")))};
}

/// Now, as HTTP writes dates; formatted once a second and thread.
fn date() -> HeaderValue {
    let now = SystemTime::now();
    let second = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    DATE.with_borrow_mut(|held| {
        if held.0 != second {
            let text = httpdate::fmt_http_date(now);
            *held = (second, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("")));
        }
        held.1.clone()
    })
}
