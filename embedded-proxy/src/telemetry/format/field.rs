//! Names of header fields in operators: `:PATH`, `X-REQUEST-ID`, and `MAIN?OTHER`.

use std::borrow::Cow;

use http::HeaderName;

use super::{FormatContext, Piece};
use crate::http::{Headers, RequestHead, ResponseHead};

/// A field, or a pseudo header.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Method,
    Path,
    Authority,
    Scheme,
    Protocol,
    Status,
    Header(HeaderName),
}

/// On which message a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Request head.
    Request,
    /// Response head.
    Response,
    /// Response trailers.
    Trailers,
}

/// A field and the one that is taken when it is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    side: Side,
    main: Name,
    other: Option<Name>,
}

impl Name {
    fn parse(text: &str) -> Result<Self, String> {
        let lower = text.to_ascii_lowercase();
        Ok(match lower.as_str() {
            ":method" => Self::Method,
            ":path" => Self::Path,
            ":authority" | "host" => Self::Authority,
            ":scheme" => Self::Scheme,
            ":protocol" => Self::Protocol,
            ":status" => Self::Status,
            name => Self::Header(
                HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("{text:?} is no name of a header field"))?,
            ),
        })
    }

    fn of_request<'c>(&self, head: &'c RequestHead) -> Option<Cow<'c, str>> {
        match self {
            Self::Method => Some(head.method.as_str().into()),
            Self::Path => (!head.path.is_empty()).then(|| head.path.as_str().into()),
            Self::Authority => (!head.authority.is_empty()).then(|| head.authority.as_str().into()),
            Self::Scheme => Some(head.scheme.into()),
            Self::Protocol => head.upgrade.as_deref().map(Into::into),
            Self::Status => None,
            Self::Header(name) => first(&head.headers, name),
        }
    }

    fn of_response<'c>(&self, head: &'c ResponseHead) -> Option<Cow<'c, str>> {
        match self {
            Self::Status => Some(head.status.as_str().to_string().into()),
            Self::Header(name) => first(&head.headers, name),
            _ => None,
        }
    }

    fn of_trailers<'c>(&self, trailers: &'c Headers) -> Option<Cow<'c, str>> {
        match self {
            Self::Header(name) => first(trailers, name),
            _ => None,
        }
    }
}

/// The first value of that name: operators print no others.
fn first<'c>(headers: &'c Headers, name: &HeaderName) -> Option<Cow<'c, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

impl Fields {
    /// Reads `MAIN` or `MAIN?OTHER`.
    pub(super) fn parse(side: Side, text: &str) -> Result<Self, String> {
        let (main, other) = match text.split_once('?') {
            Some((_, other)) if other.contains('?') => {
                return Err(format!("{text:?} names more than one alternative header field"));
            }
            Some((main, other)) => (main, Some(Name::parse(other)?)),
            None => (text, None),
        };
        Ok(Self { side, main: Name::parse(main)?, other })
    }

    /// The value of the field.
    pub(super) fn value<'c>(&self, context: &FormatContext<'c>) -> Piece<'c> {
        let value = self.find(&self.main, context).or_else(|| self.find(self.other.as_ref()?, context));
        value.map_or(Piece::None, Piece::Text)
    }

    fn find<'c>(&self, name: &Name, context: &FormatContext<'c>) -> Option<Cow<'c, str>> {
        match self.side {
            Side::Request => name.of_request(context.request?),
            Side::Response => name.of_response(context.response?),
            Side::Trailers => name.of_trailers(context.trailers?),
        }
    }
}
