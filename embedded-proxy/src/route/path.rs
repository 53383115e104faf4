//! The path part of a route's match.

use http::Method;

use super::Template;
use crate::http::RequestHead;
use crate::matching::Regex;
use crate::proto::Reader;

/// How the path has to look. Query and fragment are left out.
#[derive(Debug, Clone, PartialEq)]
pub enum PathRule {
    /// Begins with it, byte by byte.
    Prefix(String),
    /// Is it.
    Exact(String),
    /// Is it, or begins with it and a slash.
    Separated(String),
    /// Matches as a whole.
    Regex(Regex),
    /// Matches a URI template.
    Template(Template),
    /// The request is a CONNECT, whatever its path.
    Connect,
}

/// A path rule and whether case matters.
#[derive(Debug, Clone, PartialEq)]
pub struct PathMatch {
    /// The rule.
    pub rule: PathRule,
    /// Whether ASCII case matters (expressions and templates always regard it).
    pub case_sensitive: bool,
}

impl PathMatch {
    /// Reads the path specifier of `envoy.config.route.v3.RouteMatch`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let case_sensitive = reader.opt_flag("case_sensitive").unwrap_or(true);
        let rule = match reader.choice("path_specifier").as_deref() {
            Some("prefix") => PathRule::Prefix(reader.text("prefix")),
            Some("path") => PathRule::Exact(reader.text("path")),
            Some("path_separated_prefix") => PathRule::Separated(separated(reader)?),
            Some("safe_regex") => PathRule::Regex(Regex::read(&reader.message("safe_regex")?)?),
            Some("connect_matcher") => {
                reader.ignore(&["connect_matcher"]); // An empty message: that it is set says all.
                PathRule::Connect
            }
            Some("path_match_policy") => PathRule::Template(read_template(&reader.message("path_match_policy")?)?),
            _ => {
                reader.defect("", "says no path to match");
                return None;
            }
        };
        Some(Self { rule, case_sensitive })
    }

    /// Whether the request's path matches. CONNECT requests only match connect rules: theirs are no paths, except for
    /// those that carry one (extended CONNECT).
    pub fn matches(&self, head: &RequestHead, path: &str) -> bool {
        match &self.rule {
            PathRule::Connect => head.method == Method::CONNECT,
            _ if path.is_empty() && head.method == Method::CONNECT => false,
            PathRule::Prefix(prefix) => self.begins(path, prefix),
            PathRule::Exact(exact) => path.len() == exact.len() && self.begins(path, exact),
            PathRule::Separated(prefix) => {
                self.begins(path, prefix) && matches!(path.as_bytes().get(prefix.len()), None | Some(b'/'))
            }
            PathRule::Regex(regex) => regex.matches(path),
            PathRule::Template(template) => template.matches(path),
        }
    }

    fn begins(&self, path: &str, prefix: &str) -> bool {
        let Some(head) = path.as_bytes().get(..prefix.len()) else { return false };
        if self.case_sensitive { head == prefix.as_bytes() } else { head.eq_ignore_ascii_case(prefix.as_bytes()) }
    }

    /// What a prefix rewrite replaces at the front of a path that matched: the prefix, or all of it.
    pub fn matched<'p>(&self, path: &'p str) -> &'p str {
        match &self.rule {
            PathRule::Prefix(prefix) | PathRule::Separated(prefix) => path.get(..prefix.len()).unwrap_or(path),
            _ => path,
        }
    }
}

fn separated(reader: &Reader<'_>) -> Option<String> {
    let prefix = reader.text("path_separated_prefix");
    if prefix.len() < 2 || prefix.contains(['?', '#']) || prefix.ends_with('/') {
        reader
            .defect("path_separated_prefix", "must be longer than one character, without ?, # and a slash at its end");
        return None;
    }
    Some(prefix)
}

fn read_template(reader: &Reader<'_>) -> Option<Template> {
    reader.ignore(&["name"]); // The type tells the extension.
    let (name, config) = reader.any("typed_config")?;
    if name != "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig" {
        config.defect("", format!("the proxy does not have the path matcher {name}"));
        return None;
    }
    match Template::new(&config.need_text("path_template")?) {
        Ok(template) => Some(template),
        Err(error) => {
            config.defect("path_template", error);
            None
        }
    }
}

impl std::fmt::Display for PathMatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.rule {
            PathRule::Prefix(prefix) => write!(f, "path begins with {prefix:?}"),
            PathRule::Exact(exact) => write!(f, "path is {exact:?}"),
            PathRule::Separated(prefix) => write!(f, "path is {prefix:?} or below"),
            PathRule::Regex(regex) => write!(f, "path matches /{}/", regex.source()),
            PathRule::Template(template) => write!(f, "path matches the template {}", template.source()),
            PathRule::Connect => f.write_str("method is CONNECT"),
        }?;
        if self.case_sensitive { Ok(()) } else { f.write_str(" (case ignored)") }
    }
}
