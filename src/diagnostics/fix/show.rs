//! What `--fix` would do, as a unified diff that `patch -p1` accepts, and what it will not do.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style as Ansi};
use similar::TextDiff;

use super::plan::{Change, Refused};
use crate::diagnostics::render::Style;

/// Writes the diff of each file.
pub fn render_diff(changes: &[Change], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for change in changes {
        let name = change.name.trim_start_matches("./").trim_start_matches('/');
        let diff = TextDiff::from_lines(change.old.as_str(), change.new.as_str());
        let text = diff.unified_diff().header(&format!("a/{name}"), &format!("b/{name}")).to_string();
        for line in text.split_inclusive('\n') {
            let colour = match line.as_bytes().first() {
                Some(b'+') => Some(AnsiColor::Green),
                Some(b'-') => Some(AnsiColor::Red),
                Some(b'@') => Some(AnsiColor::Cyan),
                _ => None,
            };
            match colour.filter(|_| style.colour) {
                Some(colour) => {
                    let ansi = Ansi::new().fg_color(Some(colour.into()));
                    writeln!(out, "{ansi}{}{ansi:#}", line.trim_end_matches('\n'))?;
                }
                None => out.write_all(line.as_bytes())?,
            }
        }
    }
    Ok(())
}

/// One line for each file with edits that are not made.
pub fn render_refused(refused: &[Refused], out: &mut dyn Write) -> io::Result<()> {
    refused.iter().try_for_each(|refused| writeln!(out, "{}: {}", refused.name, refused.reason))
}
