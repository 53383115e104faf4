//! Whether an answer is what was expected.

use super::case::Expect;
use super::report::{At, Destination, Trace, percent};

/// Shares that differ by no more than this are equal when no tolerance is given: half a percent.
const TOLERANCE: f64 = 0.005;

/// What differs, a sentence each; empty when all is as expected.
pub fn differences(expect: &Expect, trace: &Trace) -> Vec<String> {
    let mut out = Vec::new();
    let meant: Vec<&Destination> = trace.destinations.iter().filter(|to| is_meant(expect, to)).collect();
    destination(expect, trace, &meant, &mut out);
    if let Some(wanted) = expect.status {
        let got = if trace.delivered { Some(200) } else { trace.status };
        if got != Some(wanted) {
            let got = got.map_or_else(|| "no single status is certain".to_owned(), |got| format!("it is {got}"));
            out.push(format!("status {wanted}: {got} ({})", trace.result));
        }
    }
    for to in &meant {
        sent(expect, to, &mut out);
    }
    if let Some(wanted) = expect.mtls {
        for to in meant.iter().filter(|to| to.mtls != wanted) {
            out.push(format!("mtls {wanted}: {} is called {}", name(to), if to.mtls { "with it" } else { "without" }));
        }
    }
    if let Some(wanted) = expect.allowed
        && wanted != trace.delivered
        && (wanted || is_taken(trace))
    {
        out.push(format!("allowed {wanted}: {}", trace.result));
    }
    if let Some(by) = &expect.by
        && !decides(trace, by)
    {
        let all: Vec<String> = deciding(trace).map(ToString::to_string).collect();
        let got = if all.is_empty() { "nothing that is configured".to_owned() } else { all.join("; ") };
        out.push(format!("by {by}: it was {got}"));
    }
    out
}

fn name(to: &Destination) -> String {
    let host = if to.host.is_empty() { &to.cluster } else { &to.host };
    to.subset.as_ref().map_or_else(|| host.clone(), |subset| format!("{host} subset {subset}"))
}

fn is_meant(expect: &Expect, to: &Destination) -> bool {
    let host = expect.destination.as_deref().is_none_or(|wanted| {
        let wanted =
            wanted.rsplit_once(':').filter(|(_, port)| *port == to.port.to_string()).map_or(wanted, |(host, _)| host);
        to.cluster == wanted
            || to.host.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    host && expect.subset.as_ref().is_none_or(|wanted| to.subset.as_ref() == Some(wanted))
}

fn destination(expect: &Expect, trace: &Trace, meant: &[&Destination], out: &mut Vec<String>) {
    if expect.destination.is_none() && expect.subset.is_none() && expect.share.is_none() {
        return;
    }
    let got: f64 = meant.iter().map(|to| to.share).sum();
    let (wanted, tolerance) = match expect.share.as_deref().map(share) {
        None => (1.0, TOLERANCE),
        Some(Some(share)) => share,
        Some(None) => {
            out.push(format!(
                "share `{}`: write it as `90%` or `90% ± 1%`",
                expect.share.as_deref().unwrap_or_default()
            ));
            return;
        }
    };
    if (got - wanted).abs() > tolerance + 1e-9 {
        let what: Vec<&str> = [&expect.destination, &expect.subset].into_iter().flatten().map(String::as_str).collect();
        let goes: Vec<String> =
            trace.destinations.iter().map(|to| format!("{} to {}", percent(to.share), name(to))).collect();
        let goes = if goes.is_empty() { trace.result.clone() } else { goes.join(", ") };
        out.push(format!("{} to {}: it is {} ({goes})", percent(wanted), what.join(" "), percent(got)));
    }
}

/// `90%`, `90`, `90% ± 1%`, `90+-1`.
fn share(text: &str) -> Option<(f64, f64)> {
    let number = |text: &str| text.trim().trim_end_matches('%').trim().parse::<f64>().ok().map(|number| number / 100.0);
    let parts = text.split_once('±').or_else(|| text.split_once("+-")).or_else(|| text.split_once("+/-"));
    match parts {
        Some((share, tolerance)) => Some((number(share)?, number(tolerance)?)),
        None => Some((number(text)?, TOLERANCE)),
    }
}

fn sent(expect: &Expect, to: &Destination, out: &mut Vec<String>) {
    for (field, wanted) in &expect.headers {
        let got = to.headers.get(&field.to_ascii_lowercase());
        if got != Some(wanted) {
            let got = got.map_or_else(|| "it is not sent".to_owned(), |got| format!("it is {got:?}"));
            out.push(format!("header {field} {wanted:?} to {}: {got}", name(to)));
        }
    }
    if let Some(wanted) = expect.path.as_ref().filter(|wanted| **wanted != to.path) {
        out.push(format!("path {wanted} to {}: it is {}", name(to), to.path));
    }
}

/// True when some of the requests reach a process.
fn is_taken(trace: &Trace) -> bool {
    trace
        .destinations
        .iter()
        .any(|to| to.lost.is_none() && (to.servers.is_empty() || to.servers.iter().any(|server| server.allowed)))
}

/// What decided: access rules, routes, answers.
fn deciding(trace: &Trace) -> impl Iterator<Item = &At> {
    let of_servers = trace.destinations.iter().flat_map(|to| &to.servers).filter_map(|server| server.by.as_ref());
    let of_answers = trace.answers.iter().filter_map(|answer| answer.at.as_ref());
    let abouts = ["route", "access", "mutual TLS", "subset"];
    let of_steps =
        trace.all_steps().filter(move |step| abouts.contains(&step.about)).filter_map(|step| step.at.as_ref());
    of_servers.chain(of_answers).chain(of_steps)
}

fn decides(trace: &Trace, by: &str) -> bool {
    let is = |at: &At| {
        let (kind, full) = at.object.split_once(' ').unwrap_or(("", &at.object));
        let short = full.rsplit('/').next().unwrap_or(full);
        [full, short, &at.object].contains(&by)
            || by == format!("{kind} {short}")
            || by == format!("{} {}", at.object, at.field)
    };
    let rule = |text: &str| text.split([' ', ':']).next() == Some(by);
    deciding(trace).any(is) || trace.steps.iter().any(|step| step.about == "route" && rule(&step.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_tolerances() {
        assert_eq!(share("90%"), Some((0.9, TOLERANCE)));
        assert_eq!(share("90% ± 1%"), Some((0.9, 0.01)));
        assert_eq!(share("25+-5"), Some((0.25, 0.05)));
        assert_eq!(share("most"), None);
    }
}
