//! What holds for the manifest reader whatever it is given.
//!
//! - `documents.rs`: whole texts are read as kubectl's converter read them.
//! - `hostile.rs`: sizes and shapes made to hurt end in an error, soon.
//! - `properties.rs`: no text panics, spans fit the text, JSON and YAML read back the same.

mod documents;
mod hostile;
mod properties;

use super::limits::Limits;
use super::parse::{Parsed, parse};

fn read(text: &str) -> Parsed {
    parse(text, &Limits::default())
}

/// Seen in real manifests: `addresses: [001:db8::]`.
#[test]
fn a_colon_before_a_bracket_or_a_comma_is_part_of_the_text() {
    let text = "a: [1.2.3.4, fe80::, 001:db8::]\nb: [c: , {d: }]\n";
    let root = &read(text).documents[0].root;
    let list: Vec<_> =
        root.get("a").unwrap().items().iter().map(|item| (item.as_str(), &text[item.span.range()])).collect();
    assert_eq!(list[1..], [(Some("fe80::"), "fe80::"), (Some("001:db8::"), "001:db8::")]);
    assert!(root.get("b").unwrap().items().iter().all(|item| item.entries().len() == 1));
}
