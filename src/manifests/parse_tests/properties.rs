//! Properties of the manifest reader over random texts and values.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::read;
use crate::manifests::limits::Limits;
use crate::manifests::parse::{Problem, parse_whole};
use crate::manifests::resolve::{self, Scalar};
use crate::manifests::source::Span;
use crate::manifests::tree::{Node, Style, Value};

/// The single document of a text that must be readable.
fn json_of(text: &str) -> Json {
    let parsed = read(text);
    assert_eq!(parsed.problems, [], "{text}");
    match parsed.documents.as_slice() {
        [] => Json::Null,
        [document] => document.root.to_json(),
        more => panic!("{} documents in {text}", more.len()),
    }
}

fn scalar(node: &Node) -> Option<Scalar> {
    Some(match &node.value {
        Value::Null => Scalar::Null,
        Value::Bool(value) => Scalar::Bool(*value),
        Value::Int(value) => Scalar::Int(*value),
        Value::Uint(value) => Scalar::Uint(*value),
        Value::Float(value) => Scalar::Float(*value),
        Value::Str(_) => Scalar::Str,
        Value::Seq(_) | Value::Map(_) => return None,
    })
}

fn same(left: &Scalar, right: &Scalar) -> bool {
    matches!((left, right), (Scalar::Float(left), Scalar::Float(right)) if left.is_nan() && right.is_nan())
        || left == right
}

fn check_span(text: &str, span: Span) {
    assert!(span.start <= span.end, "{span:?} is upside down in {text:?}");
    assert!(text.get(span.range()).is_some(), "{span:?} cuts a character or leaves {text:?}");
}

/// Every span of a tree, and that the bytes of every scalar mean its value. Tags change what bytes mean, so texts with `!`
/// are checked for their spans only.
fn check_tree(text: &str, node: &Node) {
    check_span(text, node.span);
    let slice = &text[node.span.range()];
    if let Some(found) = scalar(node)
        && !text.contains('!')
    {
        match node.style {
            Style::Plain if slice.contains(['\n', '\r']) => assert_eq!(found, Scalar::Str, "{text:?}"),
            Style::Plain => assert!(same(&resolve::plain(slice), &found), "{slice:?} is {found:?} in {text:?}"),
            Style::Quoted => {
                assert!(slice.starts_with(['"', '\'']) && slice.ends_with(['"', '\'']), "{slice:?} in {text:?}");
            }
            Style::Block => assert!(slice.starts_with(['|', '>']), "{slice:?} in {text:?}"),
        }
        if node.style == Style::Plain && !slice.contains(['\n', '\r']) {
            assert!(node.as_str().is_none_or(|value| value == slice), "{slice:?} in {text:?}");
        }
    }
    for item in node.items() {
        check_tree(text, item);
    }
    for entry in node.entries() {
        check_span(text, entry.key_span);
        check_tree(text, &entry.node);
    }
}

fn check_text(text: &str) {
    let parsed = read(text);
    for document in &parsed.documents {
        check_tree(text, &document.root);
    }
    for Problem { span, reason, .. } in &parsed.problems {
        check_span(text, *span);
        assert!(!reason.is_empty() && !reason.contains('\n'), "{reason:?}");
    }
    for comment in &parsed.comments {
        check_span(text, comment.span);
    }
}

/// Pieces of YAML in any order: nearly every text is broken, in ways that random characters never reach.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b: ",
        "on",
        "014",
        "1.5",
        ".nan",
        "~",
        "é🙂",
        "key: value\n",
        ": ",
        ":",
        "\n",
        "\r\n",
        "\r",
        "  ",
        "    ",
        "- ",
        "-",
        "? ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ",",
        "|\n",
        "|-\n",
        ">+\n",
        "|2\n",
        "'",
        "''",
        "\"",
        "\\",
        "\\n",
        "\"x\"",
        "'y'",
        "&a ",
        "*a",
        "&b ",
        "*b",
        "!!int ",
        "!!str ",
        "!x ",
        "!",
        "---\n",
        "--- ",
        "...\n",
        "# c\n",
        " #",
        "#",
        "<<: ",
        "<<: *a\n",
        "%YAML 1.1\n",
        "%TAG ! x\n",
        "%",
        "@",
        "`",
        "\t",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\u{a0}",
        "\u{0}",
        "\u{7f}",
        "meshctl: x",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
}

/// Texts close to what people write, so that most are read the short way, with now and then a trap.
fn tidy() -> impl Strategy<Value = String> {
    let heads =
        ["", "- ", "a: ", "b:  ", "on: ", "'c d': ", "\"e\": ", "- - ", "- f: ", "g h: ", "-", "a:", "- 'k': ", "--- "];
    let values = [
        "",
        "x",
        "014",
        "x y",
        "'q'",
        "\"q r\"",
        "'it''s'",
        "[]",
        "{}",
        "[a, \"b\"]",
        "{a: b, c: [d]}",
        "[a, ]",
        "x: y",
        "# c",
        "x # c",
        "'q' # c",
        "[a]#c",
        "x#c",
        "http://h:80/",
        "~",
        "-1",
        "- x",
        "a:",
        "<<",
        "{<<: {a: 1}}",
        "|",
        "é",
        "[a b]",
        "x ",
        "---",
    ];
    let line = (0..4usize, prop::sample::select(heads.to_vec()), prop::sample::select(values.to_vec()))
        .prop_map(|(indent, head, value)| format!("{}{head}{value}\n", "  ".repeat(indent)));
    let marker = prop::sample::select(vec!["---\n", "\n", "# c\n", "  # c\n", " odd: 1\n", "--- # c\n", "...\n"])
        .prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![6 => line, 1 => marker], 1..9).prop_map(|lines| lines.concat())
}

/// JSON values with the strings and keys that are hard on YAML writers and readers.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_filter("JSON has no infinities", |float| float.is_finite()).prop_map(Json::from),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::vec((text(), inner), 0..6)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

fn text() -> impl Strategy<Value = String> {
    let words = [
        "",
        " ",
        "on",
        "y",
        "No",
        "null",
        "~",
        "014",
        "1_000",
        "1e3",
        "0x1f",
        ".inf",
        "<<",
        "=",
        "- a",
        "a: b",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'",
        "\"",
        "\\",
        "{}",
        "[]",
        ",",
        "?",
        "-",
        "---",
        "...",
        "2001-12-14",
        "a\nb",
        "a\n",
        "\na",
        "  a\n b\n",
        "a\n\n\nb\n\n",
        "\t",
        "a\tb",
        "\r",
        "\r\n",
        "a\rb",
        "é",
        "🙂",
        "\u{feff}",
        "\u{a0}",
        "\u{2028}",
        "trailing ",
        " leading",
        "a:",
        ":a",
        "::",
    ];
    prop_oneof![
        3 => prop::sample::select(words.to_vec()).prop_map(str::to_owned),
        2 => "[ -~]{0,12}",
        1 => "[ -~\n\t\u{a0}-\u{2030}🙂]{0,20}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_short_way_reads_what_the_long_way_reads(text in soup(), tidy in tidy()) {
        for text in [text, tidy] {
            let (short, long) = (read(&text), parse_whole(&text, &Limits::default()));
            assert_eq!(format!("{short:?}"), format!("{long:?}"), "{text:?}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        check_text(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_text(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_order_of_yaml_pieces_is_read_or_refused(text in soup()) {
        check_text(&text);
    }

    #[test]
    fn json_reads_back(value in any_json()) {
        prop_assert_eq!(json_of(&value.to_string()), value.clone());
        prop_assert_eq!(json_of(&serde_json::to_string_pretty(&value)?), value);
    }

    #[test]
    fn yaml_reads_back(value in any_json()) {
        let text = crate::output::yaml::to_string(&value)?;
        prop_assert_eq!(json_of(&text), value, "{}", text);
        check_text(&text);
    }
}
