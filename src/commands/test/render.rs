//! How cases ended, for people and for machines.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};
use serde::Serialize;

use super::Outcome;
use crate::context::Ctx;
use crate::output::{amount, json as writer};
use crate::simulate::{At, Coverage, Trace, human as steps};

/// Columns of the steps of a case that failed.
const WIDTH: usize = 96;

/// A line each; under those that fail what differs, and the steps.
pub fn human(ctx: &mut Ctx, outcomes: &[Outcome], coverage: Option<&Coverage>, unicode: bool) -> io::Result<()> {
    let out = ctx.ui.out();
    let mut file = "";
    for outcome in outcomes {
        if outcome.file != file {
            file = &outcome.file;
            writeln!(out, "{file}")?;
        }
        let word = if outcome.differences.is_empty() { "pass" } else { "FAIL" };
        writeln!(out, "  {word}  {}", outcome.name)?;
        for difference in &outcome.differences {
            writeln!(out, "        expected {difference}")?;
        }
        if let (false, Some(trace)) = (outcome.differences.is_empty(), &outcome.trace) {
            for line in steps(trace, WIDTH, unicode).lines() {
                writeln!(out, "    {line}")?;
            }
        }
    }
    let failed = outcomes.iter().filter(|outcome| !outcome.differences.is_empty()).count();
    writeln!(out, "\n{}, {failed} failed", amount(outcomes.len(), "case"))?;
    if let Some(coverage) = coverage {
        let (hit, all) = coverage.counts();
        writeln!(out, "{hit} of {all} routes and rules reached ({:.0}%)", coverage.percent())?;
        for at in coverage.missed() {
            writeln!(out, "  never reached: {at}")?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Document<'d> {
    passed: bool,
    cases: Vec<One<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Covered<'d>>,
}

#[derive(Serialize)]
struct One<'d> {
    file: &'d str,
    name: &'d str,
    passed: bool,
    differences: &'d [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'d Trace>,
}

#[derive(Serialize)]
struct Covered<'d> {
    reached: usize,
    all: usize,
    percent: f64,
    missed: Vec<&'d At>,
}

/// One object.
pub fn json(ctx: &mut Ctx, outcomes: &[Outcome], coverage: Option<&Coverage>) -> io::Result<()> {
    let one = |outcome: &'_ Outcome| -> bool { outcome.differences.is_empty() };
    let cases = outcomes.iter().map(|outcome| One {
        file: &outcome.file,
        name: &outcome.name,
        passed: one(outcome),
        differences: &outcome.differences,
        answer: outcome.trace.as_ref(),
    });
    let coverage = coverage.map(|coverage| {
        let (reached, all) = coverage.counts();
        Covered { reached, all, percent: coverage.percent(), missed: coverage.missed() }
    });
    let document = Document { passed: outcomes.iter().all(one), cases: cases.collect(), coverage };
    writer::write(ctx.ui.out(), &document)
}

/// JUnit XML: a suite a file.
pub fn junit(ctx: &mut Ctx, outcomes: &[Outcome]) -> io::Result<()> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for outcome in outcomes {
        let status = match outcome.differences.as_slice() {
            [] => TestCaseStatus::success(),
            all => {
                let mut text = all.join("\n");
                if let Some(trace) = &outcome.trace {
                    text.push_str("\n\n");
                    text.push_str(&steps(trace, WIDTH, false));
                }
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(all[0].as_str()).set_description(text);
                status
            }
        };
        let suite = suites.entry(&outcome.file).or_insert_with(|| TestSuite::new(outcome.file.as_str()));
        suite.add_test_case(TestCase::new(outcome.name.as_str(), status));
    }
    let mut report = Junit::new("meshctl test");
    report.add_test_suites(suites.into_values());
    report.serialize(ctx.ui.out()).map_err(io::Error::other)
}
