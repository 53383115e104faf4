//! `meshctl local up`

use std::io::Write;
use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::unbounded_channel;

use super::answer;
use super::shared::{StateFlag, runtime};
use crate::context::Ctx;
use crate::control_plane::engine::StartError;
use crate::dialects::model;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::local::control;
use crate::local::run::{Local, Options, RunError};
use crate::local::state::State;
use crate::local::status;

/// Run the mesh of some manifests on this machine
///
/// Each Deployment, StatefulSet, DaemonSet, ReplicaSet, Job and Pod gets a proxy and a sample application that answers with
/// what it saw. Applications of bookinfo call each other as those of the real one; the annotation `meshctl.io/calls` of a pod
/// template says whom others call, `meshctl.io/fails` and `meshctl.io/delay` how they fail. Changes of the manifests are in
/// force at once. Ctrl-C, SIGTERM and `meshctl local stop` end everything.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  meshctl local up -f examples/mesh
  meshctl local up -f app/ -f policies/ --state /tmp/mesh-2")]
pub struct Args {
    /// Files and directories with manifests
    #[arg(long = "filename", short = 'f', value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    files: Vec<PathBuf>,

    /// Namespace of objects that name none
    #[arg(long, short = 'n', value_name = "NAME", default_value = "default")]
    namespace: String,

    #[command(flatten)]
    state: StateFlag,
}

/// Runs until it is told to end.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let directory = args.state.directory();
    let state = State::take(&directory).map_err(|error| {
        Failure::input(error)
            .hint("Stop it with `meshctl local stop`, or give this one another directory with --state.")
    })?;
    let runtime = runtime()?;
    let exit = runtime.block_on(serve(ctx, args, &state));
    runtime.shutdown_background();
    exit
}

async fn serve(ctx: &mut Ctx, args: &Args, state: &State) -> Result<Exit, Failure> {
    let mut signals = Signals::new().map_err(Failure::input)?;
    let (events, mut told) = unbounded_channel();
    let (stop, mut stopped) = unbounded_channel();
    let options = Options {
        paths: args.files.clone(),
        model: model::Options { default_namespace: args.namespace.clone(), ..model::Options::default() },
    };
    let local = tokio::select! {
        started = Local::start(options, events) => started.map_err(refused)?,
        () = signals.next() => return Ok(Exit::Ok),
    };
    let listener = match state.listen() {
        Ok(listener) => listener,
        Err(error) => {
            local.stop().await;
            return Err(Failure::input(error));
        }
    };
    let control = tokio::spawn(control::serve(listener, local.clone(), stop));
    let width = ctx.ui.out_width().unwrap_or(100);
    answer::status(ctx.ui.out(), &status::of(&local), width)?;
    answer::how(ctx.ui.out(), &status::of(&local))?;
    ctx.ui.flush()?;
    loop {
        tokio::select! {
            biased;
            () = signals.next() => break,
            _ = stopped.recv() => break,
            Some(event) = told.recv() => ctx.ui.note(event)?,
        }
    }
    // The answer to a stop command goes out before the socket does.
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    control.abort();
    let _ = control.await;
    local.stop().await;
    writeln!(ctx.ui.out(), "stopped")?;
    Ok(Exit::Ok)
}

fn refused(error: RunError) -> Failure {
    match error {
        RunError::Source(StartError::Broken(broken)) => {
            let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
            Failure::input(format!("the manifests cannot be used:\n{}", lines.join("\n")))
        }
        error @ RunError::Addresses(_) => {
            Failure::input(error).hint("This needs Linux, where all of 127.0.0.0/8 is loopback.")
        }
        error => Failure::input(error),
    }
}

struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
            _ = self.hup.recv() => {}
        }
    }
}
