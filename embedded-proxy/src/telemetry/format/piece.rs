//! What one operator yields.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::json::write_json;

/// The value of one operator: typed, so that JSON formats keep numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Piece<'p> {
    /// There is none.
    None,
    /// A text.
    Text(Cow<'p, str>),
    /// A whole number.
    Number(i64),
    /// Metadata: any JSON.
    Json(Cow<'p, Value>),
}

impl<'p> Piece<'p> {
    /// A text of the context, or none.
    pub(super) fn text(text: Option<&'p str>) -> Self {
        text.map_or(Self::None, |text| Self::Text(text.into()))
    }

    /// A text of the context; an empty one is none.
    pub(super) fn filled(text: &'p str) -> Self {
        if text.is_empty() { Self::None } else { Self::Text(text.into()) }
    }

    /// A text that was made, or none.
    pub(super) fn owned(text: Option<String>) -> Self {
        text.map_or(Self::None, |text| Self::Text(text.into()))
    }

    /// A count; counts over `i64` are cut.
    pub(super) fn count(count: u64) -> Self {
        Self::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// Texts joined by commas, none when there are none.
    pub(super) fn list(texts: &[String]) -> Self {
        Self::owned((!texts.is_empty()).then(|| texts.join(",")))
    }

    /// Cuts a text to `limit` bytes, at the boundary of a character. JSON becomes text first.
    pub(super) fn cut(self, limit: Option<usize>) -> Self {
        let Some(limit) = limit else { return self };
        match self {
            Self::Text(text) if text.len() > limit => {
                let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
                match text {
                    Cow::Borrowed(text) => Self::Text(Cow::Borrowed(&text[..end])),
                    Cow::Owned(mut text) => {
                        text.truncate(end);
                        Self::Text(Cow::Owned(text))
                    }
                }
            }
            other => other,
        }
    }

    /// Appends it to a line; `empty` stands for none.
    pub(super) fn write(&self, out: &mut String, empty: &str) {
        match self {
            Self::None => out.push_str(empty),
            Self::Text(text) => out.push_str(text),
            Self::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Json(json) => match json.as_ref() {
                Value::String(text) => out.push_str(text),
                Value::Null => out.push_str(empty),
                json => write_json(json, out),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_never_splits_a_character() {
        let cut = |text: &'static str, limit| Piece::Text(text.into()).cut(Some(limit));
        assert_eq!(cut("aéz", 2), Piece::Text("a".into()));
        assert_eq!(cut("aéz", 3), Piece::Text("aé".into()));
        assert_eq!(cut("aéz", 0), Piece::Text("".into()));
        assert_eq!(cut("aéz", 9), Piece::Text("aéz".into()));
    }
}
