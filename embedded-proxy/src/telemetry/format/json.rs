//! Formats that make a JSON object: typed values, sorted keys.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Format, FormatContext, Piece};

/// A compiled `json_format`.
#[derive(Debug, Clone)]
pub struct JsonFormat {
    fields: BTreeMap<String, Node>,
    omit_empty: bool,
}

#[derive(Debug, Clone)]
enum Node {
    Text(Format),
    Constant(Value),
    Map(BTreeMap<String, Node>),
    List(Vec<Node>),
}

impl JsonFormat {
    /// Compiles an object whose texts are format strings. `omit_empty` leaves out what has no value.
    pub fn parse(object: &Value, omit_empty: bool) -> Result<Self, String> {
        match Node::parse(object, omit_empty)? {
            Node::Map(fields) => Ok(Self { fields, omit_empty }),
            _ => Err("a JSON format is an object".into()),
        }
    }

    /// Appends the object for these facts, without a line feed.
    pub fn render(&self, context: &FormatContext<'_>, out: &mut String) {
        map(&self.fields, context, self.omit_empty, out);
    }

    /// The values of the top level as texts, in the order of their keys: attributes of OTLP records.
    pub fn texts(&self, context: &FormatContext<'_>) -> Vec<(&str, String)> {
        let text = |node: &Node| {
            if let Node::Text(format) = node {
                return format.text(context);
            }
            let mut out = String::new();
            node.render(context, self.omit_empty, &mut out);
            out
        };
        self.fields.iter().map(|(key, node)| (key.as_str(), text(node))).collect()
    }
}

impl Node {
    fn parse(value: &Value, omit_empty: bool) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => {
                let format = Format::parse(text)?;
                Self::Text(if omit_empty { format.omit_empty() } else { format })
            }
            Value::Object(fields) => {
                let field = |(key, value): (&String, &Value)| {
                    let node = Self::parse(value, omit_empty).map_err(|error| format!("{key}: {error}"))?;
                    Ok((key.clone(), node))
                };
                Self::Map(fields.iter().map(field).collect::<Result<_, String>>()?)
            }
            Value::Array(values) => {
                Self::List(values.iter().map(|value| Self::parse(value, omit_empty)).collect::<Result<_, _>>()?)
            }
            constant => Self::Constant(constant.clone()),
        })
    }

    /// Appends the value. False: there is none, and nothing was appended.
    fn render(&self, context: &FormatContext<'_>, omit: bool, out: &mut String) -> bool {
        let before = out.len();
        match self {
            Self::Text(format) => match (format.constant(), format.single(context)) {
                (Some(text), _) => write_text(text, out),
                (None, Some(Piece::None)) if omit => {}
                (None, Some(piece)) => write_piece(&piece, out),
                (None, None) => write_text(&format.text(context), out),
            },
            Self::Constant(Value::Null) if omit => {}
            Self::Constant(value) => write_json(value, out),
            Self::Map(fields) => {
                if map(fields, context, omit, out) == 0 && omit {
                    out.truncate(before);
                }
            }
            Self::List(nodes) => {
                if list(nodes, context, omit, out) == 0 && omit {
                    out.truncate(before);
                }
            }
        }
        out.len() > before
    }
}

/// Appends an object; returns how many fields it has.
fn map(fields: &BTreeMap<String, Node>, context: &FormatContext<'_>, omit: bool, out: &mut String) -> usize {
    out.push('{');
    let mut written = 0;
    for (key, node) in fields {
        let before = out.len();
        if written > 0 {
            out.push(',');
        }
        write_text(key, out);
        out.push(':');
        if node.render(context, omit, out) {
            written += 1;
        } else {
            out.truncate(before);
        }
    }
    out.push('}');
    written
}

/// Appends a list; returns how many values it has.
fn list(nodes: &[Node], context: &FormatContext<'_>, omit: bool, out: &mut String) -> usize {
    out.push('[');
    let mut written = 0;
    for node in nodes {
        let before = out.len();
        if written > 0 {
            out.push(',');
        }
        if node.render(context, omit, out) {
            written += 1;
        } else {
            out.truncate(before);
        }
    }
    out.push(']');
    written
}

fn write_piece(piece: &Piece<'_>, out: &mut String) {
    match piece {
        Piece::None => out.push_str("null"),
        Piece::Text(text) => write_text(text, out),
        Piece::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Piece::Json(json) => write_json(json, out),
    }
}

/// Appends a text with its quotes.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends JSON without spaces, keys sorted; whole numbers have no decimal point, however they are stored.
pub fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => match number.as_f64() {
            #[allow(clippy::cast_possible_truncation)]
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 9e15 => {
                let _ = write!(out, "{}", float as i64);
            }
            _ => {
                let _ = write!(out, "{number}");
            }
        },
        Value::String(text) => write_text(text, out),
        Value::Array(values) => {
            out.push('[');
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_json(value, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_text(key, out);
                out.push(':');
                write_json(value, out);
            }
            out.push('}');
        }
        other => {
            let _ = write!(out, "{other}");
        }
    }
}
