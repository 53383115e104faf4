//! TLS between the proxies: each case has a proxy that begins TLS and one that ends it. Envoy to Envoy is what the other
//! three pairs are held against: ours to Envoy, Envoy to ours, ours to ours. Answers (the origin tells which header fields
//! it saw), access logs and counters of handshakes of both sides are compared.

mod case;
mod cases;
mod pki;
mod side;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use case::{Case, bootstrap, cluster};
use side::Side;

use super::client::{self, Answer};
use super::compare::{self, Difference};
use super::scenario::Request;
use super::{envoy, folder, origin};

/// A pair: who begins TLS, who ends it.
const PAIRS: [(&str, &str); 4] = [("envoy", "envoy"), ("ours", "envoy"), ("envoy", "ours"), ("ours", "ours")];

/// What is compared of a case.
struct Seen {
    answers: Vec<Answer>,
    /// Log of the client side, log of the server side.
    logs: [PathBuf; 2],
    stats: [BTreeMap<String, String>; 2],
}

/// Stats that tell no behaviour: times, which signature algorithm, ours that Envoy does not have.
fn told(stats: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let silent = |name: &String| {
        ["sigalgs.", "ciphers.", "certificate.", "ocsp_staple_", "own_certificate_expired"]
            .iter()
            .any(|word| name.starts_with(word))
    };
    stats.into_iter().filter(|(name, _)| !silent(name)).collect()
}

fn run(case: &Case, name: &str, client: &Side, server: &Side, logs: [PathBuf; 2]) -> Seen {
    let before = told(server.stats(&format!("listener.{}.ssl.", case.name.replace(' ', "_"))));
    let request = Request {
        path: "/".into(),
        headers: vec!["x-forwarded-client-cert: By=spiffe://before;Hash=00".into(), "connection: close".into()],
        ..Request::default()
    };
    let answers = (0..case.requests).flat_map(|_| client::ask(client.port(name), &request)).collect();
    // Both sides count a handshake before the answer is there; a refusal may come a moment later.
    std::thread::sleep(std::time::Duration::from_millis(150));
    let mut theirs = told(server.stats(&format!("listener.{}.ssl.", case.name.replace(' ', "_"))));
    for (key, value) in &before {
        let less = |text: &str| text.parse::<u64>().unwrap_or(0);
        let now = theirs.get(key).map_or(0, |text| less(text)) - less(value);
        theirs.insert(key.clone(), now.to_string());
    }
    theirs.retain(|_, value| value != "0");
    let mine = told(client.stats(&format!("cluster.{name}.ssl.")));
    Seen { answers, logs, stats: [mine, theirs] }
}

/// The text of what was seen, for comparing.
fn text(seen: &Seen) -> String {
    let log = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let answers: Vec<String> = seen.answers.iter().map(|answer| format!("{answer:#?}")).collect();
    format!(
        "{}\nclient log: {}\nserver log: {}\nclient stats: {:#?}\nserver stats: {:#?}\n",
        answers.join("\n"),
        log(&seen.logs[0]),
        log(&seen.logs[1]),
        seen.stats[0],
        seen.stats[1],
    )
}

#[test]
fn tls_between_envoy_and_us_is_the_same() {
    let Some(binary) = envoy::binary() else {
        println!("SKIP differential suite of TLS: no Envoy; run scripts/envoy.sh");
        return;
    };
    let place = tempfile::tempdir().expect("a folder");
    let origin = origin::Origin::start();
    let only = std::env::var("ONLY").unwrap_or_default();
    let cases: Vec<Case> = cases::all().into_iter().filter(|case| case.name.contains(&only)).collect();
    let log =
        |side: &str, who: &str, name: &str| place.path().join(format!("{side}-{who}-{}.log", name.replace(' ', "_")));
    let start = |who: &str, side: &str, bootstrap: &serde_json::Value| {
        let folder = place.path().join(format!("{side}-{who}"));
        std::fs::create_dir(&folder).expect("created");
        if who == "envoy" { Side::envoy(&binary, bootstrap, &folder) } else { Side::ours(bootstrap) }
    };
    let servers: BTreeMap<&str, Side> = ["envoy", "ours"]
        .map(|who| {
            let listeners: Vec<_> = cases.iter().map(|case| case.server(&log("server", who, case.name))).collect();
            (who, start(who, "server", &bootstrap(&listeners, &[cluster("origin", origin.port)])))
        })
        .into();
    let clients: BTreeMap<&str, Side> = ["envoy", "ours"]
        .map(|who| {
            let pairs = cases.iter().flat_map(|case| ["envoy", "ours"].map(|server| (case, server)));
            let (listeners, clusters): (Vec<_>, Vec<_>) = pairs
                .map(|(case, server)| {
                    let name = format!("{} {server}", case.name);
                    case.client(&name, servers[server].port(case.name), &log("client", who, &name))
                })
                .unzip();
            (who, start(who, "client", &bootstrap(&listeners, &clusters)))
        })
        .into();
    let mut seen: Vec<Vec<Seen>> = Vec::new();
    for case in &cases {
        let pairs = PAIRS.map(|(client, server)| {
            let name = format!("{} {server}", case.name);
            // Both client sides talk to one server side: what it logs is divided by who asked.
            let whole = log("server", server, case.name);
            let begin = std::fs::read_to_string(&whole).unwrap_or_default().len();
            let own = log(&format!("part-{client}"), server, case.name);
            let mut seen =
                run(case, &name, &clients[client], &servers[server], [log("client", client, &name), own.clone()]);
            seen.answers.iter_mut().for_each(|answer| answer.fields.sort());
            wait_for_lines(&whole, begin, &seen);
            let all = std::fs::read_to_string(&whole).unwrap_or_default();
            std::fs::write(&own, &all[begin..]).expect("written");
            seen
        });
        seen.push(pairs.into());
    }
    for side in servers.into_values().chain(clients.into_values()) {
        side.end();
    }
    let listed = compare::listed(&folder().join("tls_differences.yaml"));
    let (mut failures, mut found) = (Vec::new(), Vec::new());
    for (case, pairs) in cases.iter().zip(&seen) {
        let wanted = text(&pairs[0]);
        for ((client, server), seen) in PAIRS.iter().zip(pairs).skip(1) {
            let title = format!("{}: {client} to {server}", case.name);
            let Some(text) = compare::diff_of(&wanted, &text(seen)) else { continue };
            match listed.iter().find(|listed| listed.covers(&title)) {
                Some(listed) => found.push(listed.request.clone()),
                None => failures.push(Difference { title, text }),
            }
        }
    }
    println!("{} cases in three pairs compared, {} listed differences seen", cases.len(), found.len());
    if only.is_empty() {
        for listed in listed.iter().filter(|listed| !found.contains(&listed.request)) {
            let text = "listed in tls_differences.yaml, but there is no difference any more".to_string();
            failures.push(Difference { title: listed.request.clone(), text });
        }
    }
    let report: Vec<String> = failures.iter().map(|failure| format!("{}\n{}", failure.title, failure.text)).collect();
    assert!(failures.is_empty(), "{} differences:\n\n{}", failures.len(), report.join("\n\n"));
}

/// Waits until the server side's log has a line for each request that got through.
fn wait_for_lines(log: &Path, begin: usize, seen: &Seen) {
    let wanted = seen.answers.iter().filter(|answer| answer.status == 200).count();
    for _ in 0..40 {
        let all = std::fs::read_to_string(log).unwrap_or_default();
        if all[begin..].lines().count() >= wanted {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
    }
}
