//! New paths.

use super::scope::Refusal;
use crate::dialects::gateway_api::types::PathModifier;
use crate::ir::PathEdit;
use crate::schema::Text;
use crate::schema::values::text_or_empty;

/// The edit that a modifier says. `of_prefix` tells whether all conditions of the rule are prefixes.
pub fn edit(path: &str, modifier: &PathModifier, of_prefix: bool) -> Result<PathEdit, Refusal> {
    let refuse = |reason: &str| Err(Refusal::new(path, modifier.place, reason));
    let text = |text: &Option<Text>| text_or_empty(text.as_ref()).to_owned();
    match modifier.r#type.as_ref().map_or("", Text::as_str) {
        "ReplaceFullPath" if modifier.replace_full_path.is_none() => refuse("`replaceFullPath` is not set"),
        "ReplacePrefixMatch" if modifier.replace_prefix_match.is_none() => refuse("`replacePrefixMatch` is not set"),
        "ReplaceFullPath" => Ok(PathEdit::Full(match text(&modifier.replace_full_path) {
            path if path.starts_with('/') => path.into(),
            path => format!("/{path}").into(),
        })),
        "ReplacePrefixMatch" if !of_prefix => refuse("`ReplacePrefixMatch` needs matches of type `PathPrefix`"),
        "ReplacePrefixMatch" => Ok(PathEdit::SegmentPrefix(match text(&modifier.replace_prefix_match) {
            prefix if prefix.starts_with('/') => prefix.into(),
            prefix => format!("/{prefix}").into(),
        })),
        _ => refuse("the type of a path must be `ReplaceFullPath` or `ReplacePrefixMatch`"),
    }
}
