//! `meshctl local graph`

use std::io::Write;

use clap::ValueEnum;

use super::shared::{StateFlag, strange};
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::message::{Ask, Reply};
use crate::local::traffic::{mermaid, text};
use crate::output::json;

/// Show who called whom in the local mesh
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  meshctl local graph\n  meshctl local graph -o mermaid --reset")]
pub struct Args {
    /// Begin to count anew afterwards
    #[arg(long)]
    reset: bool,

    /// How to print it
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    state: StateFlag,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Format {
    #[default]
    Text,
    Mermaid,
    Json,
}

/// Prints the edges.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let Reply::Traffic(edges) = args.state.ask(&Ask::Traffic { reset: args.reset })? else { return Err(strange()) };
    match args.output {
        Format::Text => write!(ctx.ui.out(), "{}", text(&edges))?,
        Format::Mermaid => write!(ctx.ui.out(), "{}", mermaid(&edges))?,
        Format::Json => json::write(ctx.ui.out(), &edges)?,
    }
    Ok(Exit::Ok)
}
