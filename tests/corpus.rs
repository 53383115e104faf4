//! istioctl's own test cases (../shared/corpus/istio-analyze): the same codes on the same resources, and the validation
//! documents accepted and rejected as marked.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use meshctl::analyzers::{registry, run};
use meshctl::diagnostics::Level;
use meshctl::dialects::model::{Model, Options};
use serde_json::Value;

use crate::support::repository;

/// Expected findings that we do not report on purpose: case, code, resource, reason.
const DISAGREEMENTS: &[(&str, &str, &str, &str)] = &[(
    "testGrid-039",
    "IST0132",
    "VirtualService httpbin-bogus",
    "the gateway does not exist, which IST0101 says; that it lacks the hosts says nothing new",
)];

fn corpus() -> Option<PathBuf> {
    let path = repository("../shared/corpus/istio-analyze");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("SKIP corpus: {} is not there", path.display());
    None
}

fn cases(file: &str) -> Option<(PathBuf, Vec<Value>)> {
    let root = corpus()?;
    let text = fs::read_to_string(root.join(file)).unwrap();
    Some((root, serde_json::from_str(&text).unwrap()))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> Vec<&'v str> {
    value[key].as_array().map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default()
}

fn model(root: &std::path::Path, case: &Value) -> Model {
    let mut model = Model::new(Options {
        default_namespace: text(case, "defaultNamespace").to_owned(),
        root_namespace: text(case, "istioNamespace").to_owned(),
        ..Options::default()
    });
    let read = |file: &str| fs::read_to_string(root.join("inputs").join(file)).unwrap();
    for file in list(case, "inputFiles").into_iter().chain(list(case, "implicitFiles")) {
        model.add_yaml(file, read(file), None);
    }
    let mesh_config = case["meshConfig"].as_str().unwrap_or("common/meshconfig.yaml");
    model.add_mesh_config(mesh_config, read(mesh_config));
    if let Some(networks) = case["meshNetworks"].as_str() {
        model.add_mesh_networks(networks, read(networks));
    }
    for (cluster, files) in case["clusters"].as_object().into_iter().flatten() {
        for file in files.as_array().into_iter().flatten().filter_map(Value::as_str) {
            model.add_yaml(file, read(file), Some(cluster));
        }
    }
    model
}

#[test]
fn corpus_cases_give_the_same_codes_on_the_same_resources() {
    let Some((root, cases)) = cases("cases.json") else { return };
    let mut wrong = Vec::new();
    for case in &cases {
        let id = text(case, "id");
        let name = text(case, "analyzer");
        let Some(analyzer) = registry::analyzer(name) else {
            wrong.push(format!("{id}: no analyzer {name}"));
            continue;
        };
        let sink = run::run(&model(&root, case), &[analyzer]);
        let mut balance: BTreeMap<(String, String), i32> = BTreeMap::new();
        for expected in case["expected"].as_array().unwrap() {
            *balance.entry((text(expected, "code").to_owned(), text(expected, "resource").to_owned())).or_default() -=
                1;
        }
        for (_, code, resource, _) in DISAGREEMENTS.iter().filter(|(case, ..)| *case == id) {
            *balance.entry(((*code).to_owned(), (*resource).to_owned())).or_default() += 1;
        }
        for finding in &sink.findings {
            let resource = finding.resource.as_ref().map(ToString::to_string).unwrap_or_default();
            *balance.entry((finding.code.code.to_owned(), resource)).or_default() += 1;
        }
        for ((code, resource), count) in balance.into_iter().filter(|(_, count)| *count != 0) {
            let word = if count < 0 { "missing" } else { "too many" };
            wrong.push(format!(
                "{id} {name} ({}): {word} {} x {code} {resource}",
                list(case, "inputFiles").join(" "),
                count.abs()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

/// What we say about documents that are marked as valid, with the reason. Everything else about them is a false alarm.
const ON_VALID: &[(&str, &[&str], &str)] = &[
    (
        "crd-envoyfilter-valid-01",
        &["IST0133", "IST0151"],
        "upstream warns as well: an internal interface, a relative operation",
    ),
    ("crd-envoyfilter-valid-03", &["IST0133"], "upstream warns as well: an internal interface"),
    ("crd-envoyfilter-valid-04", &["IST0133"], "upstream warns as well: an internal interface"),
    ("crd-proxyconfig-valid-01", &["IST0133"], "upstream warns as well: an empty selector"),
    (
        "crd-serviceentry-valid-02",
        &["IST0133", "IST0133"],
        "upstream warns as well: an empty selector, and one without use",
    ),
    ("crd-workloadentry-valid-01", &["IST0133"], "upstream warns as well: no address"),
    (
        "validate-11-skip-validating-service",
        &["K8S0108"],
        "`istioctl validate` skips istio-system; without apiVersion kubectl refuses it",
    ),
    ("validate-12-service-with-udp-port", &["K8S0105", "K8S0108"], "without apiVersion and port kubectl refuses it"),
    ("validate-15-warning", &["IST9006"], "marked as valid with a warning"),
    ("validate-20-metric-labels-k8s-recommended", &["K8S0107"], "no server has Deployment in v1"),
];

#[test]
fn corpus_validation_documents_are_accepted_and_rejected_as_marked() {
    let Some((root, cases)) = cases("validation_cases.json") else { return };
    let analyzers: Vec<_> = registry::ANALYZERS.iter().copied().filter(|analyzer| analyzer.default).collect();
    let mut wrong = Vec::new();
    for case in &cases {
        let id = text(case, "id");
        let mut model = Model::new(Options::default());
        model.add_yaml(id, fs::read_to_string(root.join(text(case, "file"))).unwrap(), None);
        let findings = run::run(&model, &analyzers).findings;
        let told: Vec<_> = findings.iter().map(|d| format!("\n    {} {}", d.code.code, d.message)).collect();
        let told = told.concat();
        if case["valid"].as_bool().unwrap() {
            let mut codes: Vec<_> = findings.iter().map(|d| d.code.code).collect();
            codes.sort_unstable();
            let known = ON_VALID.iter().find(|(known, ..)| *known == id).map_or(&[][..], |(_, codes, _)| codes);
            if codes != known {
                wrong.push(format!("{id}: should give {known:?}{told}"));
            }
        } else if !findings.iter().any(|d| d.level == Level::Error || d.code.code == "IST0118") {
            // `istioctl validate` refuses a port name that analyze only mentions (IST0118).
            wrong.push(format!("{id}: should be rejected ({}){}", text(case, "crd_error_contains"), told));
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}
