//! Whole texts against the rows that kubectl's converter wrote (tests/fixtures/yaml/oracle).

use serde_json::Value as Json;

use super::read;

/// One line of tests/fixtures/yaml/kubectl_documents.json, written by kubectl's converter.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    text: String,
    #[serde(default)]
    json: Json,
    error: Option<String>,
}

/// Texts that kubectl refuses and we read: they follow YAML 1.2, which is newer than kubectl's reader, or indent with tabs
/// in places that do not matter. A manifest like this is better analysed than dropped.
const READ_ALL_THE_SAME: &[&str] = &[
    "%YAML 1.2\n---\na: on",
    "%YAML 1.3\n---\na: on",
    "%X\n---\na: 1",
    "a: \"\\/\"",
    "a: \"\\ud83d\\ude00\"",
    "a: \u{85}b",
    "a: b\u{2028}c",
    "\ta: b",
    "a:\n \tb",
    "- \ta",
];

/// Texts that kubectl reads otherwise. It stops without a word after the first value, so that the rest of the document is
/// lost: we report that. The others are corners in which the two syntaxes differ.
const READ_OTHERWISE: &[&str] =
    &["{a: 1}\n{b: 2}", "a\n: 1", " a: 1\nb: 2", "[?a]", "a: \"b\"#c", "a: \u{2028}", "a: \u{feff}"];

#[test]
fn documents_are_what_kubectl_reads() {
    let rows: Vec<Row> =
        serde_json::from_str(include_str!("../../../tests/fixtures/yaml/kubectl_documents.json")).unwrap();
    let mut wrong = Vec::new();
    for Row { text, json, error } in rows {
        let parsed = read(&text);
        let found = parsed.documents.first().map_or(Json::Null, |document| document.root.to_json());
        let agreed = !READ_OTHERWISE.contains(&text.as_str());
        let right = match &error {
            None => agreed == (parsed.problems.is_empty() && loosely_equal(&found, &json)),
            Some(_) => parsed.problems.is_empty() == READ_ALL_THE_SAME.contains(&text.as_str()),
        };
        if !right {
            let problem = parsed.problems.first().map(|problem| &problem.reason);
            wrong.push(format!("{text:?}: kubectl {json} {error:?}, we {found} {problem:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// JSON does not tell 1 from 1.0, and no reader of kubectl's output does.
fn loosely_equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| loosely_equal(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| loosely_equal(left, right)))
        }
        _ => left == right,
    }
}
