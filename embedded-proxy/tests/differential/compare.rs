//! Compares answers and access logs, and knows the differences that are meant to be.

use std::path::Path;

use serde::Deserialize;
use similar::TextDiff;

use super::client::Answer;

/// A difference that nobody listed.
pub struct Difference {
    /// The request.
    pub title: String,
    /// What differs.
    pub text: String,
}

/// A difference with its reason.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// The title of the request as failures print it, or `NAME logs`.
    pub request: String,
    /// Why we do something else than Envoy.
    pub reason: String,
}

impl Listed {
    /// Whether the entry is about this request.
    pub fn covers(&self, title: &str) -> bool {
        self.request == title && !self.reason.is_empty()
    }
}

/// The listed differences.
pub fn listed(path: &Path) -> Vec<Listed> {
    let text = std::fs::read_to_string(path).expect("differences.yaml is there");
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What differs between Envoy's answers and ours, as a diff.
pub fn differ(theirs: &[Answer], mine: &[Answer]) -> Option<String> {
    (theirs != mine).then(|| diff(&text(theirs), &text(mine)))
}

fn text(answers: &[Answer]) -> String {
    let one = |answer: &Answer| {
        format!(
            "status {}\n{}\n\n{}\ntrailers {:?}\n{}\n",
            answer.status,
            answer.fields.join("\n"),
            answer.body,
            answer.trailers,
            answer.trouble.as_deref().unwrap_or("complete")
        )
    };
    answers.iter().map(one).collect()
}

/// What differs between two texts, as a diff.
pub fn diff_of(theirs: &str, mine: &str) -> Option<String> {
    (theirs != mine).then(|| diff(theirs, mine))
}

fn diff(theirs: &str, mine: &str) -> String {
    let diff = TextDiff::from_lines(theirs, mine);
    diff.unified_diff().context_radius(30).header("Envoy", "ours").to_string()
}

/// Compares access logs of a scenario: the same lines in any order.
pub fn logs(
    name: &str,
    theirs: Option<&str>,
    mine: Option<&str>,
    listed: &[Listed],
    found: &mut Vec<String>,
) -> Option<Difference> {
    let (theirs, mine) = (sorted(theirs?), sorted(mine?));
    if theirs == mine {
        return None;
    }
    let title = format!("{name} logs");
    if listed.iter().any(|listed| listed.covers(&title)) {
        found.push(title);
        return None;
    }
    Some(Difference { title, text: diff(&theirs, &mine) })
}

fn sorted(log: &str) -> String {
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_unstable();
    lines.join("\n") + "\n"
}
