//! The same bootstrap and the same requests through real Envoy and through this proxy: what differs is listed with a reason.
//!
//! A scenario is a YAML file in `scenarios/`. Status, headers, body, the request that the origin saw, response flags and
//! details are compared. Envoy comes from `scripts/envoy.sh` (`make test` runs it); without it the suite says SKIP.

pub mod client;
mod compare;
pub mod envoy;
mod grpc;
pub mod origin;
mod ours;
pub mod scenario;
mod seeds;
mod tls;

use std::path::{Path, PathBuf};

pub use envoy::binary as envoy_binary;

use compare::Difference;
use embedded_proxy::decide::{Outcome, Step};
use embedded_proxy::filters::http::Verdict;
use scenario::Scenario;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential")
}

/// The scenarios by file name; `ONLY=name` runs those whose file name contains the word.
fn scenarios() -> Vec<(String, Scenario)> {
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder().join("scenarios"))
        .expect("scenarios/ is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    let named = files.iter().map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path));
    named.filter(|(name, _)| name.contains(&only)).map(|(name, path)| (name.clone(), Scenario::read(path))).collect()
}

#[test]
fn envoy_and_we_do_the_same() {
    let Some(envoy) = envoy::binary() else {
        println!("SKIP differential suite: no Envoy; run scripts/envoy.sh");
        return;
    };
    let listed = compare::listed(&folder().join("differences.yaml"));
    let (mut requests, mut failures) = (0, Vec::new());
    let mut found = Vec::new();
    for (name, scenario) in scenarios() {
        let origin = origin::Origin::start();
        let theirs = envoy::run(&envoy, &name, &scenario, &origin);
        let mine = ours::run(&name, &scenario, &origin);
        for (index, request) in scenario.requests.iter().enumerate() {
            requests += 1;
            let title = format!("{name}[{index}] {}", request.title());
            let theirs = theirs.ask(request);
            origin.forget();
            let mine = mine.ask(request);
            origin.forget();
            let Some(difference) = compare::differ(&theirs, &mine) else { continue };
            match listed.iter().find(|listed| listed.covers(&title)) {
                Some(listed) => found.push(listed.request.clone()),
                None => failures.push(Difference { title, text: difference }),
            }
        }
        failures.extend(compare::logs(
            &name,
            theirs.finish().as_deref(),
            mine.finish().as_deref(),
            &listed,
            &mut found,
        ));
    }
    println!("{requests} requests compared, {} listed differences seen", found.len());
    if std::env::var_os("ONLY").is_none() {
        for listed in listed.iter().filter(|listed| !found.contains(&listed.request)) {
            let text = "listed in differences.yaml, but there is no difference any more".to_string();
            failures.push(Difference { title: listed.request.clone(), text });
        }
    }
    let report: Vec<String> = failures.iter().map(|failure| format!("{}\n{}", failure.title, failure.text)).collect();
    assert!(failures.is_empty(), "{} differences:\n\n{}", failures.len(), report.join("\n\n"));
}

/// `decide` says of each plain request what then happens: the same answer of the proxy's own, or a request upstream.
/// Decisions that depend on services, counters or time are left out, and counted.
#[test]
fn decisions_are_what_happens() {
    let (mut held, mut open) = (0, 0);
    for (name, scenario) in scenarios() {
        let origin = origin::Origin::start();
        let mine = ours::run(&name, &scenario, &origin);
        for request in &scenario.requests {
            let Some(decision) = mine.decide(request) else { continue };
            if matches!(decision.outcome, Outcome::Opaque(_)) {
                continue;
            }
            let depends = |step: &Step| {
                matches!(step, Step::Filter { verdict: Verdict::Depends(_) | Verdict::Chance { .. }, .. })
                    && !matches!(decision.outcome, Outcome::Reply(_))
            };
            if decision.steps.iter().any(depends) {
                open += 1;
                continue;
            }
            let answer = mine.ask(request).swap_remove(0);
            let upstream = answer
                .fields
                .iter()
                .any(|field| field.starts_with("x-origin: ") || field.starts_with("x-envoy-upstream-"));
            let title = format!("{name} {}\n{decision:#?}\n{answer:?}", request.title());
            match &decision.outcome {
                Outcome::Reply(reply) => {
                    let grpc = answer.fields.iter().any(|field| field.starts_with("grpc-status: "));
                    assert!(!upstream && (grpc || answer.status == reply.status.as_u16()), "{title}");
                }
                Outcome::Forward { shares, .. } => {
                    let hosts = shares.iter().any(|share| share.hosts.as_ref().is_some_and(|hosts| !hosts.is_empty()));
                    assert!(upstream || !hosts || answer.status >= 500 || answer.status == 0, "{title}");
                }
                outcome => panic!("{outcome:?}: {title}"),
            }
            held += 1;
        }
    }
    println!("{held} decisions held, {open} depend on more than the configuration");
    assert!(held > 150 || std::env::var_os("ONLY").is_some(), "only {held} decisions were compared");
}
