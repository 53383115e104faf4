//! What kubectl makes of an unquoted YAML scalar, and of a mapping key.
//!
//! kubectl converts YAML to JSON with Go's `sigs.k8s.io/yaml`, whose reader follows YAML 1.1 with habits of its own: `on`
//! is true, `014` is 12, `0b-1` is -1, `tRUE` is text. The API server sees only that JSON, so a manifest means what this
//! module says, whatever an editor shows. Every rule is checked against rows that the converter itself wrote
//! (tests/fixtures/yaml/kubectl_scalars.json, made by the program in tests/fixtures/yaml/oracle).

use std::borrow::Cow;

pub mod binary;
mod number;
mod timestamp;

#[cfg(test)]
mod tests;

pub use binary::decode as binary;

/// What a scalar is after kubectl read it.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// No value.
    Null,
    /// A boolean.
    Bool(bool),
    /// An integer that fits 64 bits with a sign.
    Int(i64),
    /// Only above `i64::MAX`.
    Uint(u64),
    /// May be infinite or not a number: see [`Scalar::has_json`].
    Float(f64),
    /// The text itself is the value.
    Str,
}

impl Scalar {
    /// Whether JSON can hold the value. kubectl fails on `.inf` and `.nan`: it reads them as floats, then cannot print them.
    pub fn has_json(&self) -> bool {
        !matches!(self, Self::Float(float) if !float.is_finite())
    }

    fn described(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Uint(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Str => "text",
        }
    }
}

/// Resolves a plain (unquoted, untagged) scalar as kubectl does.
///
/// The first byte decides for nearly all texts: only those that start with a digit, a sign, a dot, a tilde or one of
/// `yYnNtTfFoO` can be anything but text. Dates (`2001-12-14`) are text as well.
pub fn plain(text: &str) -> Scalar {
    match text.as_bytes().first() {
        None => Scalar::Null,
        Some(b'0'..=b'9') => number::signed(text),
        Some(b'+' | b'-') => special_float(text).unwrap_or_else(|| number::signed(text)),
        Some(b'.') => special_float(text).unwrap_or_else(|| number::dotted(text)),
        Some(b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O') => word(text),
        Some(_) => Scalar::Str,
    }
}

/// The words of YAML 1.1 that Go's reader knows, in the three spellings that it accepts.
fn word(text: &str) -> Scalar {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => Scalar::Str,
    }
}

/// Infinities and not-a-number, the same in YAML 1.1 and 1.2.
fn special_float(text: &str) -> Option<Scalar> {
    let value = match text {
        ".nan" | ".NaN" | ".NAN" => f64::NAN,
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => f64::INFINITY,
        "-.inf" | "-.Inf" | "-.INF" => f64::NEG_INFINITY,
        _ => return None,
    };
    Some(Scalar::Float(value))
}

/// Resolves a scalar, quoted or not, that carries an explicit tag of YAML's own (`int` for `!!int`). The error says why
/// kubectl refuses it. Tags that kubectl does not know (`!!set`, and all local ones like `!int`, which must not come here)
/// leave the text as it is.
///
/// `Str` for `binary` means that the text decodes: [`binary`] gives the value.
pub fn tagged(text: &str, tag_suffix: &str) -> Result<Scalar, String> {
    let expected = match tag_suffix {
        "int" | "float" | "bool" | "null" => tag_suffix,
        "timestamp" if timestamp::is_timestamp(text) => return Ok(Scalar::Str),
        "timestamp" => return Err(mismatch(text, &plain(text), tag_suffix)),
        "binary" => return binary(text).map(|_| Scalar::Str),
        _ => return Ok(Scalar::Str),
    };
    match (plain(text), expected) {
        (found @ (Scalar::Int(_) | Scalar::Uint(_)), "int")
        | (found @ Scalar::Float(_), "float")
        | (found @ Scalar::Bool(_), "bool")
        | (found @ Scalar::Null, "null") => Ok(found),
        // Go converts only what fits a signed integer here.
        #[allow(clippy::cast_precision_loss)]
        (Scalar::Int(int), "float") => Ok(Scalar::Float(int as f64)),
        (found, _) => Err(mismatch(text, &found, tag_suffix)),
    }
}

fn mismatch(text: &str, found: &Scalar, tag_suffix: &str) -> String {
    let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    format!("kubectl cannot read `{shown}` as !!{tag_suffix}: it is {}", found.described())
}

/// The JSON object key that kubectl makes of a plain mapping key: `on` becomes "true", `014` "12", `1.0` "1". `None` means
/// the text itself, also for keys that kubectl refuses ([`key_of`]).
pub fn key(text: &str) -> Option<String> {
    match key_of(&plain(text), text) {
        Ok(made) if made != text => Some(made.into_owned()),
        _ => None,
    }
}

/// The JSON object key of a scalar that was resolved already. The error says why kubectl refuses the whole document for
/// it: it has no key for null, nor for integers over 9223372036854775807.
pub fn key_of<'t>(scalar: &Scalar, text: &'t str) -> Result<Cow<'t, str>, String> {
    Ok(match scalar {
        Scalar::Str => Cow::Borrowed(text),
        Scalar::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Scalar::Int(value) => Cow::Owned(value.to_string()),
        Scalar::Float(value) => Cow::Owned(number::float_key(*value)),
        Scalar::Null => return Err("kubectl refuses a mapping key that is null or empty".to_owned()),
        Scalar::Uint(value) => {
            return Err(format!("kubectl refuses the mapping key {value}: the integer is too large"));
        }
    })
}

/// How the YAML 1.2 core schema reads the same plain text, which is what most editors and other tools show (section 10.3.2
/// of the YAML 1.2.2 specification). Integers that fit no 64 bits become floats.
pub fn yaml12(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ => special_float(text).unwrap_or_else(|| number::core_schema(text)),
    }
}
