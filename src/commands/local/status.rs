//! `meshctl local status`

use clap::ValueEnum;

use super::answer;
use super::shared::{StateFlag, strange};
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::message::{Ask, Reply};
use crate::output::json;

/// Show services and workloads of the local mesh
///
/// The exit is 1 while a proxy is not ready, or a manifest is broken.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  meshctl local status\n  meshctl local status -o json | jq -r '.workloads[].admin'")]
pub struct Args {
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
    Json,
}

/// Prints tables, or one document.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let Reply::Status(status) = args.state.ask(&Ask::Status)? else { return Err(strange()) };
    let width = ctx.ui.out_width().unwrap_or(100);
    match args.output {
        Format::Text => answer::status(ctx.ui.out(), &status, width)?,
        Format::Json => json::write(ctx.ui.out(), &status)?,
    }
    let well = status.problems.is_empty() && status.workloads.iter().all(|workload| workload.ready);
    Ok(if well { Exit::Ok } else { Exit::Findings })
}
