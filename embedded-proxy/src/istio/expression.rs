//! The expressions that label values are usually made of: a text, or one attribute. They are a small part of CEL.

use std::borrow::Cow;

use http::HeaderName;

use crate::stream::Exchange;

/// A value for a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Expression {
    /// `'text'`
    Text(String),
    /// `request.host`
    Host,
    /// `request.method`
    Method,
    /// `request.path`
    Path,
    /// `request.url_path`
    UrlPath,
    /// `request.protocol`
    Protocol,
    /// `request.headers['name']`
    RequestHeader(HeaderName),
    /// `response.headers['name']`
    ResponseHeader(HeaderName),
    /// `response.code`
    Code,
    /// `upstream_peer.labels['name']` (true) or `downstream_peer.labels['name']`
    PeerLabel(bool, String),
}

fn quoted(text: &str) -> Option<&str> {
    let inner = ['\'', '"'].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))?;
    (!inner.contains(['\'', '"', '\\'])).then_some(inner)
}

impl Expression {
    /// Reads an expression; the error says what the proxy cannot evaluate.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(text) = quoted(text) {
            return Ok(Self::Text(text.to_string()));
        }
        let key = |prefix: &str| quoted(text.strip_prefix(prefix)?.strip_prefix('[')?.strip_suffix(']')?);
        let name = |prefix| key(prefix).and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
        let found = match text {
            "request.host" => Some(Self::Host),
            "request.method" => Some(Self::Method),
            "request.path" => Some(Self::Path),
            "request.url_path" => Some(Self::UrlPath),
            "request.protocol" => Some(Self::Protocol),
            "response.code" => Some(Self::Code),
            _ => name("request.headers")
                .map(Self::RequestHeader)
                .or_else(|| name("response.headers").map(Self::ResponseHeader))
                .or_else(|| key("upstream_peer.labels").map(|label| Self::PeerLabel(true, label.into())))
                .or_else(|| key("downstream_peer.labels").map(|label| Self::PeerLabel(false, label.into()))),
        };
        found.ok_or_else(|| format!("the proxy cannot evaluate the expression {text:?}"))
    }

    /// Its value; `unknown` when there is none.
    pub fn text<'e>(&'e self, exchange: &'e Exchange) -> Cow<'e, str> {
        self.value(exchange).filter(|value| !value.is_empty()).unwrap_or("unknown".into())
    }

    fn value<'e>(&'e self, exchange: &'e Exchange) -> Option<Cow<'e, str>> {
        let head = &exchange.request.head;
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Host => Some(head.authority.as_str().into()),
            Self::Method => Some(head.method.as_str().into()),
            Self::Path => Some(head.path.as_str().into()),
            Self::UrlPath => Some(head.path_only().into()),
            Self::Protocol => Some(head.version.as_str().into()),
            Self::RequestHeader(name) => head.headers.text(name).map(Into::into),
            Self::ResponseHeader(name) => exchange.info.response.as_ref()?.headers.text(name).map(Into::into),
            Self::Code => exchange.info.code.map(|code| code.to_string().into()),
            Self::PeerLabel(upstream, label) => {
                let peers = exchange.scratch.get::<super::Peers>()?;
                let peer = if *upstream { peers.upstream.as_ref() } else { peers.downstream.as_ref() };
                peer?.labels.get(label).map(|value| value.as_str().into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::http::testing;

    #[tokio::test]
    async fn values_come_from_the_exchange() {
        let exchange = testing::exchange("GET", "/a?b", &[("x-team", "blue")]);
        let value = |text: &str| Expression::new(text).unwrap().text(&exchange).into_owned();
        assert_eq!(value("'fixed'"), "fixed");
        assert_eq!(value("request.url_path"), "/a");
        assert_eq!(value("request.headers['x-team']"), "blue");
        assert_eq!(value("request.headers[\"x-none\"]"), "unknown");
        for bad in ["request.size > 5 ? 'a' : 'b'", "request.headers[x]", "'a' + 'b'", ""] {
            assert!(Expression::new(bad).is_err(), "{bad}");
        }
    }
}
