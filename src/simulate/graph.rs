//! The way of a request as a picture, in the languages of Mermaid and Graphviz.

use super::report::{Trace, percent};

/// The language of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Graph {
    /// A flowchart, as Markdown of GitHub and GitLab shows it
    Mermaid,
    /// For Graphviz
    Dot,
}

/// An arrow of the picture.
struct Edge {
    from: String,
    to: String,
    label: String,
    refused: bool,
}

/// The picture of an answer.
pub fn graph(trace: &Trace, language: Graph) -> String {
    let edges = edges(trace);
    let mut names: Vec<&str> = Vec::new();
    for edge in &edges {
        for name in [&edge.from, &edge.to] {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let id = |name: &str| names.iter().position(|other| *other == name).unwrap_or_default();
    let mut out = String::new();
    match language {
        Graph::Mermaid => {
            out.push_str("flowchart LR\n");
            for (number, name) in names.iter().enumerate() {
                out.push_str(&format!("  n{number}[\"{}\"]\n", name.replace('"', "#quot;")));
            }
            for edge in &edges {
                let arrow = if edge.refused { "-. \"" } else { "-- \"" };
                let end = if edge.refused { "\" .-x" } else { "\" -->" };
                let label = edge.label.replace('"', "#quot;");
                out.push_str(&format!("  n{} {arrow}{label}{end} n{}\n", id(&edge.from), id(&edge.to)));
            }
        }
        Graph::Dot => {
            let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
            out.push_str("digraph request {\n  rankdir=LR;\n  node [shape=box];\n");
            for (number, name) in names.iter().enumerate() {
                out.push_str(&format!("  n{number} [label={}];\n", quoted(name)));
            }
            for edge in &edges {
                let style = if edge.refused { ", style=dashed, color=red" } else { "" };
                let label = quoted(&edge.label);
                out.push_str(&format!("  n{} -> n{} [label={label}{style}];\n", id(&edge.from), id(&edge.to)));
            }
            out.push_str("}\n");
        }
    }
    out
}

fn edges(trace: &Trace) -> Vec<Edge> {
    let mut edges = Vec::new();
    for answer in &trace.answers {
        let to = if answer.status == 0 { "closed".to_owned() } else { answer.status.to_string() };
        edges.push(Edge { from: trace.from.clone(), to, label: percent(answer.share), refused: true });
    }
    for to in &trace.destinations {
        let name = if to.host.is_empty() { to.cluster.clone() } else { format!("{}:{}", to.host, to.port) };
        let name = to.subset.as_ref().map_or(name.clone(), |subset| format!("{name} {subset}"));
        let refused = to.lost.is_some();
        edges.push(Edge { from: trace.from.clone(), to: name.clone(), label: percent(to.share), refused });
        for server in &to.servers {
            for workload in &server.workloads {
                let how = if to.mtls { "mTLS" } else { "plain" };
                let label = if server.allowed { how.to_owned() } else { server.result.clone() };
                edges.push(Edge { from: name.clone(), to: workload.clone(), label, refused: !server.allowed });
            }
        }
    }
    edges
}
