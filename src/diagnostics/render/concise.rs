//! One line a finding: `file:line:col: Level [CODE] (Kind ns/name) message`.

use std::io::{self, Write};

use super::plain;
use super::report::Report;

/// Writes the lines. What a finding does not have (a place, an object) is left out.
pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        if let Some(at) = finding.at {
            let point = report.point(at);
            write!(out, "{}:{}:{}: ", plain::line(point.file), point.start.line, point.start.col)?;
        }
        write!(out, "{} [{}] ", finding.level.name(), finding.code.code)?;
        if let Some(resource) = &finding.resource {
            if let Some(cluster) = &resource.cluster {
                write!(out, "[{}] ", plain::line(cluster))?;
            }
            write!(out, "({}) ", plain::line(&resource.to_string()))?;
        }
        writeln!(out, "{}", plain::line(&finding.message))?;
    }
    Ok(())
}
