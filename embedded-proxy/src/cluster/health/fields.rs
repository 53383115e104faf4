//! Header fields that a check adds to its request. There is no exchange they could take values from: operators are refused.

use http::{HeaderName, HeaderValue};

use crate::http::RequestHead;
use crate::proto::Reader;

/// What happens when a field is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Append,
    AddIfAbsent,
    Overwrite,
    OverwriteIfExists,
}

/// Fields to add, and names to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldEdits {
    add: Vec<(String, HeaderValue, Action)>,
    remove: Vec<HeaderName>,
}

impl FieldEdits {
    /// Reads a list of `HeaderValueOption` and a list of names.
    pub(super) fn read(reader: &Reader<'_>, add: &str, remove: Option<&str>) -> Self {
        let mut edits = Self::default();
        for option in reader.list(add) {
            edits.add.extend(Self::read_one(&option));
        }
        for name in remove.map(|field| reader.texts(field)).unwrap_or_default() {
            edits.remove.extend(HeaderName::from_bytes(name.as_bytes()).ok());
        }
        edits
    }

    fn read_one(option: &Reader<'_>) -> Option<(String, HeaderValue, Action)> {
        let header = option.need("header")?;
        let name = header.need_text("key")?;
        let text = header.text("value");
        if text.replace("%%", "").contains('%') {
            header.defect("value", "a health check has no exchange whose values could stand here");
            return None;
        }
        let raw = header.bytes("raw_value");
        let value = if raw.is_empty() { text.replace("%%", "%").into_bytes() } else { raw.to_vec() };
        let (Ok(value), Ok(_)) = (HeaderValue::from_bytes(&value), name.trim_start_matches(':').parse::<HeaderName>())
        else {
            header.defect("", "is no valid header field");
            return None;
        };
        let word = option.word("append_action");
        let action = match (option.opt_flag("append"), word.as_str()) {
            (Some(false), _) | (_, "OVERWRITE_IF_EXISTS_OR_ADD") => Action::Overwrite,
            (_, "ADD_IF_ABSENT") => Action::AddIfAbsent,
            (_, "OVERWRITE_IF_EXISTS") => Action::OverwriteIfExists,
            _ => Action::Append,
        };
        let keep_empty = option.flag("keep_empty_value");
        (keep_empty || !value.is_empty()).then_some((name.to_ascii_lowercase(), value, action))
    }

    /// Edits the head of a request.
    pub(super) fn apply(&self, head: &mut RequestHead) {
        for name in &self.remove {
            head.headers.remove(name);
        }
        for (name, value, action) in &self.add {
            if matches!(name.as_str(), "host" | ":authority") {
                head.authority = value.to_str().unwrap_or_default().to_string();
                continue;
            }
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { continue };
            let there = head.headers.has(&name);
            match action {
                Action::Append => head.headers.add(name, value.clone()),
                Action::AddIfAbsent if there => {}
                Action::OverwriteIfExists if !there => {}
                _ => head.headers.set(name, value.clone()),
            }
        }
    }
}
