//! How answers of the local mesh look in a terminal.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::local::message::{Outcome, Status};
use crate::output::table;

/// Services and workloads.
pub fn status(out: &mut impl Write, status: &Status, width: u16) -> io::Result<()> {
    let services = status.services.iter().map(|service| {
        [service.host.clone(), service.address.clone(), service.ports.join(" "), service.workloads.join(" ")]
    });
    table::write(out, ["SERVICE", "ADDRESS", "PORTS", "WORKLOADS"], services, width)?;
    writeln!(out)?;
    let workloads = status.workloads.iter().map(|workload| {
        let proxy = if workload.ready { workload.proxy.clone() } else { format!("{} (not ready)", workload.proxy) };
        [format!("{}/{}", workload.namespace, workload.name), proxy, workload.address.clone(), workload.ports.join(" ")]
    });
    table::write(out, ["WORKLOAD", "PROXY", "ADDRESS", "PORTS"], workloads, width)?;
    for problem in &status.problems {
        writeln!(out, "broken: {problem}")?;
    }
    Ok(())
}

/// How to call them.
pub fn how(out: &mut impl Write, status: &Status) -> io::Result<()> {
    let caller = status.workloads.iter().find(|workload| workload.proxy == "sidecar");
    let called = status.services.iter().rev().find(|service| {
        service.workloads.iter().all(|name| caller.is_none_or(|caller| caller.name != *name))
            && !service.workloads.is_empty()
    });
    writeln!(out, "\ncontrol plane at {}, proxies' admin interfaces at ADDRESS:15000", status.control_plane)?;
    if let (Some(caller), Some(called)) = (caller, called) {
        let port = called.ports.first().and_then(|port| port.split('/').next()).unwrap_or("80");
        let host = called.host.split('.').next().unwrap_or_default();
        writeln!(out, "try: meshctl local call --from {} http://{host}:{port}/", caller.name)?;
    }
    writeln!(out, "Ctrl-C or `meshctl local stop` ends it")
}

/// One outcome: status, who answered, and what was called on the way.
pub fn outcome(out: &mut impl Write, outcome: &Outcome) -> io::Result<()> {
    summary(out, outcome, 0)?;
    if outcome.answer.is_none() && !outcome.body.is_empty() {
        writeln!(out, "body: {}", outcome.body.trim_end())?;
    }
    if let Some(answer) = &outcome.answer {
        writeln!(out, "request, as {} saw it:", answer.workload)?;
        writeln!(out, "  {} {} (host {})", answer.method, answer.path, answer.host)?;
        for (name, value) in &answer.headers {
            writeln!(out, "  {name}: {}", short(value))?;
        }
    }
    if !outcome.headers.is_empty() {
        writeln!(out, "headers of the answer:")?;
        for (name, value) in &outcome.headers {
            writeln!(out, "  {name}: {}", short(value))?;
        }
    }
    Ok(())
}

fn summary(out: &mut impl Write, outcome: &Outcome, depth: usize) -> io::Result<()> {
    let indent = "  ".repeat(depth);
    let status = match (&outcome.status, &outcome.error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.clone(),
        (None, None) => "bytes".to_owned(),
    };
    write!(out, "{indent}{} -> {status} in {} ms", outcome.url, outcome.ms)?;
    match &outcome.answer {
        Some(answer) => {
            let peer = answer.peer.as_deref().map_or_else(|| "plain text".to_owned(), |peer| format!("mTLS as {peer}"));
            writeln!(out, " from {} ({peer})", answer.workload)?;
            answer.calls.iter().try_for_each(|call| summary(out, call, depth + 1))
        }
        None => writeln!(out),
    }
}

fn short(value: &str) -> String {
    const MOST: usize = 160;
    match value.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}...", &value[..end]),
        None => value.to_owned(),
    }
}

/// Several outcomes, by status and who answered.
pub fn counted(out: &mut impl Write, outcomes: &[Outcome]) -> io::Result<()> {
    let mut groups: BTreeMap<(String, String), (usize, u64)> = BTreeMap::new();
    for outcome in outcomes {
        let status =
            outcome.status.map_or_else(|| outcome.error.clone().unwrap_or_else(|| "bytes".into()), |s| s.to_string());
        let who = outcome.answer.as_ref().map_or_else(|| "-".to_owned(), |answer| answer.workload.clone());
        let group = groups.entry((status, who)).or_default();
        group.0 += 1;
        group.1 += outcome.ms;
    }
    let total = outcomes.len().max(1);
    let rows = groups.into_iter().map(|((status, who), (count, ms))| {
        #[allow(clippy::cast_precision_loss, reason = "for people")]
        let share = 100.0 * count as f64 / total as f64;
        [count.to_string(), format!("{share:.1} %"), status, format!("{} ms", ms / count.max(1) as u64), who]
    });
    table::write(out, ["REQUESTS", "SHARE", "STATUS", "MEAN", "ANSWERED BY"], rows, 100)
}
