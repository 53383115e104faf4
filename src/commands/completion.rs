//! `meshctl completion`

use std::io::Write;

use clap_complete::Shell;

use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;

/// Print the completion script of a shell
///
/// The script completes commands, flags and their values. For a script that asks the installed meshctl at each Tab
/// (and so is never out of date), load `source <(COMPLETE=bash meshctl)` instead; zsh, fish and powershell work alike.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    meshctl completion bash > /etc/bash_completion.d/meshctl\n  \
    meshctl completion zsh > \"${fpath[1]}/_meshctl\"\n  \
    meshctl completion fish > ~/.config/fish/completions/meshctl.fish\n  \
    meshctl completion powershell >> $PROFILE")]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    ctx.ui.out().write_all(&script(args.shell))?;
    Ok(Exit::Ok)
}

/// The completion script of one shell, for the binary's own name.
pub fn script(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::cli::command(), "meshctl", &mut script);
    script
}
