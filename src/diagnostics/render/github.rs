//! Workflow commands that GitHub shows as annotations of a pull request.

use std::io::{self, Write};

use super::plain;
use super::report::Report;
use crate::diagnostics::Level;

/// Writes `::error file=..,line=..,col=..,endLine=..,endColumn=..,title=..::message`, one line a finding.
pub(super) fn render(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    for finding in report.findings {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "notice",
        };
        write!(out, "::{command} ")?;
        if let Some(at) = finding.at {
            let point = report.point(at);
            write!(out, "file={},line={},col={}", property(point.file), point.start.line, point.start.col)?;
            write!(out, ",endLine={}", point.end.line)?;
            // GitHub ignores columns unless both are on one line, and counts the last character in.
            if point.start.line == point.end.line {
                write!(out, ",endColumn={}", point.end.col.saturating_sub(1).max(point.start.col))?;
            }
            write!(out, ",")?;
        }
        write!(out, "title={}", property(&format!("{} {}", finding.code.code, finding.code.name)))?;
        let subject = finding.resource.as_ref().map(|r| format!("{r}: ")).unwrap_or_default();
        let help = finding.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        writeln!(out, "::{}", message(&format!("{subject}{}{help}", finding.message)))?;
    }
    Ok(())
}

/// The escapes of a message.
fn message(text: &str) -> String {
    let lines: Vec<String> = text.replace('%', "%25").lines().map(|line| plain::line(line).into_owned()).collect();
    lines.join("%0A").replace('\r', "%0D")
}

/// The escapes of a property, where `:` and `,` mean something too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_value_is_escaped() {
        assert_eq!(message("50% of\r\n::error"), "50%25 of%0A::error");
        assert_eq!(property("a,b:c.yaml"), "a%2Cb%3Ac.yaml");
    }
}
