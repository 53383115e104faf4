//! Header fields that a check adds to its request. There is no exchange they could take values from: operators are refused.

use http::{HeaderName, HeaderValue};

use crate::http::RequestHead;
use crate::proto::Reader;
use crate::route::Append;

/// Fields to add, and names to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FieldEdits {
    add: Vec<(String, HeaderValue, Append)>,
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

    fn read_one(option: &Reader<'_>) -> Option<(String, HeaderValue, Append)> {
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
        let append = Append::read(option);
        let keep_empty = option.flag("keep_empty_value");
        (keep_empty || !value.is_empty()).then_some((name.to_ascii_lowercase(), value, append))
    }

    /// Edits the head of a request.
    pub(super) fn apply(&self, head: &mut RequestHead) {
        for name in &self.remove {
            head.headers.remove(name);
        }
        for (name, value, append) in &self.add {
            if matches!(name.as_str(), "host" | ":authority") {
                head.authority = value.to_str().unwrap_or_default().to_string();
                continue;
            }
            if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                append.apply(&mut head.headers, &name, value.clone());
            }
        }
    }
}
