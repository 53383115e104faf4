//! What another program costs: wall time, CPU time and peak memory, as the system counts them.
//!
//! The system sums up all children of a process. So that the figures are those of one program, the bench starts itself
//! once more for each run, and that copy has only one child.

use std::error::Error;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The first argument of the copy.
const MEASURE: &str = "--measure-one-program";

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of CPU, in the program and in the system for it.
    pub cpu: f64,
    /// Most memory in use at one time, in MB of 1024 * 1024 bytes.
    pub megabytes: f64,
}

/// Runs a command three times and gives the run with the least CPU. A program that does not start is an error; its exit
/// code means findings and is none of ours.
pub fn best_of_three(command: &[String]) -> Result<Cost, Box<dyn Error>> {
    let mut best: Option<Cost> = None;
    for _ in 0..3 {
        let output = Command::new(std::env::current_exe()?).arg(MEASURE).args(command).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        let figures: Vec<f64> =
            String::from_utf8(output.stdout)?.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [wall, cpu, megabytes] = figures[..] else { return Err("three figures were expected".into()) };
        best = best.filter(|best| best.cpu <= cpu).or(Some(Cost { wall, cpu, megabytes }));
    }
    best.ok_or_else(|| "no run".into())
}

/// In the copy: runs the program named by the arguments and gives the figures as a line. Elsewhere: nothing.
pub fn measured_child() -> Result<Option<String>, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some(MEASURE) {
        return Ok(None);
    }
    let program = arguments.next().ok_or("a program to measure was expected")?;
    let started = Instant::now();
    Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let wall = started.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    #[allow(clippy::cast_precision_loss, reason = "figures to read")]
    let seconds = |time: TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    #[allow(clippy::cast_precision_loss, reason = "figures to read")]
    let megabytes = usage.max_rss() as f64 / 1024.0;
    Ok(Some(format!("{wall} {} {megabytes}", seconds(usage.user_time()) + seconds(usage.system_time()))))
}
