//! The last lines of a run: how many findings, what was left out, and what the input could not answer.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::report::{Report, Suppressed, SuppressedBy};
use crate::diagnostics::Level;
use crate::output::amount;

/// Writes the summary, for stderr: counts, hidden findings, open questions, and where to read more.
pub fn render_summary(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} in {} ({})", counts(report), amount(report.files, "file"), amount(report.documents, "object"))?;
    for line in hidden(report) {
        writeln!(out, "{line}")?;
    }
    for line in open_questions(report) {
        writeln!(out, "{line}")?;
    }
    let mendable = report.findings.iter().filter(|finding| !finding.edits.is_empty()).count();
    if mendable > 0 {
        writeln!(out, "`--fix` mends {mendable} of them, `--fix --dry-run` shows how.")?;
    }
    if let Some(first) = report.findings.iter().max_by_key(|f| (f.level, std::cmp::Reverse(f.code.code))) {
        writeln!(out, "`meshctl explain {}` tells more about a code.", first.code.code)?;
    }
    Ok(())
}

/// `3 errors, 2 warnings`, or `No findings`.
fn counts(report: &Report<'_>) -> String {
    let parts: Vec<String> = [(Level::Error, "error"), (Level::Warning, "warning"), (Level::Info, "note")]
        .into_iter()
        .map(|(level, word)| (report.count(level), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| amount(count, word))
        .collect();
    if parts.is_empty() { "No findings".to_owned() } else { parts.join(", ") }
}

fn hidden(report: &Report<'_>) -> Vec<String> {
    let hidden = &report.hidden;
    let by = |by: SuppressedBy| hidden.suppressed.iter().filter(|s: &&Suppressed| s.by == by).count();
    let reasons = [
        (hidden.threshold, "below --output-threshold"),
        (hidden.baseline, "listed in the baseline"),
        (by(SuppressedBy::Comment), "ignored by comments"),
        (by(SuppressedBy::Annotation), "suppressed by annotations"),
        (by(SuppressedBy::Setting), "suppressed by --suppress or meshctl.yaml"),
    ];
    let parts: Vec<String> =
        reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}")).collect();
    if parts.is_empty() { Vec::new() } else { vec![format!("Not shown: {}.", parts.join(", "))] }
}

/// One line for each thing that the input lacks.
fn open_questions(report: &Report<'_>) -> Vec<String> {
    let mut by_missing: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for (undecided, count) in report.undecided {
        *by_missing.entry(undecided.missing).or_default().entry(undecided.open).or_default() += count;
    }
    let line = |(missing, open): (&str, BTreeMap<&str, usize>)| {
        let open: Vec<String> = open.iter().map(|(what, count)| format!("{what} ({count})")).collect();
        format!("Not checked, because the input holds no {missing}: {}.", open.join(", "))
    };
    by_missing.into_iter().map(line).collect()
}
