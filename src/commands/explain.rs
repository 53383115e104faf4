//! `meshctl explain`

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde::Serialize;

use crate::analyzers::registry::{self, ANALYZERS};
use crate::context::Ctx;
use crate::diagnostics::suppress::near_code;
use crate::diagnostics::{Code, Level};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::wrap::wrap;
use crate::output::{json, table};

/// Explain a finding: what is wrong, why it matters, and how to mend it
///
/// Without a code, lists every code that `meshctl analyze` may report.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  meshctl explain IST0101\n  meshctl explain ReferencedResourceNotFound\n  meshctl explain -o json | jq -r '.[].code'"
)]
pub struct Args {
    /// The code of a finding, such as IST0101, or its name
    #[arg(value_name = "CODE")]
    code: Option<String>,

    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For the terminal
    #[default]
    Text,
    /// One object, or an array of all codes
    Json,
    /// The page of the documentation
    Markdown,
}

/// A terminal wider than this does not make prose easier to read.
const WIDTH: u16 = 100;

/// Prints one code or all.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let out = ctx.ui.out();
    match (&args.code, args.output) {
        (Some(text), format) => {
            let code = find(text)?;
            match format {
                Format::Text => page(code, out)?,
                Format::Json => json::write(out, &View::new(code))?,
                Format::Markdown => out.write_all(code.page().as_bytes())?,
            }
        }
        (None, Format::Text) => list(out)?,
        (None, Format::Json) => json::write(out, &registry::codes().into_iter().map(View::new).collect::<Vec<_>>())?,
        (None, Format::Markdown) => {
            let pages: Vec<String> = registry::codes().into_iter().map(Code::page).collect();
            out.write_all(pages.join("\n").as_bytes())?;
        }
    }
    Ok(Exit::Ok)
}

fn find(text: &str) -> Result<&'static Code, Failure> {
    registry::code(text).ok_or_else(|| {
        let failure = Failure::usage(format!("there is no code `{text}`"));
        match near_code(text) {
            Some(near) => failure.hint(format!("Did you mean {near}?")),
            None => failure.hint("`meshctl explain` lists the codes."),
        }
    })
}

/// Everything about a code, for scripts. The sections are Markdown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    code: &'static str,
    name: &'static str,
    level: &'static str,
    title: &'static str,
    documentation_url: String,
    analyzers: Vec<&'static str>,
    why: String,
    bad: String,
    good: String,
    fix: String,
}

impl View {
    fn new(code: &'static Code) -> Self {
        let [why, bad, good, fix] = ["Why", "Bad", "Good", "Fix"].map(|heading| code.section(heading));
        Self {
            code: code.code,
            name: code.name,
            level: code.level.name(),
            title: code.title(),
            documentation_url: code.url(),
            analyzers: reporters(code),
            why,
            bad,
            good,
            fix,
        }
    }
}

fn reporters(code: &'static Code) -> Vec<&'static str> {
    ANALYZERS.iter().filter(|analyzer| analyzer.codes.contains(&code)).map(|a| a.name).collect()
}

fn list(out: &mut impl Write) -> io::Result<()> {
    let row = |code: &Code| [code.code, code.level.name(), code.title()].map(str::to_owned);
    table::write(out, ["CODE", "LEVEL", "WHAT IS WRONG"], registry::codes().into_iter().map(row), WIDTH)
}

/// The page without Markdown's marks, wrapped; examples are indented and keep their lines.
fn page(code: &'static Code, out: &mut impl Write) -> io::Result<()> {
    let colour = match code.level {
        Level::Error => AnsiColor::Red,
        Level::Warning => AnsiColor::Yellow,
        Level::Info => AnsiColor::Cyan,
    };
    let (bold, level) = (Style::new().bold(), Style::new().bold().fg_color(Some(colour.into())));
    let width = usize::from(WIDTH);
    writeln!(out, "{bold}{} {}{bold:#} ({level}{}{level:#})", code.code, code.name, code.level.name())?;
    writeln!(out, "{}", wrap(code.title(), width, ""))?;
    writeln!(out)?;
    let body = code.body();
    let mut lines = body.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            writeln!(out, "{bold}{heading}{bold:#}")?;
        } else if line.trim_start().starts_with("```") {
            for line in lines.by_ref().take_while(|line| !line.trim_start().starts_with("```")) {
                writeln!(out, "{}", format!("    {line}").trim_end())?;
            }
        } else if line.is_empty() {
            writeln!(out)?;
        } else {
            let mut text = line.to_owned();
            let is_item = |line: &str| line.starts_with("- ") || line.starts_with(|c: char| c.is_ascii_digit());
            while let Some(more) = lines.next_if(|next| {
                !next.is_empty() && !next.starts_with('#') && !next.starts_with("```") && !is_item(next)
            }) {
                text.push(' ');
                text.push_str(more.trim());
            }
            let indent = if is_item(line) { "  " } else { "" };
            writeln!(out, "{}", wrap(&text, width, indent))?;
        }
    }
    writeln!(out)?;
    writeln!(out, "{}", wrap(&format!("Reported by {}.", reporters(code).join(", ")), width, "  "))
}
