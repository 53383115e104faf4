//! Inputs that are made to exhaust a reader: nesting, multiplying aliases, long lines, very many keys or documents.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::read;
use crate::manifests::limits::Limits;
use crate::manifests::parse::Parsed;
use crate::manifests::tree::Node;

/// Generous for a debug build on a busy machine, and far below what a quadratic reader takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn lines(numbers: Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect::<Vec<_>>().concat()
}

fn within_patience(text: &str) -> Parsed {
    let start = Instant::now();
    let parsed = read(text);
    assert!(start.elapsed() < PATIENCE, "{:?} for {} bytes", start.elapsed(), text.len());
    parsed
}

fn refused_by_a_limit(text: &str) {
    let parsed = within_patience(text);
    assert_eq!(parsed.documents.len(), 0);
    let problems: Vec<_> = parsed.problems.iter().map(|problem| (problem.limit, &problem.reason)).collect();
    assert!(matches!(problems[..], [(true, _)]), "{problems:?}");
}

#[test]
fn deep_nesting_is_refused_in_every_style() {
    let levels = 10_000;
    refused_by_a_limit(&("[".repeat(levels) + &"]".repeat(levels)));
    refused_by_a_limit(&("{a: ".repeat(levels) + &"}".repeat(levels)));
    refused_by_a_limit(&("- ".repeat(levels) + "a"));
    refused_by_a_limit(&lines(0..levels, |level| format!("{}a:\n", " ".repeat(level))));
    refused_by_a_limit(&("[{a: ".repeat(levels) + "1"));
}

#[test]
fn nesting_through_aliases_is_refused() {
    let chain = |level: usize| format!("a{level}: &a{level} {}*a{}{}\n", "[".repeat(90), level - 1, "]".repeat(90));
    let text = |levels| format!("a0: &a0 1\n{}", lines(1..levels, chain));
    assert_eq!(within_patience(&text(3)).problems, []);
    refused_by_a_limit(&text(4));
    refused_by_a_limit(&text(100));
}

#[test]
fn nesting_within_the_limit_is_read() {
    let levels = Limits::default().depth - 1;
    let flow = "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(within_patience(&flow).problems, []);
    let block = lines(0..levels, |level| format!("{}a:\n", " ".repeat(level)));
    assert_eq!(within_patience(&block).problems, []);
}

#[test]
fn aliases_that_multiply_are_refused() {
    let list = |from: usize| format!("[{}]", vec![format!("*a{from}"); 10].join(","));
    let lists = lines(1..10, |level| format!("a{level}: &a{level} {}\n", list(level - 1)));
    refused_by_a_limit(&format!("a0: &a0 [{}]\n{lists}", ["x"; 10].join(",")));
    let merged =
        |from: usize| format!("{{{}}}", (0..10).map(|key| format!("k{key}: *a{from}")).collect::<Vec<_>>().join(","));
    let maps = lines(1..10, |level| format!("a{level}: &a{level} {}\n", merged(level - 1)));
    refused_by_a_limit(&format!("a0: &a0 {{x: 1}}\n{maps}"));
    let merges = lines(1..24, |level| format!("a{level}: &a{level} {{<<: [*a0, *a{}], k{level}: 1}}\n", level - 1));
    assert_eq!(within_patience(&format!("a0: &a0 {{x: 1}}\n{merges}")).problems, []);
}

#[test]
fn one_large_document_takes_linear_time() {
    let long_line = format!("a: {}\nb: \"{}\"\n", "x".repeat(4 << 20), "y".repeat(4 << 20));
    let document = &within_patience(&long_line).documents[0];
    assert_eq!(document.root.get("b").and_then(Node::as_str).map(str::len), Some(4 << 20));
    let many_keys = lines(0..100_000, |key| format!("key{key}: {key}\n"));
    assert_eq!(within_patience(&many_keys).documents[0].root.entries().len(), 100_000);
    let broken = "a: [1\n---\n".repeat(5_000);
    assert_eq!(within_patience(&broken).problems.len(), 5_000);
    let anchors = lines(0..20_000, |key| format!("k{key}: &k{key} {{a: 1}}\nl{key}: *k{key}\n"));
    assert_eq!(within_patience(&anchors).problems, []);
}

#[test]
fn a_key_of_a_large_mapping_keeps_its_last_value() {
    let text = lines(0..200, |line| format!("key{}: {line}\n", line % 100));
    let document = &read(&text).documents[0];
    assert_eq!(document.root.get("key7").and_then(Node::as_int), Some(107));
    assert_eq!(document.root.entries().len(), 100);
    assert_eq!(document.traps.len(), 100);
}
