//! JUnit XML: one suite a file, one failed case a finding; a clean run is one case that passes.

use std::collections::BTreeMap;
use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::report::Report;
use crate::diagnostics::Diagnostic;

/// Writes the document. Levels become failure types, since the format knows failed and passed only.
pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: BTreeMap<&str, TestSuite> = BTreeMap::new();
    for finding in report.findings {
        let file = finding.at.map_or("no file", |at| report.source(at).name.as_str());
        suites.entry(file).or_insert_with(|| TestSuite::new(file)).add_test_case(case(report, finding));
    }
    if suites.is_empty() {
        let mut suite = TestSuite::new("meshctl analyze");
        suite.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
        suites.insert("", suite);
    }
    let mut junit = Junit::new("meshctl analyze");
    junit.add_test_suites(suites.into_values());
    junit.serialize(out).map_err(io::Error::other)
}

fn case(report: &Report<'_>, finding: &Diagnostic) -> TestCase {
    let point = finding.at.map(|at| report.point(at));
    let place = point.map(|p| format!("{}:{}:{}", p.file, p.start.line, p.start.col));
    let mut text = finding.message.clone();
    for line in place.iter().chain(&finding.help) {
        text.push('\n');
        text.push_str(line);
    }
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_type(finding.level.name()).set_message(finding.message.as_str()).set_description(text);
    let subject = finding.resource.as_ref().map(|r| format!(" {r}")).unwrap_or_default();
    let line = finding.at.map(|at| format!(":{}", report.point(at).start.line)).unwrap_or_default();
    let mut case = TestCase::new(format!("{}{subject}{line}", finding.code.code), status);
    case.set_classname(finding.analyzer);
    case
}
