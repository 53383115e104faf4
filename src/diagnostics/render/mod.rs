//! How findings are shown: one file per output format, all over the same [`Report`].

mod concise;
mod excerpt;
mod format;
mod github;
mod human;
mod json;
mod junit;
mod plain;
mod report;
mod sarif;
mod summary;

use std::io::{self, Write};

pub use format::Format;
pub use report::{Hidden, Report, Style, Suppressed, SuppressedBy};
pub use summary::render_summary;

/// Writes the findings of `report` to `out`, one document a run. What was not checked or not shown is told by
/// [`render_summary`], on another stream.
pub fn render(format: Format, report: &Report<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Human => human::render(report, style, out),
        Format::Concise => concise::render(report, out),
        Format::Json => json::render_json(report, out),
        Format::Yaml => json::render_yaml(report, out),
        Format::Sarif => sarif::render(report, out),
        Format::Junit => junit::render(report, out),
        Format::Github => github::render(report, out),
    }
}
