//! `meshctl proxy validate`

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;
use embedded_proxy::server::Server;

use super::document::Document;
use super::problems::{Problem, bootstrap};
use crate::context::Ctx;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::json;

/// Check bootstrap files without starting anything
///
/// Builds all that `meshctl proxy run` would build and lets it go: no address is bound, no host is asked. Every setting that
/// the proxy cannot honour is listed with its line, its field path and why.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  meshctl proxy validate bootstrap.yaml\n  envoy-config-generator | meshctl proxy validate -\n  meshctl proxy validate -o json *.yaml | jq -r '.[].path'"
)]
pub struct Args {
    /// Bootstrap files, YAML or JSON; `-` is standard input
    #[arg(value_name = "FILE", required = true, value_hint = clap::ValueHint::FilePath)]
    files: Vec<PathBuf>,

    /// How to print what is found
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One line for each problem, and one for each file without
    #[default]
    Text,
    /// An array of problems
    Json,
}

/// Checks the files one by one. Exit 1: at least one cannot be honoured.
pub fn run(ctx: &mut Ctx, args: &Args) -> Result<Exit, Failure> {
    let mut all = Vec::new();
    for path in &args.files {
        let documents = [Document::read(path)?];
        let problems = Problem::locate(check(&documents), &documents);
        if args.output == Format::Text {
            for problem in &problems {
                problem.write(ctx.ui.out())?;
            }
            if problems.is_empty() {
                writeln!(ctx.ui.out(), "configuration '{}' OK", path.display())?;
            }
        }
        all.extend(problems);
    }
    if args.output == Format::Json {
        json::write(ctx.ui.out(), &all)?;
    }
    Ok(if all.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn check(documents: &[Document]) -> Vec<embedded_proxy::proto::Defect> {
    match bootstrap(documents).and_then(|bootstrap| Server::validate(&bootstrap)) {
        Ok(()) => Vec::new(),
        Err(defects) => defects,
    }
}
