//! Rewriting path and host on the way upstream or into a redirect.

use std::borrow::Cow;

use super::{Input, PathMatch, PathRule, TemplateRewrite};
use crate::matching::{Field, Fields as _, RegexRewrite};
use crate::proto::Reader;

/// How a path is rewritten. The query stays.
#[derive(Debug, Clone, PartialEq)]
pub enum PathRewrite {
    /// What matched at the front is replaced.
    Prefix(String),
    /// Matches of an expression within the path are replaced.
    Regex(RegexRewrite),
    /// The template that matched is filled in elsewhere.
    Template(TemplateRewrite),
}

impl PathRewrite {
    /// Reads the rewrites of a `RouteAction` whose route matches by `path`. The outer none: there is a defect.
    #[allow(clippy::option_option)] // None is a defect, Some(None) is no rewrite.
    pub fn read(reader: &Reader<'_>, path: &PathMatch) -> Option<Option<Self>> {
        let prefix = reader.opt_text("prefix_rewrite").map(Self::Prefix);
        let regex = reader.message("regex_rewrite").map(|regex| RegexRewrite::read(&regex).map(Self::Regex));
        let template = reader.message("path_rewrite_policy").map(|policy| read_template(&policy, path));
        let count = usize::from(prefix.is_some()) + usize::from(regex.is_some()) + usize::from(template.is_some());
        if count > 1 {
            reader.defect("", "only one of prefix_rewrite, regex_rewrite and path_rewrite_policy may be set");
            return None;
        }
        match (prefix, regex.or(template)) {
            (_, Some(rewrite)) => rewrite.map(Some),
            (prefix, None) => Some(prefix),
        }
    }

    /// The new path for a path with query.
    pub fn apply(&self, whole: &str, matched: &PathMatch) -> String {
        let (path, rest) = split(whole);
        match self {
            Self::Prefix(prefix) => {
                let cut = matched.matched(path).len();
                format!("{prefix}{}{rest}", &path[cut..])
            }
            Self::Regex(regex) => format!("{}{rest}", regex.apply(path)),
            Self::Template(rewrite) => match &matched.rule {
                PathRule::Template(template) => {
                    rewrite.apply(template, path).map_or_else(|| whole.to_string(), |new| format!("{new}{rest}"))
                }
                _ => whole.to_string(),
            },
        }
    }
}

/// Path and the rest from `?` or `#` on.
pub(super) fn split(whole: &str) -> (&str, &str) {
    whole.split_at(whole.find(['?', '#']).unwrap_or(whole.len()))
}

fn read_template(reader: &Reader<'_>, path: &PathMatch) -> Option<PathRewrite> {
    reader.ignore(&["name"]); // The type tells the extension.
    let (name, config) = reader.any("typed_config")?;
    if name != "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig" {
        config.defect("", format!("the proxy does not have the path rewriter {name}"));
        return None;
    }
    let source = config.need_text("path_template_rewrite")?;
    let PathRule::Template(template) = &path.rule else {
        config.defect("", "a template rewrite needs a route that matches by a template");
        return None;
    };
    match TemplateRewrite::new(&source, template) {
        Ok(rewrite) => Some(PathRewrite::Template(rewrite)),
        Err(error) => {
            config.defect("path_template_rewrite", error);
            None
        }
    }
}

/// How the host is rewritten.
#[derive(Debug, Clone, PartialEq)]
pub enum HostRewrite {
    /// To this.
    Literal(String),
    /// To the value of a header, when it is there.
    Header(Field),
    /// To the path with matches of an expression replaced.
    Path(RegexRewrite),
    /// To the host name of the chosen endpoint, when it has one.
    Auto,
}

impl HostRewrite {
    /// Reads the `host_rewrite_specifier` of a `RouteAction`. The outer none: there is a defect.
    #[allow(clippy::option_option)] // None is a defect, Some(None) is no rewrite.
    pub fn read(reader: &Reader<'_>) -> Option<Option<Self>> {
        Some(match reader.choice("host_rewrite_specifier").as_deref() {
            Some("host_rewrite_literal") => reader.opt_text("host_rewrite_literal").map(Self::Literal),
            Some("host_rewrite_header") => Some(Self::Header(super::need_field(reader, "host_rewrite_header")?)),
            Some("host_rewrite_path_regex") => {
                Some(Self::Path(RegexRewrite::read(&reader.message("host_rewrite_path_regex")?)?))
            }
            Some("auto_host_rewrite") => reader.flag("auto_host_rewrite").then_some(Self::Auto),
            Some(other) => {
                reader.defect(other, "the proxy does not have this way to rewrite the host");
                return None;
            }
            None => None,
        })
    }

    /// The new host before an endpoint is chosen; none when it stays.
    pub fn apply<'r>(&'r self, input: &Input<'r>) -> Option<Cow<'r, str>> {
        match self {
            Self::Literal(host) => Some(host.into()),
            Self::Header(field) => {
                let value = input.head.value(field)?;
                let text = std::str::from_utf8(&value).ok()?.to_string();
                (!text.is_empty()).then_some(text.into())
            }
            Self::Path(regex) => Some(regex.apply(input.head.path_only())),
            Self::Auto => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(prefix: &str) -> PathMatch {
        PathMatch { rule: PathRule::Prefix(prefix.into()), case_sensitive: true }
    }

    #[test]
    fn a_prefix_is_replaced_and_the_query_stays() {
        let rewrite = PathRewrite::Prefix("/b".into());
        assert_eq!(rewrite.apply("/a/x?q=/a", &prefix("/a")), "/b/x?q=/a");
        let exact = PathMatch { rule: PathRule::Exact("/a".into()), case_sensitive: false };
        assert_eq!(rewrite.apply("/A?q", &exact), "/b?q");
        let regex = PathRewrite::Regex(RegexRewrite::new("/a", "/c").unwrap());
        assert_eq!(regex.apply("/a/a?q=/a", &prefix("/")), "/c/c?q=/a");
    }
}
