//! One rule, and the sentence when a value breaks it: Envoy's wording where it is for people.

use std::cmp::Ordering;
use std::fmt;
use std::time::Duration;

use prost_reflect::Value;
use regex::Regex;

/// A number of any type, or a duration in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    Whole(i128),
    Nanos(i128),
    Fraction(f64),
}

impl Number {
    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Fraction(one), Self::Fraction(other)) => one.partial_cmp(&other),
            (Self::Whole(one) | Self::Nanos(one), Self::Whole(other) | Self::Nanos(other)) => Some(one.cmp(&other)),
            _ => None,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(number) => number.fmt(f),
            Self::Fraction(number) => number.fmt(f),
            Self::Nanos(nanos) => match u64::try_from(*nanos) {
                Ok(nanos) => write!(f, "{:?}", Duration::from_nanos(nanos)),
                Err(_) => write!(f, "{nanos}ns"),
            },
        }
    }
}

/// The number in a value: plain, in a wrapper such as `UInt32Value`, or a duration.
pub(super) fn number(value: &Value) -> Option<Number> {
    Some(match value {
        Value::I32(number) | Value::EnumNumber(number) => Number::Whole((*number).into()),
        Value::I64(number) => Number::Whole((*number).into()),
        Value::U32(number) => Number::Whole((*number).into()),
        Value::U64(number) => Number::Whole((*number).into()),
        Value::F32(number) => Number::Fraction((*number).into()),
        Value::F64(number) => Number::Fraction(*number),
        Value::Message(message) => {
            if let Some(inner) = message.get_field_by_name("value") {
                return number(&inner);
            }
            let seconds = message.get_field_by_name("seconds")?.as_i64()?;
            let nanos = message.get_field_by_name("nanos")?.as_i32()?;
            Number::Nanos(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
        }
        _ => return None,
    })
}

/// The text in a value, plain or in a wrapper.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Message(message) => message.get_field_by_name("value")?.as_str().map(str::to_string),
        _ => None,
    }
}

/// One rule.
#[derive(Debug)]
pub(super) enum Check {
    MinChars(usize),
    MaxChars(usize),
    Chars(usize),
    MinBytes(usize),
    MaxBytes(usize),
    Pattern(Regex),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Header { name: bool, strict: bool },
    InTexts(Vec<String>),
    NotInTexts(Vec<String>),
    In(Vec<Number>),
    NotIn(Vec<Number>),
    Const(Value),
    Less(Number),
    AtMost(Number),
    Greater(Number),
    AtLeast(Number),
    Defined(Vec<i32>),
    MinItems(usize),
    MaxItems(usize),
    Unique,
}

impl Check {
    /// Order in which checks of one field are told.
    pub fn rank(&self) -> u8 {
        match self {
            Self::MinChars(_) | Self::MinBytes(_) | Self::MinItems(_) | Self::Greater(_) | Self::AtLeast(_) => 0,
            _ => 1,
        }
    }

    /// The sentence when the value breaks the rule.
    pub fn sentence(&self, value: &Value) -> Option<String> {
        match self {
            Self::MinChars(min) => length(value, |len| len >= *min, || format!("at least {min} characters")),
            Self::MaxChars(max) => length(value, |len| len <= *max, || format!("at most {max} characters")),
            Self::Chars(wanted) => length(value, |len| len == *wanted, || format!("{wanted} characters")),
            Self::MinBytes(min) => bytes(value, |len| len >= *min, || format!("at least {min} bytes")),
            Self::MaxBytes(max) => bytes(value, |len| len <= *max, || format!("at most {max} bytes")),
            Self::Pattern(pattern) => on_text(
                value,
                |text| pattern.is_match(text),
                || format!("value does not match regex pattern {:?}", pattern.as_str()),
            ),
            Self::Prefix(prefix) => on_text(
                value,
                |text| text.starts_with(prefix.as_str()),
                || format!("value does not have prefix {prefix:?}"),
            ),
            Self::Suffix(suffix) => on_text(
                value,
                |text| text.ends_with(suffix.as_str()),
                || format!("value does not have suffix {suffix:?}"),
            ),
            Self::Contains(part) => {
                on_text(value, |text| text.contains(part.as_str()), || format!("value does not contain {part:?}"))
            }
            Self::Header { name, strict } => header(value, *name, *strict),
            Self::InTexts(texts) => on_text(
                value,
                |text| texts.iter().any(|one| one == text),
                || format!("value must be in list {texts:?}"),
            ),
            Self::NotInTexts(texts) => on_text(
                value,
                |text| !texts.iter().any(|one| one == text),
                || format!("value must not be in list {texts:?}"),
            ),
            Self::In(numbers) => on_number(
                value,
                |number| numbers.contains(&number),
                || format!("value must be in list [{}]", list(numbers)),
            ),
            Self::NotIn(numbers) => on_number(
                value,
                |number| !numbers.contains(&number),
                || format!("value must not be in list [{}]", list(numbers)),
            ),
            Self::Const(wanted) => {
                let same = value == wanted || number(value).is_some_and(|found| number(wanted) == Some(found));
                (!same).then(|| format!("value must equal {wanted}"))
            }
            Self::Less(limit) => range(value, *limit, "less than", Ordering::is_lt),
            Self::AtMost(limit) => range(value, *limit, "less than or equal to", Ordering::is_le),
            Self::Greater(limit) => range(value, *limit, "greater than", Ordering::is_gt),
            Self::AtLeast(limit) => range(value, *limit, "greater than or equal to", Ordering::is_ge),
            Self::Defined(words) => {
                let known = value.as_enum_number().is_none_or(|number| words.contains(&number));
                (!known).then(|| "value must be one of the defined enum values".to_string())
            }
            Self::MinItems(min) => items(value, |len| len >= *min, || format!("at least {min} item(s)")),
            Self::MaxItems(max) => items(value, |len| len <= *max, || format!("no more than {max} item(s)")),
            Self::Unique => {
                let list = value.as_list()?;
                let repeated = list.iter().enumerate().any(|(index, item)| list[..index].contains(item));
                repeated.then(|| "repeated value must contain unique items".to_string())
            }
        }
    }
}

fn on_text(value: &Value, holds: impl Fn(&str) -> bool, sentence: impl Fn() -> String) -> Option<String> {
    let text = text(value)?;
    (!holds(&text)).then(sentence)
}

fn on_number(value: &Value, holds: impl Fn(Number) -> bool, sentence: impl Fn() -> String) -> Option<String> {
    let number = number(value)?;
    (!holds(number)).then(sentence)
}

fn length(value: &Value, holds: impl Fn(usize) -> bool, words: impl Fn() -> String) -> Option<String> {
    let len = match value {
        Value::Bytes(bytes) => bytes.len(),
        value => text(value)?.chars().count(),
    };
    (!holds(len)).then(|| format!("value length must be {}", words()))
}

fn bytes(value: &Value, holds: impl Fn(usize) -> bool, words: impl Fn() -> String) -> Option<String> {
    let len = text(value)?.len();
    (!holds(len)).then(|| format!("value length must be {}", words()))
}

fn items(value: &Value, holds: impl Fn(usize) -> bool, words: impl Fn() -> String) -> Option<String> {
    let len = match value {
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        _ => return None,
    };
    (!holds(len)).then(|| format!("value must contain {}", words()))
}

fn range(value: &Value, limit: Number, words: &str, holds: impl Fn(Ordering) -> bool) -> Option<String> {
    let order = number(value)?.compare(limit);
    (!order.is_some_and(holds)).then(|| format!("value must be {words} {limit}"))
}

/// Strict names are tokens that may begin with a colon; otherwise only line ends and NUL are refused.
fn header(value: &Value, name: bool, strict: bool) -> Option<String> {
    let text = text(value)?;
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let valid = match (name, strict) {
        (_, false) => !text.bytes().any(|byte| matches!(byte, 0 | b'\r' | b'\n')),
        (true, true) => text.is_empty() || text.strip_prefix(':').unwrap_or(&text).bytes().all(token),
        (false, true) => !text.bytes().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)),
    };
    let what = if name { "name" } else { "value" };
    (!valid).then(|| format!("value is no valid {what} of a header"))
}

fn list(numbers: &[Number]) -> String {
    let shown: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    shown.join(", ")
}
