//! The command line: the argument tree, dispatch, and the last line of defence for errors and panics.

use std::any::Any;
use std::ffi::OsString;
use std::io::Write;
use std::panic::{self, AssertUnwindSafe};
use std::sync::OnceLock;

use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::Command;
use crate::config::env;
use crate::context::{Ctx, GlobalArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Ui;

const AFTER_HELP: &str = "\
Exit codes: 0 ok, 1 findings or unhealthy, 2 wrong usage or unreadable input, 3 cluster unreachable or forbidden, 70 a bug.
`meshctl help COMMAND` shows a command's options and examples.";

/// Checks, explains and runs service meshes
#[derive(Debug, Parser)]
#[command(name = "meshctl", version, max_term_width = 110, arg_required_else_help = true, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// The whole argument tree; help, completions and man pages are made from it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that `args` (program name first) ask for, with errors on stderr, and gives the exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Exit {
    let parsed = command().try_get_matches_from(args).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        // Help and version come this way too: clap knows their stream and their exit code.
        Err(error) => {
            let _ = error.print();
            return if error.exit_code() == 0 { Exit::Ok } else { Exit::Usage };
        }
    };
    install_panic_hook();
    let Cli { global, command } = cli;
    let ui = Ui::terminal(global.color, global.quiet, env::is_ci());
    let mut ctx = Ctx { ui, global };
    guard(&mut ctx, |ctx| command.run(ctx))
}

/// Where the first panic of the process happened; written by the hook, read by [`guard`].
static PANIC_PLACE: OnceLock<String> = OnceLock::new();

/// Replaces the default hook, which prints a raw message and a backtrace: [`guard`] tells the user once, in a sentence.
fn install_panic_hook() {
    panic::set_hook(Box::new(|info| {
        let _ = PANIC_PLACE.set(info.location().map(ToString::to_string).unwrap_or_default());
    }));
}

/// Runs `work`; a failure or a panic becomes lines on stderr and an exit code. Output is flushed in every case.
fn guard(ctx: &mut Ctx, work: impl FnOnce(&mut Ctx) -> Result<Exit, Failure>) -> Exit {
    let result = panic::catch_unwind(AssertUnwindSafe(|| {
        let exit = work(ctx)?;
        ctx.ui.flush()?;
        Ok(exit)
    }));
    let failure = match result {
        Ok(Ok(exit)) => return exit,
        Ok(Err(failure)) => failure,
        Err(payload) => bug(payload.as_ref()),
    };
    // What was written before the failure comes first, as the reader would see it unbuffered.
    let _ = ctx.ui.flush();
    let _ = failure.render(ctx.ui.err());
    let _ = ctx.ui.err().flush();
    failure.exit()
}

/// The failure that a caught panic becomes, in one line.
fn bug(payload: &(dyn Any + Send)) -> Failure {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref().copied());
    let place = PANIC_PLACE.get().map(|place| format!(" (at {place})")).unwrap_or_default();
    Failure::bug(format!("{}{place}", text.unwrap_or("panic without a message").replace('\n', " "))).hint(concat!(
        "Please report this line and the command at ",
        env!("CARGO_PKG_REPOSITORY"),
        "/issues."
    ))
}

/// Declares the commands. A line `name => Variant,` stands for the file `name.rs` beside the list, with
/// `Args` (its doc comment is the help) and `run(&mut Ctx, &Args) -> Result<Exit, Failure>`.
macro_rules! commands {
    ($($name:ident => $variant:ident,)+) => {
        $(#[allow(missing_docs, reason = "each file opens with its own")] pub mod $name;)+

        /// Every command with its arguments.
        #[derive(Debug, clap::Subcommand)]
        #[allow(clippy::large_enum_variant, reason = "there is one of them a run")]
        pub enum Command {
            $(#[allow(missing_docs, reason = "the doc comment would become the help")] $variant($name::Args),)+
        }

        impl Command {
            /// Runs the command.
            pub fn run(&self, ctx: &mut crate::context::Ctx) -> Result<crate::exit::Exit, crate::failure::Failure> {
                match self { $(Self::$variant(args) => $name::run(ctx, args),)+ }
            }
        }
    };
}
pub(crate) use commands;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(work: impl FnOnce(&mut Ctx) -> Result<Exit, Failure>) -> (Exit, String, String) {
        let (ui, out, err) = Ui::captured();
        let global = GlobalArgs { color: clap::ColorChoice::Auto, quiet: false, config: None, no_config: false };
        let exit = guard(&mut Ctx { ui, global }, work);
        (exit, out.text(), err.text())
    }

    #[test]
    fn the_argument_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_panic_is_a_bug_with_exit_70() {
        let (exit, out, err) = run(|ctx| {
            writeln!(ctx.ui.out(), "half")?;
            panic!("index out of bounds");
        });
        assert_eq!((exit.code(), out.as_str()), (70, "half\n"));
        assert!(err.starts_with("bug in meshctl: index out of bounds"), "{err}");
        assert!(err.contains("\nhint: Please report"), "{err}");
    }

    #[test]
    fn a_failure_keeps_what_was_written() {
        let (exit, out, err) = run(|ctx| {
            writeln!(ctx.ui.out(), "half")?;
            Err(Failure::input("cannot read `x.yaml`"))
        });
        assert_eq!((exit.code(), out.as_str(), err.as_str()), (2, "half\n", "error: cannot read `x.yaml`\n"));
    }
}
