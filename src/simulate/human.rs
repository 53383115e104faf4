//! The answer for people: the end first, then a tree of steps, each with its line.

use super::report::{Destination, Endpoint, Server, Step, Trace, percent};
use crate::output::wrap::wrap;

/// Marks of a tree.
struct Marks {
    child: &'static str,
    last: &'static str,
    line: &'static str,
}

const LINES: Marks = Marks { child: "├─ ", last: "└─ ", line: "│  " };
const ASCII: Marks = Marks { child: "|- ", last: "`- ", line: "|  " };

/// A node of the tree.
struct Node {
    title: String,
    at: Option<String>,
    children: Vec<Node>,
}

/// The answer, at most `width` columns wide as far as names allow.
pub fn human(trace: &Trace, width: usize, unicode: bool) -> String {
    let mut out = String::new();
    out.push_str(&wrap(&trace.result, width, "  "));
    out.push_str(&format!("\n\n{} {} from {}\n", trace.method, trace.url, trace.from));
    let marks = if unicode { &LINES } else { &ASCII };
    let mut nodes: Vec<Node> = trace.steps.iter().map(node).collect();
    nodes.extend(trace.answers.iter().map(|answer| Node {
        title: match answer.status {
            0 => format!("{} of the requests: the connection is closed, {}", percent(answer.share), answer.why),
            status => format!("{} of the requests are answered {status}: {}", percent(answer.share), answer.why),
        },
        at: answer.at.as_ref().map(ToString::to_string),
        children: Vec::new(),
    }));
    nodes.extend(trace.destinations.iter().map(destination));
    draw(&nodes, "", width, marks, &mut out);
    out
}

fn node(step: &Step) -> Node {
    Node {
        title: format!("{}: {}", step.about, step.text),
        at: step.at.as_ref().map(ToString::to_string),
        children: step.parts.iter().map(node).collect(),
    }
}

fn destination(to: &Destination) -> Node {
    let name = match (&to.subset, to.host.as_str()) {
        (Some(subset), host) => format!("{host} subset {subset}"),
        (None, "") => to.cluster.clone(),
        (None, host) => host.to_owned(),
    };
    let mut children: Vec<Node> = to.steps.iter().map(node).collect();
    children.extend(to.endpoints.iter().map(endpoint));
    children.extend(to.servers.iter().map(server));
    children.extend(to.lost.iter().map(|why| Node { title: format!("503: {why}"), at: None, children: Vec::new() }));
    Node { title: format!("{} to {name}", percent(to.share)), at: None, children }
}

fn endpoint(endpoint: &Endpoint) -> Node {
    let workload = endpoint.workload.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let health = if endpoint.healthy { "" } else { ", takes no traffic" };
    Node { title: format!("endpoint: {}{workload}{health}", endpoint.address), at: None, children: Vec::new() }
}

fn server(server: &Server) -> Node {
    let mut children: Vec<Node> = server.steps.iter().map(node).collect();
    children.push(Node {
        title: server.result.clone(),
        at: server.by.as_ref().filter(|_| !server.allowed).map(ToString::to_string),
        children: Vec::new(),
    });
    Node { title: format!("at {}", server.workloads.join(", ")), at: None, children }
}

fn draw(nodes: &[Node], indent: &str, width: usize, marks: &Marks, out: &mut String) {
    for (index, node) in nodes.iter().enumerate() {
        let last = index + 1 == nodes.len();
        let below = format!("{indent}{}", if last { "   " } else { marks.line });
        let deeper = if node.children.is_empty() { "   " } else { marks.line };
        let room = width.saturating_sub(below.chars().count() + 3).max(20);
        let title = wrap(&node.title, room, "");
        let place = node.at.as_ref().map(|at| wrap(at, room, "")).unwrap_or_default();
        for (number, line) in title.lines().chain(place.lines()).enumerate() {
            let mark = match (number, last) {
                (0, true) => format!("{indent}{}", marks.last),
                (0, false) => format!("{indent}{}", marks.child),
                _ => format!("{below}{deeper}"),
            };
            out.push_str(&mark);
            out.push_str(line);
            out.push('\n');
        }
        draw(&node.children, &below, width, marks, out);
    }
}
