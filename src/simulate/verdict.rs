//! How a request ends, from what happens to its parts.

use super::report::{Destination, Trace, percent};

/// Fills in the end of a trace.
pub fn conclude(trace: &mut Trace) {
    let lost = trace.destinations.iter().filter_map(|to| refused(to).map(|(part, why)| (to.share * part, why)));
    let mut refusals: Vec<(f64, String)> = lost.collect();
    refusals.extend(trace.answers.iter().map(|answer| (answer.share, answered(answer.status, &answer.why))));
    let taken: Vec<String> =
        trace.destinations.iter().filter(|to| refused(to).is_none_or(|(part, _)| part < 1.0)).map(named).collect();
    trace.status = certain_status(trace);
    trace.delivered = refusals.is_empty() && !trace.destinations.is_empty();
    let texts: Vec<String> = refusals
        .iter()
        .map(
            |(share, why)| {
                if *share < 0.9995 { format!("{} of the requests: {why}", percent(*share)) } else { why.clone() }
            },
        )
        .collect();
    trace.result = match (texts.is_empty(), taken.is_empty()) {
        (true, true) => "nothing takes it".to_owned(),
        (true, false) => format!("delivered to {}", taken.join(", ")),
        (false, true) => format!("refused: {}", texts.join("; ")),
        (false, false) => format!("refused in part: {}; the rest goes to {}", texts.join("; "), taken.join(", ")),
    };
}

fn answered(status: u16, why: &str) -> String {
    if status == 0 { format!("the connection is closed, {why}") } else { format!("{status}, {why}") }
}

/// The part of a destination's requests that no process gets, and why.
fn refused(to: &Destination) -> Option<(f64, String)> {
    if let Some(lost) = &to.lost {
        return Some((1.0, format!("503, {lost}")));
    }
    let refusing: Vec<_> = to.servers.iter().filter(|server| !server.allowed).collect();
    let first = refusing.first()?;
    let count = |servers: usize| u32::try_from(servers).map_or(1.0, f64::from);
    let all: usize = to.servers.iter().map(|server| server.workloads.len()).sum();
    let them: usize = refusing.iter().map(|server| server.workloads.len()).sum();
    let by = first.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    Some((count(them) / count(all.max(1)), format!("{} {}{by}", first.workloads.join(", "), first.result)))
}

fn named(to: &Destination) -> String {
    let what = match (&to.subset, to.host.as_str()) {
        (Some(subset), host) => format!("{host} subset {subset}"),
        (None, "") => to.cluster.clone(),
        (None, host) => format!("{host}:{}", to.port),
    };
    if to.share < 0.9995 { format!("{} to {what}", percent(to.share)) } else { what }
}

/// The status that every such request gets from a proxy.
fn certain_status(trace: &Trace) -> Option<u16> {
    let mut all: Vec<Option<u16>> = trace.answers.iter().map(|answer| Some(answer.status)).collect();
    for to in &trace.destinations {
        if to.lost.is_some() {
            all.push(Some(503));
        } else if to.servers.is_empty() {
            all.push(None);
        }
        // A connection that the server closes is answered by the client's proxy.
        all.extend(to.servers.iter().map(|server| (!server.allowed).then(|| server.status.unwrap_or(503))));
    }
    let first = all.first().copied().flatten().filter(|status| *status != 0)?;
    all.iter().all(|status| *status == Some(first)).then_some(first)
}
