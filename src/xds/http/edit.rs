//! Header edits and rewrites of paths.

use envoy_types::pb::envoy::config::core::v3::{
    HeaderValue, HeaderValueOption, header_value_option::HeaderAppendAction,
};
use envoy_types::pb::envoy::r#type::matcher::v3::RegexMatchAndSubstitute;

use crate::ir::{HeaderEdit, HttpMatch, PathEdit, PathTest};
use crate::xds::proto::regex;

/// Headers that are set and added.
pub fn headers(edit: &HeaderEdit) -> Vec<HeaderValueOption> {
    let option = |(name, value): &(crate::ir::Name, crate::ir::Name), action: HeaderAppendAction| HeaderValueOption {
        header: Some(HeaderValue { key: name.to_string(), value: value.to_string(), ..HeaderValue::default() }),
        append_action: action.into(),
        ..HeaderValueOption::default()
    };
    let set = edit.set.iter().map(|pair| option(pair, HeaderAppendAction::OverwriteIfExistsOrAdd));
    let add = edit.add.iter().map(|pair| option(pair, HeaderAppendAction::AppendIfExistsOrAdd));
    set.chain(add).collect()
}

/// Names that are taken away.
pub fn removed(edit: &HeaderEdit) -> Vec<String> {
    edit.remove.iter().map(ToString::to_string).collect()
}

/// A new path, as Envoy can say it.
pub enum NewPath {
    /// In place of what matched.
    Prefix(String),
    /// The whole path.
    Full(String),
    /// By expression.
    Regex(RegexMatchAndSubstitute),
}

/// How a path edit is said for the condition that matched.
pub fn new_path(edit: &PathEdit, condition: Option<&HttpMatch>) -> NewPath {
    let substitute = |pattern: &str, substitution: &str| {
        NewPath::Regex(RegexMatchAndSubstitute { pattern: Some(regex(pattern)), substitution: substitution.to_owned() })
    };
    match edit {
        PathEdit::Full(path) => NewPath::Full(path.to_string()),
        PathEdit::Prefix(prefix) => NewPath::Prefix(prefix.to_string()),
        PathEdit::Regex { pattern, substitution } => substitute(pattern, substitution),
        PathEdit::SegmentPrefix(prefix) => {
            let matched = matched_prefix(condition);
            match (matched, prefix.trim_end_matches('/')) {
                // `/foo/bar` becomes `/bar`, and `/foo` becomes `/`.
                (matched, "") => substitute(&format!("^{}/*(.*)$", regex_escaped(matched)), r"/\1"),
                // The prefix `/` has a slash that the new one must keep.
                ("", prefix) => NewPath::Prefix(format!("{prefix}/")),
                (_, prefix) => NewPath::Prefix(prefix.to_owned()),
            }
        }
    }
}

/// The whole path, by expression: the only way that keeps the query.
pub fn full_path(path: &str) -> RegexMatchAndSubstitute {
    RegexMatchAndSubstitute { pattern: Some(regex("^.*$")), substitution: path.replace('\\', r"\\") }
}

fn matched_prefix(condition: Option<&HttpMatch>) -> &str {
    match condition.and_then(|condition| condition.path.as_ref()).map(|path| &path.test) {
        Some(PathTest::SegmentPrefix(prefix) | PathTest::Prefix(prefix)) => prefix.trim_end_matches('/'),
        _ => "",
    }
}

fn regex_escaped(text: &str) -> String {
    ::regex::escape(text)
}
