//! `meshctl control-plane`

mod reach;

use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;

crate::cli::commands! {
    run => Run,
}

/// Run the control plane: configuration in, xDS and certificates out
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  meshctl control-plane run -f mesh/\n  curl -s localhost:15014/debug/syncz"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Runs the subcommand.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    args.command.run(ctx)
}
