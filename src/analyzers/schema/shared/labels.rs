//! Labels as Kubernetes and Istio write them: keys `prefix/name`, values of letters, digits, `-`, `_` and `.`.

use super::Report;
use super::Verdict;
use super::names::is_dns_label;
use crate::schema::{Map, Text};

/// Longest name part of a key.
const NAME_MAX: usize = 63;

/// A label key: an optional DNS prefix with `/`, then a name.
pub fn key(key: &str) -> Verdict {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let prefix_fits = prefix.is_none_or(|p| p.len() <= 253 && p.split('.').all(is_dns_label));
    if prefix_fits && !name.is_empty() && name.len() <= NAME_MAX && word(name) {
        return Ok(());
    }
    Err(format!(
        "{key:?} is no label key: it has an optional DNS prefix with `/`, then letters, digits, `-`, `_` or `.`"
    ))
}

/// A label value.
pub fn value(value: &str) -> Verdict {
    if value.is_empty() || word(value) {
        return Ok(());
    }
    Err(format!("{value:?} is no label value: it has letters, digits, `-`, `_` or `.`, at both ends a letter or digit"))
}

/// Checks keys and values of a map of labels.
pub fn check(report: &mut Report<'_>, labels: &Map<Text>) {
    for (name, text) in labels.iter() {
        report.verdict(name.span(), key(name.as_str()));
        report.verdict(text.span(), value(text.as_str()));
    }
}

fn word(text: &str) -> bool {
    let end = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    end(bytes.first())
        && end(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values() {
        for fine in ["app", "app.kubernetes.io/name", "a_b.c"] {
            assert_eq!(key(fine), Ok(()), "{fine}");
        }
        for bad in ["", "a/b/c", "/name", "prefix/", "-a", "a b"] {
            assert!(key(bad).is_err(), "{bad}");
        }
        assert!(value("").is_ok() && value("v1.2_3").is_ok() && value("v1!").is_err() && value(".v1").is_err());
    }
}
