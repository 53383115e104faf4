//! What is asked: who sends which request.

use std::fmt;
use std::str::FromStr;

use crate::ir::Key;

/// Who sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A workload of the mesh.
    Workload(Key),
    /// Somebody outside of the mesh, who comes to a gateway.
    Outside,
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workload(key) => key.fmt(f),
            Self::Outside => f.write_str("outside"),
        }
    }
}

/// Where it goes, as the client writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `http`, `https` or `tcp`.
    pub scheme: String,
    /// Host name or address.
    pub host: String,
    /// Port; that of the scheme when the URL has none.
    pub port: u16,
    /// Path and query.
    pub path: String,
    /// The host as the `Host` header has it: with its port when the URL names one.
    pub authority: String,
}

impl Target {
    /// True when a proxy on the way sees the request, and not bytes of TLS or of another protocol.
    pub fn is_readable(&self) -> bool {
        self.scheme == "http"
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

impl FromStr for Target {
    type Err = String;

    /// Reads a URL; without a scheme it is http.
    fn from_str(text: &str) -> Result<Self, String> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: http::Uri = whole.parse().map_err(|error| format!("`{text}` is no URL: {error}"))?;
        let scheme = uri.scheme_str().unwrap_or("http").to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            "tcp" => None,
            other => return Err(format!("`{other}` is no scheme that can be followed: use http, https or tcp")),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| format!("`{text}` has no host"))?;
        let port = uri.port_u16().or(usual).ok_or_else(|| format!("`{text}` needs a port"))?;
        let authority = uri.authority().map_or(host, |all| all.as_str().rsplit('@').next().unwrap_or_default());
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            scheme,
            host: host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase(),
            port,
            path: if path.is_empty() { "/" } else { path }.to_owned(),
            authority: authority.to_owned(),
        })
    }
}

/// A request that somebody might send.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Who.
    pub from: From,
    /// Where to.
    pub to: Target,
    /// Method.
    pub method: http::Method,
    /// Header fields; `host` takes the place of the URL's.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Claims of a token that is valid.
    pub claims: Option<serde_json::Map<String, serde_json::Value>>,
}

impl Question {
    /// A plain GET.
    pub fn get(from: From, to: Target) -> Self {
        Self { from, to, method: http::Method::GET, headers: Vec::new(), claims: None }
    }

    /// The host that the request names.
    pub fn authority(&self) -> &str {
        let own = self.headers.iter().find(|(name, _)| *name == http::header::HOST);
        own.and_then(|(_, value)| value.to_str().ok()).unwrap_or(&self.to.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_may_be_short() {
        let target: Target = "reviews:9080/reviews/1?x=y".parse().unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("reviews", 9080, "/reviews/1?x=y"));
        assert_eq!(target.to_string(), "http://reviews:9080/reviews/1?x=y");
        let target: Target = "https://Web.example".parse().unwrap();
        assert_eq!((target.host.as_str(), target.port, target.path.as_str()), ("web.example", 443, "/"));
    }

    #[test]
    fn what_cannot_be_followed_says_why() {
        for (text, why) in [("ftp://x", "no scheme"), ("tcp://db", "needs a port"), ("http://", "no URL")] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
