//! Any text is read or refused: no panic, every span inside the text and between characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshctl::manifests::limits::Limits;
use meshctl::manifests::parse::parse;
use meshctl::manifests::source::Span;
use meshctl::manifests::tree::Node;

fuzz_target!(|text: &str| {
    // Small, so that the fuzzer reaches the limits instead of its own time-out.
    let limits = Limits { depth: 40, nodes: 10_000, ..Limits::default() };
    let parsed = parse(text, &limits);
    for document in &parsed.documents {
        check(text, &document.root);
    }
    for problem in &parsed.problems {
        check_span(text, problem.span);
    }
    for comment in &parsed.comments {
        check_span(text, comment.span);
    }
});

fn check(text: &str, node: &Node) {
    check_span(text, node.span);
    for item in node.items() {
        check(text, item);
    }
    for entry in node.entries() {
        check_span(text, entry.key_span);
        check(text, &entry.node);
    }
}

fn check_span(text: &str, span: Span) {
    assert!(span.start <= span.end && text.get(span.range()).is_some(), "{span:?}");
}
