//! `make bench`: what an analysis costs, on generated meshes of three sizes.
//!
//! Each run is a process of its own, the real binary; its CPU time and peak memory come from the system. The figure of a
//! row is the best of three runs, because other programs only ever make it worse. An `istioctl` on the PATH is measured on
//! the same files in the same way; without one, the last row is what was recorded before.

#![allow(clippy::print_stdout, reason = "the bench talks to a terminal")]
#![allow(clippy::disallowed_methods, reason = "files of its own in a temporary directory")]

#[path = "support/mesh.rs"]
mod mesh;
#[path = "support/process.rs"]
mod process;

use std::error::Error;
use std::fs;
use std::path::Path;

use mesh::Mesh;
use process::{Cost, best_of_three};

const MESHCTL: &str = env!("CARGO_BIN_EXE_meshctl");
const SIZES: [usize; 3] = [4_000, 10_000, 20_000];
/// The directory rows have the same services in so many files.
const FILES: usize = 400;
/// Measured for docs/performance.md on the same kind of machine, with the same number of services.
const RECORDED: &str =
    "istioctl, 4000 services (recorded)             20084      6.7 MB    3.69 s   4.882 s   238 MB         4114";

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(answer) = process::measured_child()? {
        println!("{answer}");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    println!(
        "{:<42} {:>7} {:>11} {:>9} {:>9} {:>8} {:>12}",
        "", "documents", "size", "wall", "CPU", "peak", "documents/s"
    );
    let mut costs = Vec::new();
    for services in SIZES {
        let file = folder.path().join(format!("{services}.yaml"));
        let text = Mesh { services, mistakes: false }.one_text();
        fs::write(&file, &text)?;
        costs.push(row(&format!("{services} services, one file"), &analyze(&file), &text)?);
    }
    let services = SIZES[0];
    let directory = folder.path().join("directory");
    fs::create_dir(&directory)?;
    Mesh { services, mistakes: false }.write_directory(&directory, FILES)?;
    let text = Mesh { services, mistakes: false }.one_text();
    row(&format!("{services} services, {FILES} files"), &analyze(&directory), &text)?;
    let file = folder.path().join("mistakes.yaml");
    let text = Mesh { services, mistakes: true }.one_text();
    fs::write(&file, &text)?;
    row(&format!("{services} services, mistakes in 1 %"), &analyze(&file), &text)?;
    row("meshctl version --client", &[MESHCTL, "version", "--client"].map(str::to_owned), "")?;

    let growth = |of: fn(&Cost) -> f64| of(&costs[2]) / of(&costs[0]);
    println!(
        "5 times the services: {:.1} times the CPU, {:.1} times the memory",
        growth(|c| c.cpu),
        growth(|c| c.megabytes)
    );
    peer(&folder.path().join(format!("{services}.yaml")), services, &costs[0])
}

fn analyze(input: &Path) -> Vec<String> {
    [MESHCTL, "analyze", "--no-config", &input.to_string_lossy()].map(str::to_owned).to_vec()
}

fn row(name: &str, command: &[String], text: &str) -> Result<Cost, Box<dyn Error>> {
    let cost = best_of_three(command)?;
    let documents = text.split("\n---\n").filter(|document| !document.is_empty()).count();
    #[allow(clippy::cast_precision_loss, reason = "figures to read")]
    let (size, rate) = (text.len() as f64 / 1e6, documents as f64 / cost.cpu);
    println!(
        "{name:<42} {documents:>9} {size:>8.1} MB {:>7.2} s {:>7.3} s {:>5.0} MB {rate:>12.0}",
        cost.wall, cost.cpu, cost.megabytes
    );
    Ok(cost)
}

/// The peer on the file with the fewest services, which is slow enough.
fn peer(file: &Path, services: usize, ours: &Cost) -> Result<(), Box<dyn Error>> {
    let installed = std::process::Command::new("istioctl").args(["version", "--remote=false"]).output();
    if !installed.is_ok_and(|output| output.status.success()) {
        println!("{RECORDED}");
        return Ok(());
    }
    let command = ["istioctl", "analyze", "--use-kube=false", &file.to_string_lossy()].map(str::to_owned);
    let theirs = row(&format!("istioctl, {services} services"), &command, &fs::read_to_string(file)?)?;
    println!(
        "istioctl takes {:.1} times the CPU and {:.1} times the memory",
        theirs.cpu / ours.cpu,
        theirs.megabytes / ours.megabytes
    );
    Ok(())
}
