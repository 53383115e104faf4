//! `meshctl local`

mod answer;
mod shared;

use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;

crate::cli::commands! {
    call => Call,
    graph => Graph,
    status => Status,
    stop => Stop,
    up => Up,
}

/// Run a mesh on this machine, without Kubernetes
///
/// `meshctl local up` starts a control plane, a proxy for each workload that the manifests declare and a sample application
/// behind it, on loopback addresses and in one process. `meshctl local call` sends requests from a workload through its
/// proxy. Needs Linux: other systems have one loopback address.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Example:\n  meshctl local up -f examples/mesh\n  meshctl local call --from productpage-v1 http://reviews:9080/reviews/0"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

/// Runs the subcommand.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    args.command.run(ctx)
}
