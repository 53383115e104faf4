//! Findings for people: a headline, the sentence, the source with the place underlined, what belongs to it, how to mend it.

use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use miette::{Diagnostic as Miette, GraphicalReportHandler, GraphicalTheme, LabeledSpan, Severity, SourceCode};

use super::excerpt::Excerpt;
use super::plain;
use super::report::{Report, Style};
use crate::diagnostics::{Diagnostic, Level, Location, Related};
use crate::manifests::source::Span;

/// Lines longer than this are hard to read, however wide the terminal is.
const MAX_WIDTH: u16 = 100;
const MIN_WIDTH: u16 = 40;
/// Related places at most this many lines away share the snippet.
const NEAR_LINES: u32 = 4;

/// Writes each finding, with an empty line after it.
pub(super) fn render(report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let handler = handler(style);
    for finding in report.findings {
        headline(finding, style, out)?;
        for part in parts(report, finding, style.width) {
            let mut text = String::new();
            handler.render_report(&mut text, &part).map_err(io::Error::other)?;
            out.write_all(text.as_bytes())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn handler(style: Style) -> GraphicalReportHandler {
    let mut theme = match (style.unicode, style.colour) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, true) => GraphicalTheme::ascii(),
        (false, false) => GraphicalTheme::none(),
    };
    if style.unicode {
        theme.characters.advice = "i".into();
    }
    GraphicalReportHandler::new_themed(theme)
        .with_width(usize::from(style.width.clamp(MIN_WIDTH, MAX_WIDTH)))
        .with_context_lines(2)
        .with_links(false)
        .without_syntax_highlighting()
}

/// `Error IST0101 ReferencedResourceNotFound in VirtualService default/reviews`
fn headline(finding: &Diagnostic, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let colour = match finding.level {
        Level::Error => AnsiColor::Red,
        Level::Warning => AnsiColor::Yellow,
        Level::Info => AnsiColor::Cyan,
    };
    let (strong, faint) = if style.colour {
        (Ansi::new().bold().fg_color(Some(colour.into())), Ansi::new().dimmed())
    } else {
        (Ansi::new(), Ansi::new())
    };
    let code = finding.code;
    write!(out, "{strong}{} {}{strong:#} {}", finding.level.name(), code.code, code.name)?;
    if let Some(resource) = &finding.resource {
        write!(out, "{faint} in {}{faint:#}", plain::line(&resource.to_string()))?;
        if let Some(cluster) = &resource.cluster {
            write!(out, "{faint} (cluster {}){faint:#}", plain::line(cluster))?;
        }
    }
    writeln!(out)
}

/// The finding with its snippet, then one part for each related place that stands elsewhere. The help ends the last one.
fn parts(report: &Report<'_>, finding: &Diagnostic, width: u16) -> Vec<Part> {
    let is_near = |related: &Related| finding.at.is_some_and(|at| near(report, at, related.at));
    let (near, far): (Vec<&Related>, Vec<&Related>) = finding.related.iter().partition(|related| is_near(related));
    let severity = match finding.level {
        Level::Error => Severity::Error,
        Level::Warning => Severity::Warning,
        Level::Info => Severity::Advice,
    };
    let mut main = Part::new(severity, &finding.message, width);
    if let Some(at) = finding.at {
        let labels = near.iter().map(|related| (related.at.span, Some(related.text.as_str())));
        main.show(report, at, finding.label.as_deref(), labels);
    }
    let mut parts = vec![main];
    for related in far {
        let mut part = Part::new(Severity::Advice, &related.text, width);
        part.show(report, related.at, None, std::iter::empty());
        parts.push(part);
    }
    if let Some(last) = parts.last_mut() {
        last.help = finding.help.as_deref().map(|help| plain::line(help).into_owned());
    }
    parts
}

fn near(report: &Report<'_>, at: Location, other: Location) -> bool {
    let line = |at: Location| report.source(at).line_col(at.span.start).line;
    at.file == other.file && line(at).abs_diff(line(other)) <= NEAR_LINES
}

/// One sentence with one snippet, as miette takes it.
struct Part {
    severity: Severity,
    message: String,
    width: u16,
    excerpt: Option<Excerpt>,
    labels: Vec<LabeledSpan>,
    help: Option<String>,
}

impl Part {
    fn new(severity: Severity, message: &str, width: u16) -> Self {
        let message = plain::line(message).into_owned();
        Self { severity, message, width, excerpt: None, labels: Vec::new(), help: None }
    }

    /// Adds the snippet around `at`; the other spans are of the same file.
    fn show<'r>(
        &mut self,
        report: &Report<'_>,
        at: Location,
        label: Option<&'r str>,
        others: impl Iterator<Item = (Span, Option<&'r str>)>,
    ) {
        let all: Vec<(Span, Option<&str>)> = std::iter::once((at.span, label)).chain(others).collect();
        let spans: Vec<Span> = all.iter().map(|(span, _)| *span).collect();
        let excerpt = Excerpt::new(report.source(at), &spans, self.width);
        let labels = excerpt.spans.iter().zip(&all).enumerate().map(|(index, (range, (_, text)))| {
            let text = text.map(|text| plain::line(text).into_owned());
            let make = if index == 0 { LabeledSpan::new_primary_with_span } else { LabeledSpan::new_with_span };
            make(text, (range.start, range.len()))
        });
        self.labels = labels.collect();
        self.excerpt = Some(excerpt);
    }
}

impl Miette for Part {
    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.excerpt.as_ref().map(|excerpt| excerpt as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}

impl std::error::Error for Part {}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
