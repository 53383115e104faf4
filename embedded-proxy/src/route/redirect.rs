//! Redirects: the answer is a `location` made from the request's own URL.

use http::StatusCode;

use super::rewrite::split;
use super::{PathMatch, domains};
use crate::http::RequestHead;
use crate::matching::RegexRewrite;
use crate::proto::Reader;

/// What becomes of the path.
#[derive(Debug, Clone, PartialEq)]
enum PathChange {
    /// A whole path, perhaps with a query of its own.
    To(String),
    /// The matched prefix is replaced.
    Prefix(String),
    /// Matches of an expression are replaced.
    Regex(RegexRewrite),
}

/// What becomes of the scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
enum SchemeChange {
    Https,
    To(String),
}

/// `RedirectAction`.
#[derive(Debug, Clone, PartialEq)]
pub struct Redirect {
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
    scheme: Option<SchemeChange>,
    host: Option<String>,
    port: Option<u32>,
    path: Option<PathChange>,
    strip_query: bool,
}

impl Redirect {
    /// Reads the message.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let status = match reader.word("response_code").as_str() {
            "FOUND" => StatusCode::FOUND,
            "SEE_OTHER" => StatusCode::SEE_OTHER,
            "TEMPORARY_REDIRECT" => StatusCode::TEMPORARY_REDIRECT,
            "PERMANENT_REDIRECT" => StatusCode::PERMANENT_REDIRECT,
            _ => StatusCode::MOVED_PERMANENTLY,
        };
        let scheme = match reader.choice("scheme_rewrite_specifier").as_deref() {
            Some("https_redirect") => reader.flag("https_redirect").then_some(SchemeChange::Https),
            Some(_) => reader.opt_text("scheme_redirect").map(SchemeChange::To),
            None => None,
        };
        let path = match reader.choice("path_rewrite_specifier").as_deref() {
            Some("path_redirect") => reader.opt_text("path_redirect").map(PathChange::To),
            Some("prefix_rewrite") => reader.opt_text("prefix_rewrite").map(PathChange::Prefix),
            Some("regex_rewrite") => Some(PathChange::Regex(RegexRewrite::read(&reader.message("regex_rewrite")?)?)),
            Some(other) => {
                reader.defect(other, "the proxy does not have this way to rewrite the path");
                return None;
            }
            None => None,
        };
        Some(Self {
            status,
            scheme,
            host: reader.opt_text("host_redirect"),
            port: reader.u32("port_redirect"),
            path,
            strip_query: reader.flag("strip_query"),
        })
    }

    /// To the same URL over https, as `require_tls` wants it.
    pub fn to_https() -> Self {
        Self {
            status: StatusCode::MOVED_PERMANENTLY,
            scheme: Some(SchemeChange::Https),
            host: None,
            port: None,
            path: None,
            strip_query: false,
        }
    }

    /// The `location` for a request that a route matched by `matched`.
    pub fn location(&self, head: &RequestHead, matched: &PathMatch) -> String {
        let scheme = match &self.scheme {
            Some(SchemeChange::Https) => "https",
            Some(SchemeChange::To(scheme)) => scheme,
            None => head.scheme,
        };
        let host = self.host.as_deref().unwrap_or_else(|| self.kept_host(head, scheme));
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{scheme}://{host}{port}{}", self.new_path(&head.path, matched))
    }

    /// The request's own host. A port that is the default of the old scheme goes when the scheme changes, and any port
    /// goes when the redirect has its own.
    fn kept_host<'h>(&self, head: &'h RequestHead, scheme: &str) -> &'h str {
        let host = head.authority.as_str();
        let Some(at) = domains::port_start(host) else { return host };
        let port = &host[at + 1..];
        let default = if head.scheme == "https" { "443" } else { "80" };
        let obsolete = self.scheme.is_some() && scheme != head.scheme && port == default;
        if self.port.is_some() || obsolete { &host[..at] } else { host }
    }

    /// The new path when a rewrite makes it from the old one.
    pub fn rewritten(&self, whole: &str, matched: &PathMatch) -> Option<String> {
        let (path, query) = split(whole);
        match &self.path {
            Some(PathChange::Prefix(prefix)) => {
                Some(format!("{prefix}{}{query}", &path[matched.matched(path).len()..]))
            }
            Some(PathChange::Regex(regex)) => Some(format!("{}{query}", regex.apply(path))),
            _ => None,
        }
    }

    fn new_path(&self, whole: &str, matched: &PathMatch) -> String {
        let (path, query) = split(whole);
        let query = if self.strip_query { "" } else { query };
        match &self.path {
            None => format!("{path}{query}"),
            Some(PathChange::Prefix(prefix)) => format!("{prefix}{}{query}", &path[matched.matched(path).len()..]),
            Some(PathChange::Regex(regex)) => format!("{}{query}", regex.apply(path)),
            // A query of its own replaces that of the request.
            Some(PathChange::To(to)) if to.contains('?') => to.clone(),
            Some(PathChange::To(to)) => format!("{to}{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::PathRule;
    use super::super::tests::{head, read};
    use super::*;

    fn location(config: &Value, url: (&'static str, &str, &str)) -> String {
        let redirect = read("envoy.config.route.v3.RedirectAction", config, Redirect::read).unwrap();
        let mut head = head("GET", url.1, url.2);
        head.scheme = url.0;
        let matched = PathMatch { rule: PathRule::Prefix("/a".into()), case_sensitive: true };
        redirect.location(&head, &matched)
    }

    #[test]
    fn each_part_of_the_url_can_change() {
        let url = ("http", "h:80", "/a/b?q=1");
        assert_eq!(location(&json!({"https_redirect": true}), url), "https://h/a/b?q=1");
        assert_eq!(location(&json!({"scheme_redirect": "http"}), url), "http://h:80/a/b?q=1");
        assert_eq!(location(&json!({"https_redirect": true}), ("http", "h:8080", "/")), "https://h:8080/");
        assert_eq!(location(&json!({"host_redirect": "x"}), url), "http://x/a/b?q=1");
        assert_eq!(location(&json!({"port_redirect": 9}), url), "http://h:9/a/b?q=1");
        assert_eq!(location(&json!({"path_redirect": "/p"}), url), "http://h:80/p?q=1");
        assert_eq!(location(&json!({"path_redirect": "/p?z"}), url), "http://h:80/p?z");
        assert_eq!(location(&json!({"prefix_rewrite": "/p"}), url), "http://h:80/p/b?q=1");
        assert_eq!(location(&json!({"strip_query": true}), url), "http://h:80/a/b");
        let regex = json!({"regex_rewrite": {"pattern": {"regex": "/b"}, "substitution": "/c"}});
        assert_eq!(location(&regex, url), "http://h:80/a/c?q=1");
    }
}
