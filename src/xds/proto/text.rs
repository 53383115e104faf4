//! Comparisons of texts.

use envoy_types::pb::envoy::extensions::path::r#match::uri_template::v3::UriTemplateMatchConfig;
use envoy_types::pb::envoy::r#type::matcher::v3::{RegexMatcher, StringMatcher, string_matcher::MatchPattern};

use crate::ir::{TextMatch, TextTest};

/// An RE2 expression over the whole text.
pub fn regex(regex: &str) -> RegexMatcher {
    RegexMatcher { regex: regex.to_owned(), ..RegexMatcher::default() }
}

/// A path template as Envoy writes it: `*` for one segment, `**` for the rest.
pub fn template(template: &str) -> UriTemplateMatchConfig {
    UriTemplateMatchConfig { path_template: template.replace("{**}", "**").replace("{*}", "*") }
}

/// A comparison. `None` for [`TextTest::Present`], which a string matcher cannot say.
pub fn text_match(text: &TextMatch) -> Option<StringMatcher> {
    let pattern = match &text.test {
        TextTest::Present => return None,
        TextTest::Exact(text) => MatchPattern::Exact(text.to_string()),
        TextTest::Prefix(text) => MatchPattern::Prefix(text.to_string()),
        TextTest::Suffix(text) => MatchPattern::Suffix(text.to_string()),
        TextTest::Contains(text) => MatchPattern::Contains(text.to_string()),
        TextTest::Regex(text) => MatchPattern::SafeRegex(regex(text)),
    };
    // Envoy ignores the flag for regular expressions: it stands in the expression there.
    let is_regex = matches!(pattern, MatchPattern::SafeRegex(_));
    let pattern = match pattern {
        MatchPattern::SafeRegex(inner) if text.ignore_case => {
            MatchPattern::SafeRegex(regex(&format!("(?i){}", inner.regex)))
        }
        pattern => pattern,
    };
    Some(StringMatcher { ignore_case: text.ignore_case && !is_regex, match_pattern: Some(pattern) })
}
