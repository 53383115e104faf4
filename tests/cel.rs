//! The CEL texts that stand beside the Rust tests of CRD rules say the same: both are evaluated on every document of the
//! fixtures, the examples and the corpus.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cel::{Context, Program, Value as CelValue};
use meshctl::dialects::kinds::{KINDS, group_and_kind};
use meshctl::manifests::limits::Limits;
use meshctl::manifests::parse::parse;
use meshctl::manifests::tree::Node;
use meshctl::schema::{MessageRule, Rule, Schema};

use crate::support::repository;

/// What both sides said about one text.
#[derive(Default)]
struct Tally {
    kept: usize,
    broken: usize,
    /// Values where they differ.
    differ: Vec<String>,
    /// Why the library cannot evaluate the text.
    unknown: BTreeSet<String>,
}

#[derive(Default)]
struct Judge {
    tallies: BTreeMap<&'static str, Tally>,
}

impl Judge {
    fn compare(&mut self, text: &'static str, node: &Node, rust: bool) {
        let tally = self.tallies.entry(text).or_default();
        let Ok(program) = Program::compile(text) else {
            tally.unknown.insert("does not compile".to_owned());
            return;
        };
        let mut context = Context::default();
        context.add_variable("self", node.to_json()).unwrap();
        match program.execute(&context) {
            Ok(CelValue::Bool(cel)) if cel == rust => *(if cel { &mut tally.kept } else { &mut tally.broken }) += 1,
            Ok(CelValue::Bool(_)) => tally.differ.push(format!("{} (rust {rust})", node.to_json())),
            Ok(other) => drop(tally.unknown.insert(format!("gives {other:?}"))),
            Err(error) => drop(tally.unknown.insert(error.to_string())),
        }
    }

    fn rule(&mut self, rule: &Rule, node: &Node) {
        match rule {
            Rule::Test(text, _, test) => self.compare(text, node, test(node)),
            Rule::Each(rule) => {
                node.items()
                    .iter()
                    .chain(node.entries().iter().map(|e| &e.node))
                    .for_each(|item| self.rule(rule, item));
            }
            _ => {}
        }
    }

    /// Walks a value along its schema; parts of another type are the structure's business.
    fn walk(&mut self, schema: Schema, node: &Node) {
        match schema {
            Schema::List(item) => node.items().iter().for_each(|node| self.walk(item(), node)),
            Schema::Map(value) => node.entries().iter().for_each(|entry| self.walk(value(), &entry.node)),
            Schema::Message(_, fields, rules) if !node.entries().is_empty() => {
                for rule in rules {
                    if let MessageRule::Cel(text, _, test) = rule {
                        self.compare(text, node, test(node));
                    }
                }
                for field in fields {
                    let Some(value) = node.get(field.name).filter(|value| !value.is_null()) else { continue };
                    if (field.schema)().takes(value) {
                        field.rules.iter().for_each(|rule| self.rule(rule, value));
                        self.walk((field.schema)(), value);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Functions that the library does not have: CEL's durations (left out to spare its date library), and Kubernetes' own.
const BEYOND_THE_LIBRARY: &[&str] = &["duration(", "substring(", "url("];

#[test]
fn cel_texts_and_rust_tests_agree() {
    let mut judge = Judge::default();
    for root in ["tests/analyzers", "examples", "../shared/corpus/istio-analyze"] {
        for entry in walkdir::WalkDir::new(repository(root)).sort_by_file_name().into_iter().flatten() {
            if entry.path().extension().is_none_or(|ending| ending != "yaml") {
                continue;
            }
            let Ok(text) = fs::read_to_string(entry.path()) else { continue };
            for document in parse(&text, &Limits::default()).documents {
                let (group, kind) = group_and_kind(&document.root);
                let known = KINDS.iter().find(|known| known.group == group && known.kind == kind);
                if let (Some(known), Some(spec)) = (known, document.root.get("spec")) {
                    judge.walk((known.schema)(), spec);
                }
            }
        }
    }
    let mut wrong = Vec::new();
    for (text, tally) in &judge.tallies {
        if !tally.differ.is_empty() {
            wrong.push(format!("{text}\n    differ on {}", tally.differ.join("\n              ")));
        }
        let beyond = BEYOND_THE_LIBRARY.iter().any(|function| text.contains(function));
        if !beyond && !tally.unknown.is_empty() {
            wrong.push(format!("{text}\n    {:?}", tally.unknown));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let compared = judge.tallies.values().filter(|tally| tally.kept + tally.broken > 0).count();
    assert!(compared >= 10, "only {compared} texts were compared");
}
