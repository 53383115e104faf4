//! Who called whom: counted by those who call, shown as text and as a Mermaid graph.

use std::collections::BTreeMap;
use std::fmt::Write;

use parking_lot::Mutex;

use super::message::{Edge, Outcome};

/// The record.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<BTreeMap<(String, String), Edge>>);

impl Traffic {
    /// Counts one request.
    pub fn record(&self, from: &str, host: &str, outcome: &Outcome) {
        let answer = outcome.answer.as_deref();
        let to = answer.map_or_else(|| host.to_owned(), |answer| answer.workload.clone());
        let failed = outcome.status.is_none_or(|status| status >= 400);
        let mut edges = self.0.lock();
        let edge = edges.entry((from.to_owned(), to.clone())).or_insert_with(|| Edge {
            from: from.to_owned(),
            to,
            ..Edge::default()
        });
        edge.count += 1;
        edge.failed += u64::from(failed);
        edge.mtls |= answer.is_some_and(|answer| answer.peer.is_some());
    }

    /// All so far, by caller.
    pub fn edges(&self) -> Vec<Edge> {
        self.0.lock().values().cloned().collect()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.0.lock().clear();
    }
}

/// One line an edge, callers once.
pub fn text(edges: &[Edge]) -> String {
    let width = edges.iter().map(|edge| edge.to.chars().count()).max().unwrap_or_default();
    let counts = edges.iter().map(|edge| edge.count.to_string().len()).max().unwrap_or_default();
    let mut out = String::new();
    let mut caller = "";
    for edge in edges {
        if edge.from != caller {
            let _ = writeln!(out, "{}", edge.from);
            caller = &edge.from;
        }
        let lock = if edge.mtls { "mTLS" } else { "    " };
        let failed = if edge.failed > 0 { format!("  {} failed", edge.failed) } else { String::new() };
        let line = format!("  └─ {lock} ─> {:width$}  {:>counts$}{failed}", edge.to, edge.count);
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// A Mermaid flow chart: fat arrows are mutual TLS.
pub fn mermaid(edges: &[Edge]) -> String {
    let mut names: Vec<&str> = edges.iter().flat_map(|edge| [&*edge.from, &*edge.to]).collect();
    names.sort_unstable();
    names.dedup();
    let id = |name: &str| names.binary_search(&name).map_or_else(|_| String::new(), |at| format!("n{at}"));
    let mut out = "flowchart LR\n".to_owned();
    for name in &names {
        let _ = writeln!(out, "  {}[\"{}\"]", id(name), name.replace('"', "'"));
    }
    for edge in edges {
        let failed = if edge.failed > 0 { format!(", {} failed", edge.failed) } else { String::new() };
        let arrow = if edge.mtls { "==>" } else { "-->" };
        let _ = writeln!(out, "  {} {arrow}|\"{}{failed}\"| {}", id(&edge.from), edge.count, id(&edge.to));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::message::Answer;

    #[test]
    fn edges_are_counted_and_drawn() {
        let traffic = Traffic::default();
        let answer = Answer { workload: "reviews-v1".into(), peer: Some("spiffe://x".into()), ..Answer::default() };
        let good = Outcome { status: Some(200), answer: Some(Box::new(answer)), ..Outcome::default() };
        traffic.record("web", "reviews", &good);
        traffic.record("web", "reviews", &good);
        traffic.record("web", "details", &Outcome { status: Some(503), ..Outcome::default() });
        let edges = traffic.edges();
        assert_eq!(text(&edges), "web\n  └─      ─> details     1  1 failed\n  └─ mTLS ─> reviews-v1  2\n");
        let drawn = mermaid(&edges);
        assert!(drawn.contains("n2 ==>|\"2\"| n1") && drawn.contains("n2 -->|\"1, 1 failed\"| n0"), "{drawn}");
        traffic.reset();
        assert!(traffic.edges().is_empty());
    }
}
