//! The name of a header field, resolved once: pseudo headers are members of a head, others are looked up.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderName, Method};

use crate::http::{Headers, RequestHead, ResponseHead};

/// A header field by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `:method`
    Method,
    /// `:path`
    Path,
    /// `:authority` or `host`
    Authority,
    /// `:scheme`
    Scheme,
    /// `:protocol`
    Protocol,
    /// `:status`
    Status,
    /// `upgrade`, which heads keep apart from their fields.
    Upgrade,
    /// `connection`: hop by hop, so it only ever announces an upgrade here.
    Connection,
    /// Any other.
    Header(HeaderName),
}

impl Field {
    /// The field of that name, in whatever case; none when it is no name of a field.
    pub fn new(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            ":method" => Self::Method,
            ":path" => Self::Path,
            ":authority" | "host" => Self::Authority,
            ":scheme" => Self::Scheme,
            ":protocol" => Self::Protocol,
            ":status" => Self::Status,
            "upgrade" => Self::Upgrade,
            "connection" => Self::Connection,
            name => Self::Header(HeaderName::from_bytes(name.as_bytes()).ok()?),
        })
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => ":method",
            Self::Path => ":path",
            Self::Authority => ":authority",
            Self::Scheme => ":scheme",
            Self::Protocol => ":protocol",
            Self::Status => ":status",
            Self::Upgrade => "upgrade",
            Self::Connection => "connection",
            Self::Header(name) => name.as_str(),
        })
    }
}

/// Something with header fields.
pub trait Fields {
    /// The value of a field, repetitions joined by commas; none when it is not there.
    fn value(&self, field: &Field) -> Option<Cow<'_, [u8]>>;

    /// The header fields that are not pseudo headers.
    fn fields(&self) -> &Headers;

    /// Whether one of the values of a field is as wanted; none when it is not there.
    fn any(&self, field: &Field, wanted: impl Fn(&[u8]) -> bool) -> Option<bool> {
        let Field::Header(name) = field else { return self.value(field).map(|value| wanted(&value)) };
        let mut values = self.fields().all(name).map(http::HeaderValue::as_bytes).peekable();
        values.peek()?;
        Some(values.any(wanted))
    }
}

impl Fields for RequestHead {
    fn fields(&self) -> &Headers {
        &self.headers
    }

    fn value(&self, field: &Field) -> Option<Cow<'_, [u8]>> {
        match field {
            Field::Method => Some(self.method.as_str().as_bytes().into()),
            Field::Path => (!self.path.is_empty()).then(|| self.path.as_bytes().into()),
            Field::Authority => (!self.authority.is_empty()).then(|| self.authority.as_bytes().into()),
            Field::Scheme => Some(self.scheme.as_bytes().into()),
            Field::Protocol => {
                self.upgrade.as_ref().filter(|_| self.method == Method::CONNECT).map(|token| token.as_bytes().into())
            }
            Field::Upgrade => {
                self.upgrade.as_ref().filter(|_| self.method != Method::CONNECT).map(|token| token.as_bytes().into())
            }
            Field::Connection => {
                (self.upgrade.is_some() && self.method != Method::CONNECT).then(|| b"upgrade".as_slice().into())
            }
            Field::Status => None,
            Field::Header(name) => self.headers.joined(name),
        }
    }
}

impl Fields for ResponseHead {
    fn fields(&self) -> &Headers {
        &self.headers
    }

    fn value(&self, field: &Field) -> Option<Cow<'_, [u8]>> {
        match field {
            Field::Status => Some(self.status.as_str().as_bytes().into()),
            field => self.headers.value(field),
        }
    }
}

impl Fields for Headers {
    fn fields(&self) -> &Headers {
        self
    }

    fn value(&self, field: &Field) -> Option<Cow<'_, [u8]>> {
        match field {
            Field::Header(name) => self.joined(name),
            _ => None,
        }
    }
}
