//! `meshctl proxy`

mod document;
mod problems;

use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;

crate::cli::commands! {
    run => Run,
    validate => Validate,
}

/// Run the embedded proxy, or check its configuration
///
/// The proxy reads Envoy's bootstrap files (API version 3, YAML or JSON) and talks to the same control planes. What it does
/// not have, it refuses by name: a setting is honoured or the proxy does not start, nothing is ignored.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  meshctl proxy validate bootstrap.yaml\n  meshctl proxy run --config bootstrap.yaml"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Runs the subcommand.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    args.command.run(ctx)
}
