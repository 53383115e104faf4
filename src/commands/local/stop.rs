//! `meshctl local stop`

use std::time::{Duration, Instant};

use super::shared::{StateFlag, strange};
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::message::{Ask, Reply};
use crate::local::state::socket;

/// How long the end is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// End the local mesh
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  meshctl local stop")]
pub struct Args {
    #[command(flatten)]
    state: StateFlag,
}

/// Asks it to end, and waits until it has.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let Reply::Stopping = args.state.ask(&Ask::Stop)? else { return Err(strange()) };
    let (socket, end) = (socket(&args.state.directory()), Instant::now() + PATIENCE);
    while socket.exists() {
        if Instant::now() > end {
            return Err(Failure::input("the local mesh did not end in time"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    ctx.ui.note("the local mesh has ended")?;
    Ok(Exit::Ok)
}
