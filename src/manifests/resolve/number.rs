//! Integers and floats in the spellings of Go's `strconv` and of the YAML 1.2 core schema.

use std::borrow::Cow;

use super::Scalar;

/// A text that starts with a digit or a sign. Underscores count for nothing, wherever they stand.
pub(super) fn signed(text: &str) -> Scalar {
    let digits = without_underscores(text);
    go_integer(&digits).or_else(|| decimal_float(&digits)).or_else(|| signed_binary(&digits)).unwrap_or(Scalar::Str)
}

/// A text that starts with a dot. Go's float reader takes underscores between two digits only.
pub(super) fn dotted(text: &str) -> Scalar {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let well_placed = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)));
    if !well_placed {
        return Scalar::Str;
    }
    decimal_float(&without_underscores(text)).unwrap_or(Scalar::Str)
}

fn without_underscores(text: &str) -> Cow<'_, str> {
    if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) }
}

/// Go's `ParseInt` and then `ParseUint` with base 0: `0x`, `0o`, `0b` in either case, and a bare leading zero for octal.
fn go_integer(text: &str) -> Option<Scalar> {
    let (sign, body) = split_sign(text);
    let (radix, digits) = match body.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &body[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &body[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &body[2..]),
        [b'0'] => return Some(Scalar::Int(0)),
        [b'0', ..] => (8, &body[1..]),
        _ => (10, body),
    };
    match (magnitude(digits, radix)?, sign) {
        (value, Some('-')) => 0_i64.checked_sub_unsigned(value).map(Scalar::Int),
        (value, sign) => match i64::try_from(value) {
            Ok(value) => Some(Scalar::Int(value)),
            // Go's unsigned reader takes no sign.
            Err(_) => sign.is_none().then_some(Scalar::Uint(value)),
        },
    }
}

/// `0b-101` is -5 for Go's reader, because the prefix is cut off before a reader that takes signs.
fn signed_binary(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix("0b")?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

fn split_sign(text: &str) -> (Option<char>, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (Some('-'), &text[1..]),
        Some(b'+') => (Some('+'), &text[1..]),
        _ => (None, text),
    }
}

/// Digits without a sign, in a radix.
fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// Sign, digits with at most one dot, exponent. What is too large for a float (`1e400`) is no number.
fn decimal_float(text: &str) -> Option<Scalar> {
    if !is_decimal_float(text.as_bytes()) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

fn is_decimal_float(text: &[u8]) -> bool {
    let unsigned = text.strip_prefix(b"+").or_else(|| text.strip_prefix(b"-")).unwrap_or(text);
    let (whole, rest) = digits(unsigned);
    let (fraction, rest) = match rest.strip_prefix(b".") {
        Some(rest) => digits(rest),
        None => (0, rest),
    };
    if whole + fraction == 0 {
        return false;
    }
    match rest {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            !exponent.is_empty() && exponent.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// How many digits a text starts with, and what follows them.
fn digits(text: &[u8]) -> (usize, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count, &text[count..])
}

/// The YAML 1.2 core schema: decimal with a sign, `0o` and `0x` without one, and the same floats, unlimited in size.
pub(super) fn core_schema(text: &str) -> Scalar {
    if let Some(digits) = text.strip_prefix("0o") {
        return prefixed(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return prefixed(digits, 16);
    }
    if !is_decimal_float(text.as_bytes()) {
        return Scalar::Str;
    }
    if let Ok(value) = text.parse() {
        return Scalar::Int(value);
    }
    match (text.parse(), text.parse()) {
        (Ok(value), _) => Scalar::Uint(value),
        (_, Ok(value)) => Scalar::Float(value),
        _ => Scalar::Str,
    }
}

fn prefixed(digits: &str, radix: u32) -> Scalar {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Scalar::Str;
    }
    match u64::from_str_radix(digits, radix) {
        Ok(value) => i64::try_from(value).map_or(Scalar::Uint(value), Scalar::Int),
        Err(_) => Scalar::Float(
            digits
                .chars()
                .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit.to_digit(radix).unwrap_or(0))),
        ),
    }
}

/// A float as a JSON key: Go prints it with the shortest digits that tell 32-bit floats apart, in exponent form from a
/// million on and under 0.0001, and the special values as YAML spells them.
pub(super) fn float_key(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation)]
    let narrow = value as f32;
    if narrow.is_nan() {
        return ".nan".to_owned();
    }
    if narrow.is_infinite() {
        return if narrow > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = shortest(narrow);
    match scientific.split_once('e').map(|(mantissa, exponent)| (mantissa, exponent.parse::<i32>())) {
        Some((mantissa, Ok(exponent))) if !(-4..=5).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.abs())
        }
        _ => scientific.parse::<f64>().map_or(scientific, |exact| exact.to_string()),
    }
}

/// The shortest digits in exponent form. Between two that are equally near, Go takes the even one and Rust the upper one.
fn shortest(value: f32) -> String {
    let upper = format!("{value:e}");
    let digits = upper.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    let even = format!("{:.*e}", digits.saturating_sub(1), f64::from(value));
    if even.parse() == Ok(value) { even } else { upper }
}
