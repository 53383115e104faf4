//! Header edits at a table, virtual host, route or weighted cluster: fields to remove, then fields to set and to add.

use http::{HeaderName, HeaderValue, header};

use crate::http::Headers;
use crate::proto::Reader;
use crate::telemetry::format::{Format, FormatContext};

/// What happens when the field is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Append {
    /// Another one is added.
    Add,
    /// Nothing.
    IfAbsent,
    /// The value replaces all of them; without one it is added.
    Overwrite,
    /// The value replaces all of them; without one nothing happens.
    OverwriteIfThere,
}

impl Append {
    /// Reads `append` and `append_action` of a `HeaderValueOption`. The old spelling counts as long as the new one has its
    /// default.
    pub fn read(reader: &Reader<'_>) -> Self {
        let (old, new) = (reader.opt_flag("append"), reader.word("append_action"));
        match (old, new.as_str()) {
            (None, "ADD_IF_ABSENT") => Self::IfAbsent,
            (Some(false), _) | (None, "OVERWRITE_IF_EXISTS_OR_ADD") => Self::Overwrite,
            (None, "OVERWRITE_IF_EXISTS") => Self::OverwriteIfThere,
            (Some(true) | None, _) => Self::Add,
        }
    }

    /// Writes a value, if one is due.
    pub fn apply(self, headers: &mut Headers, name: &HeaderName, value: HeaderValue) {
        if !self.is_due(headers, name) {
            return;
        }
        if self.overwrites() {
            headers.set(name.clone(), value);
        } else {
            append(headers, name, value);
        }
    }

    fn is_due(self, headers: &Headers, name: &HeaderName) -> bool {
        match self {
            Self::Add | Self::Overwrite => true,
            Self::IfAbsent => !headers.has(name),
            Self::OverwriteIfThere => headers.has(name),
        }
    }

    fn overwrites(self) -> bool {
        matches!(self, Self::Overwrite | Self::OverwriteIfThere)
    }
}

/// A value, made per request where it has command operators.
#[derive(Debug, Clone)]
enum Value {
    Constant(HeaderValue),
    Format(Format),
}

/// One field to set or add: `HeaderValueOption`.
#[derive(Debug, Clone)]
pub struct Addition {
    name: HeaderName,
    value: Value,
    append: Append,
    keep_empty: bool,
}

/// Edits of the fields of one message.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    remove: Box<[HeaderName]>,
    add: Box<[Addition]>,
}

/// Edits of requests and of responses.
#[derive(Debug, Clone, Default)]
pub struct HeaderEdits {
    /// Of requests.
    pub request: Edits,
    /// Of responses.
    pub response: Edits,
}

impl HeaderEdits {
    /// Reads `request_headers_to_add`, `request_headers_to_remove` and the same two of responses.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let request = Edits::read(reader, "request_headers_to_add", "request_headers_to_remove");
        let response = Edits::read(reader, "response_headers_to_add", "response_headers_to_remove");
        Some(Self { request: request?, response: response? })
    }
}

impl Edits {
    /// Reads a list of `HeaderValueOption` and a list of names.
    pub fn read(reader: &Reader<'_>, add: &str, remove: &str) -> Option<Self> {
        let additions = Self::additions(reader, add);
        let remove: Vec<_> = reader.texts(remove).iter().map(|name| editable(reader, remove, name)).collect();
        Some(Self { remove: remove.into_iter().collect::<Option<_>>()?, ..additions? })
    }

    /// Reads a list of `HeaderValueOption` alone.
    pub fn additions(reader: &Reader<'_>, add: &str) -> Option<Self> {
        let add: Vec<_> = reader.list(add).iter().map(Addition::read).collect();
        Some(Self { remove: Box::default(), add: add.into_iter().collect::<Option<_>>()? })
    }

    /// Reads one `HeaderValueOption`.
    pub fn addition(reader: &Reader<'_>) -> Option<Self> {
        Some(Self { remove: Box::default(), add: Box::new([Addition::read(reader)?]) })
    }

    /// Whether nothing is edited.
    pub fn is_empty(&self) -> bool {
        self.remove.is_empty() && self.add.is_empty()
    }

    /// The values for this message, before it is edited.
    pub fn values(&self, context: &FormatContext<'_>) -> Values {
        Values(self.add.iter().map(|addition| addition.value(context)).collect())
    }

    /// Edits the fields. Removals come first, then replacements, then additions, each in configured order.
    pub fn apply(&self, headers: &mut Headers, values: Values) {
        for name in &self.remove {
            headers.remove(name);
        }
        let values = self.add.iter().zip(values.0);
        let due = values.filter_map(|(addition, value)| Some((addition, addition.due(headers, value)?)));
        let (set, add): (Vec<_>, Vec<_>) = due.partition(|(addition, _)| addition.append.overwrites());
        for (addition, value) in set {
            headers.set(addition.name.clone(), value);
        }
        for (addition, value) in add {
            append(headers, &addition.name, value);
        }
    }
}

/// The values of some edits for one message.
#[derive(Debug, Clone)]
pub struct Values(Vec<HeaderValue>);

impl Addition {
    /// Reads `envoy.config.core.v3.HeaderValueOption`.
    pub fn read(reader: &Reader<'_>) -> Option<Self> {
        let keep_empty = reader.flag("keep_empty_value");
        let append = Append::read(reader);
        let header = reader.need("header")?;
        let name = header.need_text("key").and_then(|name| editable(&header, "key", &name));
        let raw = header.bytes("raw_value");
        let text = header.text("value");
        let value = read_value(&header, if raw.is_empty() { &text } else { std::str::from_utf8(&raw).unwrap_or("") });
        Some(Self { name: name?, value: value?, append, keep_empty })
    }

    /// Sets or adds the field.
    pub fn apply(&self, headers: &mut Headers, context: &FormatContext<'_>) {
        if let Some(value) = self.due(headers, self.value(context)) {
            self.append.apply(headers, &self.name, value);
        }
    }

    fn value(&self, context: &FormatContext<'_>) -> HeaderValue {
        match &self.value {
            Value::Constant(value) => value.clone(),
            Value::Format(format) => sanitised(format.text(context)),
        }
    }

    /// The value when it has to be written.
    fn due(&self, headers: &Headers, value: HeaderValue) -> Option<HeaderValue> {
        let due = self.append.is_due(headers, &self.name);
        (due && (self.keep_empty || !value.is_empty())).then_some(value)
    }
}

fn read_value(reader: &Reader<'_>, text: &str) -> Option<Value> {
    let format = match Format::parse(text) {
        Ok(format) => format.omit_empty(),
        Err(error) => {
            reader.defect("value", error);
            return None;
        }
    };
    let Some(constant) = format.constant() else { return Some(Value::Format(format)) };
    match HeaderValue::from_str(constant) {
        Ok(value) => Some(Value::Constant(value)),
        Err(_) => {
            reader.defect("value", "not a value of a header field");
            None
        }
    }
}

/// A rendered value. One with bytes that no field may have counts as missing, so that nothing can be smuggled in.
fn sanitised(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

/// The name of a field that may be edited: pseudo headers and the host may not.
fn editable(reader: &Reader<'_>, at: &str, name: &str) -> Option<HeaderName> {
    if name.starts_with(':') || name.eq_ignore_ascii_case("host") {
        reader.defect(at, ":-prefixed or host headers may not be modified");
        return None;
    }
    let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
    if parsed.is_none() {
        reader.defect(at, format!("{name:?} is not a name of a header field"));
    }
    parsed
}

/// Fields of which Envoy keeps one line: another value is joined to it by a comma.
const JOINED: [HeaderName; 12] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CACHE_CONTROL,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::REFERER,
    header::TE,
    header::USER_AGENT,
    header::VIA,
    header::SERVER,
];

/// Adds a field as Envoy does.
fn append(headers: &mut Headers, name: &HeaderName, value: HeaderValue) {
    let joined = JOINED.contains(name) || name == "x-forwarded-for";
    let before = if joined { headers.get(name) } else { None };
    let Some(before) = before else { return headers.add(name.clone(), value) };
    let both = [before.as_bytes(), b",", value.as_bytes()].concat();
    if let Ok(both) = HeaderValue::from_bytes(&both) {
        headers.set(name.clone(), both);
    }
}
