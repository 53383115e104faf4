//! The process: allocator, shell-completion hook, and the exit code. Everything else is in the library.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // Answers `COMPLETE=bash meshctl` and the calls that the script makes; must come before anything writes to stdout.
    clap_complete::CompleteEnv::with_factory(meshctl::cli::command).complete();
    meshctl::cli::main(std::env::args_os()).into()
}
