//! Compares the resolver with what kubectl's converter said, and with properties that hold for every text.

use proptest::prelude::*;
use serde::Deserialize;

use super::{Scalar, binary, key, key_of, plain, tagged, yaml12};

/// One line of tests/fixtures/yaml/kubectl_scalars.json; the program beside it explains the fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Row {
    text: String,
    #[serde(default)]
    tag: String,
    #[serde(default)]
    kind: String,
    float: Option<String>,
    #[serde(default, deserialize_with = "present")]
    value: Option<serde_json::Value>,
    error: Option<String>,
    key: Option<String>,
    key_error: Option<String>,
}

/// Keeps `null` apart from a missing value.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(from).map(Some)
}

fn rows() -> Vec<Row> {
    let committed = include_str!("../../../tests/fixtures/yaml/kubectl_scalars.json");
    let text = match option_env!("MESHCTL_SCALARS") {
        Some(path) => std::fs::read_to_string(path).unwrap(),
        None => committed.to_owned(),
    };
    serde_json::from_str(&text).unwrap()
}

/// What the row says a reader of the text must get; `None` where kubectl refuses the text itself.
fn expected(row: &Row) -> Option<Scalar> {
    let value = || row.value.as_ref().unwrap();
    Some(match row.kind.as_str() {
        "" => return None,
        "null" => Scalar::Null,
        "bool" => Scalar::Bool(value().as_bool().unwrap()),
        "int" => Scalar::Int(value().as_i64().unwrap()),
        "uint" => Scalar::Uint(value().as_u64().unwrap()),
        "float" => Scalar::Float(row.float.as_ref().unwrap().parse().unwrap()),
        "string" => Scalar::Str,
        other => panic!("unknown kind {other}"),
    })
}

/// Equality that also tells -0.0 from 0.0 and takes NaN for equal to itself.
fn same(left: &Scalar, right: &Scalar) -> bool {
    match (left, right) {
        (Scalar::Float(left), Scalar::Float(right)) => {
            left.to_bits() == right.to_bits() || left.is_nan() && right.is_nan()
        }
        _ => left == right,
    }
}

#[test]
fn plain_values_are_what_kubectl_reads() {
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| row.tag.is_empty()) {
        let wanted = expected(row).unwrap();
        let found = plain(&row.text);
        let json = row.error.is_none();
        if !same(&found, &wanted) || found.has_json() != json {
            wrong.push(format!("{:?}: kubectl {wanted:?}, we {found:?}", row.text));
        }
        if found == Scalar::Str {
            assert_eq!(row.value.as_ref().unwrap(), &row.text);
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn keys_are_what_kubectl_makes_of_them() {
    let mut wrong = Vec::new();
    // `<<` is no key: it merges, and the text that the rows give it cannot be merged.
    for row in rows().iter().filter(|row| row.tag.is_empty() && row.text != "<<") {
        let found = key_of(&plain(&row.text), &row.text);
        let right = match (&row.key, &found) {
            (Some(wanted), Ok(found)) => wanted == found && key(&row.text).as_ref().unwrap_or(&row.text) == wanted,
            (None, Err(reason)) => reason.contains("kubectl") && row.key_error.is_some() && key(&row.text).is_none(),
            _ => false,
        };
        if !right {
            wrong.push(format!("{:?}: kubectl {:?}, we {found:?}", row.text, row.key));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn tagged_values_are_what_kubectl_reads() {
    let mut wrong = Vec::new();
    for row in rows().iter().filter(|row| !row.tag.is_empty()) {
        let suffix = row.tag.strip_prefix("!!").or_else(|| row.tag.strip_prefix("!<tag:yaml.org,2002:"));
        let found = match suffix {
            Some(suffix) => tagged(&row.text, suffix.trim_end_matches('>')),
            None => Ok(Scalar::Str),
        };
        let right = match (&found, expected(row)) {
            (Ok(found), Some(wanted)) => same(found, &wanted),
            (Err(reason), None) => reason.contains("kubectl") && row.error.is_some(),
            _ => false,
        };
        if !right {
            wrong.push(format!("{} {:?}: kubectl {:?} {:?}, we {found:?}", row.tag, row.text, row.kind, row.error));
        }
        if row.tag == "!!binary" && found.is_ok() {
            assert_eq!(row.value.as_ref().unwrap(), &binary(&row.text).unwrap(), "{:?}", row.text);
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_rows_cover_every_kind() {
    let rows = rows();
    for kind in ["", "null", "bool", "int", "uint", "float", "string"] {
        assert!(rows.iter().any(|row| row.kind == kind), "no row of kind {kind:?}");
    }
    assert!(rows.iter().filter(|row| row.tag.is_empty()).count() > 1500);
}

#[test]
fn refusals_say_what_the_text_is() {
    let reason = tagged("yes", "int").unwrap_err();
    assert_eq!(reason, "kubectl cannot read `yes` as !!int: it is a boolean");
    assert_eq!(key_of(&Scalar::Null, "~").unwrap_err(), "kubectl refuses a mapping key that is null or empty");
}

#[test]
fn yaml_1_2_reads_the_same_text_otherwise() {
    let cases = [
        ("on", Scalar::Str),
        ("y", Scalar::Str),
        ("NO", Scalar::Str),
        ("True", Scalar::Bool(true)),
        ("tRUE", Scalar::Str),
        ("FALSE", Scalar::Bool(false)),
        ("", Scalar::Null),
        ("Null", Scalar::Null),
        ("~", Scalar::Null),
        ("014", Scalar::Int(14)),
        ("-014", Scalar::Int(-14)),
        ("+7", Scalar::Int(7)),
        ("08", Scalar::Int(8)),
        ("0o14", Scalar::Int(12)),
        ("0O14", Scalar::Str),
        ("-0o14", Scalar::Str),
        ("0o", Scalar::Str),
        ("0o9", Scalar::Str),
        ("0xfF", Scalar::Int(255)),
        ("0Xff", Scalar::Str),
        ("0xffffffffffffffff", Scalar::Uint(u64::MAX)),
        ("0x10000000000000000", Scalar::Float(18_446_744_073_709_551_616.0)),
        ("0b11", Scalar::Str),
        ("1_000", Scalar::Str),
        ("9223372036854775808", Scalar::Uint(1 << 63)),
        ("18446744073709551616", Scalar::Float(18_446_744_073_709_551_616.0)),
        ("1.", Scalar::Float(1.0)),
        (".5", Scalar::Float(0.5)),
        (".1_0", Scalar::Str),
        ("-1.5e-3", Scalar::Float(-0.0015)),
        ("1e400", Scalar::Float(f64::INFINITY)),
        ("-.Inf", Scalar::Float(f64::NEG_INFINITY)),
        (".inF", Scalar::Str),
        ("1.2.3", Scalar::Str),
        ("100m", Scalar::Str),
        ("2001-12-14", Scalar::Str),
    ];
    for (text, wanted) in cases {
        assert_eq!(yaml12(text), wanted, "{text:?}");
    }
    assert!(matches!(yaml12(".NaN"), Scalar::Float(float) if float.is_nan()));
}

/// The first letters of the words that are not text for kubectl.
const WORD_STARTS: &str = "yYnNtTfFoO";

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>(), tag in "str|int|float|bool|null|timestamp|binary|set|[a-z]{0,3}") {
        let _ = (plain(&text), yaml12(&text), key(&text), tagged(&text, &tag));
    }

    #[test]
    fn no_number_like_text_panics(text in "[-+0-9._eExXoObBaAfFnNiI:TtZ ]{0,40}") {
        let _ = (plain(&text), yaml12(&text), key(&text));
        let _ = (tagged(&text, "float"), tagged(&text, "timestamp"), tagged(&text, "binary"));
    }

    #[test]
    fn other_letters_start_text(text in "\\p{L}.{0,20}") {
        let special = text.starts_with(|first| WORD_STARTS.contains(first));
        prop_assume!(!special);
        prop_assert_eq!(plain(&text), Scalar::Str);
        prop_assert_eq!(key(&text), None);
        prop_assert_eq!(yaml12(&text), Scalar::Str);
    }

    #[test]
    fn longer_words_are_text(text in "[a-zA-Z][a-z0-9./-]{5,30}") {
        prop_assert_eq!(plain(&text), Scalar::Str);
    }

    #[test]
    fn integers_survive(value in any::<i64>()) {
        prop_assert_eq!(plain(&value.to_string()), Scalar::Int(value));
        prop_assert_eq!(key(&value.to_string()), None);
        prop_assert_eq!(yaml12(&value.to_string()), Scalar::Int(value));
    }

    #[test]
    fn floats_survive(value in any::<f64>()) {
        prop_assume!(value.is_finite());
        let text = format!("{value:e}");
        prop_assert!(same(&plain(&text), &Scalar::Float(value)), "{}", text);
    }

    #[test]
    fn base64_is_undone(text in any::<String>()) {
        let encoded = encode(text.as_bytes());
        prop_assert_eq!(binary(&encoded), Ok(text));
    }
}

fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= group.len() { char::from(symbol) } else { '=' });
        }
    }
    text
}
